//! What was learned behind the door besides the configuration.

use std::net::IpAddr;

use proto::Timestamp;

use super::super::weblog;
use super::stranger::Outside;
use super::{REMOTE, WEB_LOG};
use crate::clock;
use crate::device::Fault;
use crate::device::http::Answer;
use crate::facts::{Account, BasicLogin, CameraFacts, EvidenceBook, Fact, WebLogSummary};

/// What was learned inside besides the configuration.
#[derive(Debug)]
pub struct Findings {
    pub web_log: Fact<WebLogSummary>,
    pub basic_login: Fact<BasicLogin>,
    pub login_password: Fact<Vec<String>>,
    /// Account and whether it has the factory password, as a log-in proved.
    pub factory: Vec<(String, bool)>,
    pub evidence: EvidenceBook,
}

impl Findings {
    /// Nothing was learned, for that reason.
    pub fn none(reason: &str) -> Self {
        Self {
            web_log: Fact::unreadable(reason),
            basic_login: Fact::unreadable(reason),
            login_password: Fact::unreadable(reason),
            factory: Vec::new(),
            evidence: EvidenceBook::default(),
        }
    }

    /// Reads the answer to a request for the web server log.
    pub fn read_log(
        &mut self,
        answer: Result<Answer, Fault>,
        outside: &Outside,
        own: Option<IpAddr>,
    ) -> Fact<WebLogSummary> {
        let reply = match answer {
            Ok(Answer::Admitted(reply)) if reply.status == 200 => reply,
            Ok(Answer::Admitted(reply) | Answer::Refused(reply)) => {
                return Fact::Unreadable(format!(
                    "the camera answered HTTP {} for {WEB_LOG}; read the log in its own pages",
                    reply.status
                ));
            }
            Ok(Answer::Renewed) => return Fact::unreadable("the camera did not answer"),
            Err(fault) => return Fact::Unreadable(fault.to_string()),
        };
        let offset = outside.clock_offset.seen().copied().unwrap_or(0);
        let theirs = Timestamp::from_unix(clock::now().unix().saturating_add(offset));
        let Some(mut summary) = weblog::summarise(&reply.body, theirs.day()) else {
            return Fact::unreadable(
                "what the camera showed as its web server log holds no such table",
            );
        };
        summary.own = own;
        let text = format!("{} rows, {} sources", summary.rows, summary.sources.len());
        self.evidence.note("web_log", format!("GET {WEB_LOG}"), &text);
        Fact::Seen(summary)
    }

    /// Enters what was learned into the facts.
    pub fn enter(mut self, facts: &mut CameraFacts) {
        if let Fact::Seen(accounts) = &mut facts.accounts {
            for (user, factory) in self.factory {
                let settle = |account: &&mut Account| {
                    let told = account.factory_password.seen().is_some();
                    account.name == user && (factory || !told)
                };
                let Some(account) = accounts.iter_mut().find(settle) else { continue };
                account.factory_password = Fact::Seen(factory);
                let outcome = if factory { "is" } else { "is not" };
                let user = proto::text::printable(&user, 40);
                let text =
                    format!("a log-in showed that the password of {user} {outcome} the factory's");
                self.evidence.note("accounts", format!("POST {REMOTE}"), &text);
            }
        }
        facts.web_log = self.web_log;
        facts.basic_login = self.basic_login;
        facts.login_password = self.login_password;
        facts.evidence.append(self.evidence);
    }
}
