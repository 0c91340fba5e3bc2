//! Cameras that misbehave, each beside two that do not, and what became of an audit of them. It observes; whether that
//! is good enough, a story asserts and `palisade-faults` counts.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::agent_binary::{AgentBinary, Ended};
use crate::devices::mobotix::{Camera, Fault, Faults, Line, Spec, configs};

/// The password that bad cameras are visited with; it must never be seen again.
pub const PLANTED: &str = "Pl4nted?Kestrel-Umbra";
/// The cameras that nothing is wrong with.
pub const GOOD: [&str; 2] = ["good-before", "zgood-after"];

/// A camera that misbehaves.
#[derive(Clone, Debug)]
pub struct BadCamera {
    /// Its name, which says what is wrong with it.
    pub name: String,
    /// What is wrong with it.
    pub faults: Faults,
    /// Whether it is visited over TLS.
    pub tls: bool,
    /// What a message about it must tell, among other things.
    pub says: &'static str,
}

/// Every fault that keeps a camera from being read; those that have nothing to do with TLS over HTTP or HTTPS.
pub fn bad_cameras(tls: bool) -> Vec<BadCamera> {
    let everywhere = |fault| Faults::none().with(fault);
    let remote = |fault| Faults::none().on("/admin/remoteconfig", fault);
    let slow = Duration::from_millis(1000);
    let plain = [
        ("hangs", everywhere(Fault::Hang), "not done within"),
        ("drips", everywhere(Fault::Drip(slow)), "not done within"),
        ("shows-a-page", remote(Fault::HtmlPage), "answered with a page instead"),
        ("claims-10-gb", everywhere(Fault::EndlessBody), "4 MiB"),
        ("never-ends", everywhere(Fault::EndlessChunks), "4 MiB"),
        ("sends-a-gzip-bomb", everywhere(Fault::GzipBomb), "4 MiB"),
        ("redirects", everywhere(Fault::RedirectLoop), "redirects to"),
        ("sends-too-little", everywhere(Fault::LengthTooLong), "before the length it announced"),
        ("sends-too-much", everywhere(Fault::LengthTooShort), ""),
        ("stumbles", everywhere(Fault::ServerError), "HTTP 500"),
        ("talks-nonsense", everywhere(Fault::Garbage), "no HTTP answer"),
        ("is-another-product", everywhere(Fault::OtherProduct), "not look like a MOBOTIX camera"),
    ];
    let secure = [
        ("stalls-in-the-handshake", everywhere(Fault::HalfHandshake), "not done within"),
        ("speaks-tls-1.0", everywhere(Fault::Tls10Hello), "TLS older than 1.2"),
        ("alerts-of-its-version", everywhere(Fault::ProtocolVersionAlert), "TLS older than 1.2"),
    ];
    let only_tls = secure.into_iter().filter(|_| tls);
    let named = plain.into_iter().chain(only_tls);
    named
        .map(|(name, faults, says)| BadCamera { name: name.to_owned(), faults, tls, says })
        .collect()
}

