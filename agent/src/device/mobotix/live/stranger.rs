//! What a camera shows to somebody who does not log in, and whether it is a MOBOTIX camera at all.

use proto::Timestamp;
use proto::text::printable;
use reqwest::header::{DATE, LOCATION};

use super::super::identify;
use super::{REMOTE, served};
use crate::clock;
use crate::device::http::{Ask, Browser, Challenges, Reply};
use crate::device::{Fault, Target};
use crate::facts::{CameraFacts, EvidenceBook, Fact, PublicPage, Robots};

/// Pages that show the camera's picture (guide, measure 6).
const PAGES: [&str; 4] = [
    "/cgi-bin/guestimage.html",
    "/control/userimage.html",
    "/cgi-bin/image.jpg",
    "/control/event.jpg",
];

/// What was seen from outside.
#[derive(Debug)]
pub struct Outside {
    /// How the remote configuration is guarded.
    pub door: Door,
    /// The configuration, where it was given away without a login.
    pub remote: Vec<u8>,
    /// The camera's clock minus ours, in seconds.
    pub clock_offset: Fact<i64>,
    pages: Fact<Vec<PublicPage>>,
    robots: Fact<Robots>,
    evidence: EvidenceBook,
}

/// How the remote configuration is guarded.
#[derive(Debug)]
pub enum Door {
    /// Not at all.
    Open,
    /// It wants a login.
    Challenged(Challenges),
}

/// Looks around, after `reply` came to the first question, which was for the configuration.
///
/// # Errors
/// A fault if it is no MOBOTIX camera, if it does not talk to us, or if it has no remote configuration.
pub async fn look(browser: &mut Browser, target: &Target, reply: Reply) -> Result<Outside, Fault> {
    let challenges = reply.challenges();
    let open = reply.status == 200 && identify::remote_answer(&reply.body);
    // Who is starting or overloaded shows nobody who it is.
    let down = (500..600).contains(&reply.status) && reply.status != 501;
    if !open && !down && !challenges.realms().any(identify::realm) {
        identify_by_start_page(browser, target, &reply).await?;
    }
    let door = match reply.status {
        200 if open => Door::Open,
        401 => Door::Challenged(challenges),
        status => return Err(turned_away(target, status, &reply)),
    };
    let mut outside = Outside {
        clock_offset: clock_offset(&reply, clock::now()),
        door,
        remote: reply.body,
        pages: Fact::Absent,
        robots: Fact::Absent,
        evidence: EvidenceBook::default(),
    };
    if let Door::Challenged(_) = outside.door {
        outside.remote = Vec::new();
    }
    outside.note_door();
    outside.look_at_pages(browser).await;
    outside.look_at_robots(browser).await;
    Ok(outside)
}

impl Outside {
    fn note_door(&mut self) {
        let source = format!("POST {REMOTE}");
        match &self.door {
            Door::Open => {
                self.evidence.note(
                    "public_pages",
                    source,
                    "HTTP 200 with the configuration, without a login",
                );
            }
            Door::Challenged(challenges) => {
                let schemes: Vec<_> = challenges.schemes().into_iter().collect();
                let realm = printable(challenges.realms().next().unwrap_or_default(), 60);
                let text =
                    format!("HTTP 401, offers {} for realm {realm:?}", schemes.join(" and "));
                self.evidence.note("auth_offered", source, &text);
            }
        }
        if let Fact::Seen(offset) = self.clock_offset {
            let text = format!("{offset} s from our clock");
            self.evidence.note("clock_offset", "header Date", &text);
        }
    }

    /// A page that cannot be read leaves the question open, unless another one already answers it.
    async fn look_at_pages(&mut self, browser: &mut Browser) {
        let mut pages = Vec::new();
        if let Door::Open = self.door {
            pages.push(served(REMOTE, 200, true));
        }
        let mut fault = None;
        for path in PAGES {
            match browser.ask(Ask::get(path).discard()).await {
                Ok(reply) => {
                    let page = served(path, reply.status, reply.has_body);
                    let what = if page.served { " with content" } else { "" };
                    let text = format!("HTTP {}{what}, without a login", page.status);
                    self.evidence.note("public_pages", format!("GET {path}"), &text);
                    pages.push(page);
                }
                Err(error) => {
                    fault = Some(error);
                    break;
                }
            }
        }
        self.pages = match fault {
            Some(fault) if !pages.iter().any(|page| page.served) => {
                Fact::Unreadable(fault.to_string())
            }
            _ => Fact::Seen(pages),
        };
    }

    async fn look_at_robots(&mut self, browser: &mut Browser) {
        let (robots, text) = match browser.ask(Ask::get("/robots.txt")).await {
            Ok(reply) => read_robots(reply.status, &reply.body),
            Err(fault) => (Fact::Unreadable(fault.to_string()), "not read".to_owned()),
        };
        self.robots = robots;
        self.evidence.note("robots", "GET /robots.txt", &text);
    }

    /// Enters what was seen into the facts.
    pub fn enter(self, facts: &mut CameraFacts) {
        facts.auth_offered = match &self.door {
            Door::Open => Fact::unreadable("the camera asked for no login"),
            Door::Challenged(challenges) => Fact::Seen(challenges.schemes()),
        };
        facts.public_pages = self.pages;
        facts.robots = self.robots;
        facts.clock_offset = self.clock_offset;
        facts.evidence.append(self.evidence);
    }
}