/// What became of an audit.
#[derive(Clone, Debug)]
pub struct Outing {
    /// How the agent ended.
    pub ended: Ended,
    /// Its JSON report, if it printed one.
    pub report: Option<Value>,
    /// What it saved for `judge`.
    pub facts: String,
    /// The most connections that any camera saw open at once.
    pub most_open: u64,
    limit: Duration,
    expected: Vec<(String, &'static str)>,
}

/// Audits these cameras and two good ones, all at once, with that limit for each visit in seconds.
///
/// # Errors
/// When the world cannot be set up, or the agent does not end by itself.
pub async fn outing(agent: &AgentBinary, bad: &[BadCamera], limit: u16) -> io::Result<Outing> {
    let folder = tempfile::tempdir()?;
    let (mut running, mut site) = (Vec::new(), String::new());
    let mut add = |name: &str, address: String, login: (&str, &str)| {
        site.push_str(&format!(
            "[[devices]]\nname = \"{name}\"\nkind = \"mobotix\"\naddress = \"{address}\"\nuser = \"{}\"\n\
             password_file = \"{}\"\n\n",
            login.0, login.1
        ));
    };
    let [before, after] = GOOD;
    let good = |name| Spec { config: Some(good_config()), ..Spec::new(Line::P3, name) };
    let camera = Camera::start(good(before)).await?;
    add(before, address(&camera, true)?, (configs::AUDITOR.0, "good"));
    running.push(camera);
    for one in bad {
        let spec = Spec::new(Line::P3, &one.name);
        let (faults, config) = (one.faults.clone(), Some(planted_config()));
        let spec = Spec { faults, config, ..spec };
        let camera = Camera::start(spec).await?;
        add(&one.name, address(&camera, one.tls)?, ("admin", "planted"));
        running.push(camera);
    }
    let camera = Camera::start(good(after)).await?;
    add(after, address(&camera, false)?, (configs::AUDITOR.0, "good"));
    running.push(camera);
    for (name, password) in [("good", configs::AUDITOR.1), ("planted", PLANTED)] {
        fs::write(folder.path().join(name), password)?;
        fs::set_permissions(folder.path().join(name), Permissions::from_mode(0o600))?;
    }
    fs::write(folder.path().join("site.toml"), site)?;
    let inventory = folder.path().join("site.toml").to_string_lossy().into_owned();
    let saved = folder.path().join("facts.json").to_string_lossy().into_owned();
    let words = ["audit", "--inventory", &inventory, "--timeout", &limit.to_string()];
    let more = ["--concurrency", "64", "--format", "json", "--save-facts", &saved];
    let ended = agent.run(words.iter().chain(&more)).await?;
    Ok(Outing {
        report: serde_json::from_str(&ended.out).ok(),
        ended,
        facts: fs::read_to_string(&saved).unwrap_or_default(),
        most_open: running.iter().map(|one| one.counts().most_open).max().unwrap_or(0),
        limit: Duration::from_secs(limit.into()),
        expected: bad.iter().map(|one| (one.name.clone(), one.says)).collect(),
    })
}

impl Outing {
    /// Whether it took more than 2 s longer than one visit may take; all visits were made at once.
    pub fn over_time(&self) -> bool {
        self.ended.took > self.limit + Duration::from_secs(2)
    }

    /// Whether it ended by a signal, a panic or a code other than 2.
    pub fn crashed(&self) -> bool {
        self.ended.crashed() || self.ended.code != Some(2)
    }

    /// The bad cameras of which it did not tell by name what happened.
    pub fn unclear(&self) -> Vec<&str> {
        let tells = |name: &str, says: &str| {
            let start = format!("palisade-agent: {name}: ");
            let mut told = self.ended.err.lines().filter_map(|line| line.strip_prefix(&start));
            told.any(|message| message.len() > 20 && message.contains(says))
        };
        let unclear = self.expected.iter().filter(|(name, says)| !tells(name, says));
        unclear.map(|(name, _)| name.as_str()).collect()
    }

    /// The good cameras that were not judged by all 32 measures, and the bad ones that were judged at all.
    pub fn misjudged(&self) -> Vec<&str> {
        let findings = |name: &str| {
            let devices = self.report.as_ref()?["devices"].as_array()?;
            let device = devices.iter().find(|device| device["device"]["name"] == name)?;
            device["findings"].as_array().map(Vec::len)
        };
        let bad = self.expected.iter().map(|(name, _)| (name.as_str(), 0));
        let wanted = GOOD.into_iter().map(|name| (name, 32)).chain(bad);
        wanted
            .filter(|(name, count)| findings(name) != Some(*count))
            .map(|(name, _)| name)
            .collect()
    }

    /// Whether a password stands in anything that was printed or saved, as it is or in Base64.
    pub fn leaks(&self) -> bool {
        let places = [&self.ended.out, &self.ended.err, &self.facts];
        let logins = [("admin", PLANTED), configs::AUDITOR];
        logins.iter().any(|(user, password)| {
            let forms = [password.to_string(), STANDARD.encode(password)];
            let basic = STANDARD.encode(format!("{user}:{password}"));
            forms.iter().chain([&basic]).any(|form| places.iter().any(|it| it.contains(form)))
        })
    }
}

fn address(camera: &Camera, tls: bool) -> io::Result<String> {
    let (scheme, address) = match tls {
        true => ("https", camera.https_address()),
        false => ("http", camera.http_address()),
    };
    let address = address.ok_or_else(|| io::Error::other("the camera does not listen there"))?;
    Ok(format!("{scheme}://{address}"))
}

/// What a bad camera would show if it could: as from the factory, but for the password.
fn planted_config() -> Vec<u8> {
    let line = |password| configs::user_line(Line::P3, "admin", "admins", password);
    let text = String::from_utf8_lossy(&configs::factory(Line::P3).bytes()).into_owned();
    text.replace(&line(configs::FACTORY_PASSWORD), &line(PLANTED)).into_bytes()
}

fn good_config() -> Vec<u8> {
    configs::hardened(Line::P3, std::net::Ipv4Addr::new(10, 12, 1, 7).into())
}