/// Asks for the start page where the realm says nothing. No password goes to a device that does not show itself.
async fn identify_by_start_page(
    browser: &mut Browser,
    target: &Target,
    first: &Reply,
) -> Result<(), Fault> {
    let reply = browser.ask(Ask::get("/")).await?;
    if identify::start_page(reply.header(LOCATION), &reply.body) {
        return Ok(());
    }
    // A way elsewhere or a stumble is told as such: it says nothing about what the device is.
    if matches!(first.status, 300..400 | 500 | 502..600) {
        return Err(turned_away(target, first.status, first));
    }
    Err(Fault::Unsupported(format!(
        "looking at {}: it does not look like a MOBOTIX camera (HTTP {} for {REMOTE}, HTTP {} for its start page); \
         credentials were not sent. Check the address",
        target.address, first.status, reply.status
    )))
}

fn turned_away(target: &Target, status: u16, reply: &Reply) -> Fault {
    let doing = format!("asking {} for its configuration", target.address);
    match status {
        200 => Fault::Nonsense(format!(
            "{doing}: it answered with a page instead; check that the address leads to the camera itself and not to a \
             proxy or a portal"
        )),
        300..400 => Fault::Unsupported(format!(
            "{doing}: it redirects to {}, which is never followed; credentials were not sent. Give that address if it \
             is the camera's",
            printable(reply.header(LOCATION).unwrap_or("nowhere"), 120)
        )),
        403 => Fault::Refused(format!(
            "{doing}: it refuses our address without asking for a login (HTTP 403); check its IP access list, and \
             whether intrusion detection blocked us, which lasts until its next reboot"
        )),
        404 | 405 | 410 | 501 => Fault::Unsupported(format!(
            "{doing}: it has no remote configuration (HTTP {status}); audit its exported configuration instead"
        )),
        500..600 => Fault::Rejected(format!(
            "{doing}: it answered HTTP {status}; credentials were not sent. It may be starting or overloaded: try again in \
             some minutes, and check the address if that does not help"
        )),
        _ => Fault::Nonsense(format!(
            "{doing}: it answered HTTP {status}, which makes no sense here"
        )),
    }
}

pub fn clock_offset(reply: &Reply, now: Timestamp) -> Fact<i64> {
    let Some(text) = reply.header(DATE) else {
        return Fact::unreadable("the camera's answer bears no date");
    };
    let parser = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true);
    match parser.parse_timestamp(text) {
        Ok(time) => Fact::Seen(Timestamp::from_unix(time.as_second()).seconds_since(now)),
        Err(_) => Fact::unreadable("the date in the camera's answer cannot be read"),
    }
}

/// What the page says to a crawler (RFC 9309), and the evidence in words.
fn read_robots(status: u16, body: &[u8]) -> (Fact<Robots>, String) {
    let (robots, what) = match status {
        200 if disallows_all(&String::from_utf8_lossy(body)) => {
            (Fact::Seen(Robots::DisallowsAll), ", disallows everything")
        }
        200 => (Fact::Seen(Robots::AllowsSome), ", does not disallow everything"),
        404 | 410 => (Fact::Seen(Robots::NoPage), ""),
        401 => (Fact::Seen(Robots::WantsLogin), ""),
        _ => (Fact::Unreadable(format!("the camera answered HTTP {status}")), ""),
    };
    (robots, format!("HTTP {status}{what}"))
}

/// Whether everybody is told to stay out of everything. Groups other than the one for everybody must say so too.
fn disallows_all(text: &str) -> bool {
    let (mut everybody, mut in_head) = (false, false);
    // Whether the group we are in bars all, and whether one before it did not.
    let (mut bars, mut leak, mut any) = (false, false, false);
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "user-agent" => {
                if !in_head {
                    leak |= any && !bars;
                    (bars, any, in_head) = (false, true, true);
                }
                everybody |= value == "*";
            }
            "disallow" => {
                bars |= any && matches!(value, "/" | "/*");
                in_head = false;
            }
            "allow" => {
                leak |= !value.is_empty();
                in_head = false;
            }
            _ => {}
        }
    }
    everybody && bars && !leak
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_that_bars_everybody_from_everything_disallows_all() {
        assert!(disallows_all("User-agent: *\nDisallow: /\n"));
        assert!(disallows_all("# x\r\nuser-agent: a\r\nUSER-AGENT: * \r\ndisallow: / # all\r\n"));
        assert!(disallows_all("User-agent: a\nDisallow: /\n\nUser-agent: *\nDisallow: /"));
        for open in [
            "",
            "Disallow: /",
            "User-agent: *\nDisallow:",
            "User-agent: *\nDisallow: /admin",
            "User-agent: *\nDisallow: /\nAllow: /cgi-bin",
            "User-agent: a\nDisallow: /",
            "User-agent: a\nDisallow:\nUser-agent: *\nDisallow: /",
            "User-agent: *\nDisallow: /\nUser-agent: a\nDisallow:",
            "<html>User-agent: *</html>",
        ] {
            assert!(!disallows_all(open), "{open:?}");
        }
    }

    #[test]
    fn what_stands_at_the_end_of_a_long_page_counts() {
        let gap = "\n".repeat(5000);
        let page = format!("User-agent: *\nDisallow: /\n{gap}User-agent: a\nAllow: /\n");
        assert!(!disallows_all(&page));
    }

    #[test]
    fn a_page_that_is_not_there_or_not_shown_is_told_apart() {
        assert_eq!(read_robots(404, b"").0, Fact::Seen(Robots::NoPage));
        assert_eq!(read_robots(401, b"").0, Fact::Seen(Robots::WantsLogin));
        assert!(matches!(read_robots(302, b"").0, Fact::Unreadable(_)));
    }

    proptest::proptest! {
        #[test]
        fn no_robots_page_makes_the_reader_panic(text in "(?s)(user-agent:|disallow:|allow:|/|\\*|#|\n|.){0,40}") {
            let _ = disallows_all(&text);
        }
    }
}
