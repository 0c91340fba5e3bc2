//! What the stories share: a folder to work in, the real agent at hand, and a way to read its reports.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;
use tests::agent_binary::{AgentBinary, Ended};
use tests::devices::mobotix::{Camera, Spec};

/// A folder to work in, and the agent.
pub struct Desk {
    folder: TempDir,
    agent: AgentBinary,
}

impl Desk {
    pub fn new() -> Self {
        let agent = AgentBinary::find().unwrap_or_else(|error| panic!("{error}"));
        Self { folder: TempDir::new().unwrap(), agent }
    }

    /// The same with an environment variable.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.agent = self.agent.with(name, value);
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// A file that only its owner may read, as those of passwords must be.
    pub fn secret(&self, name: &str, content: &str) {
        let path = self.write(name, content);
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs `palisade-agent` with these words; `@name` stands for a path in the folder.
    pub async fn agent(&self, words: &str) -> Ended {
        let words = words.split_whitespace().map(|word| match word.strip_prefix('@') {
            Some(name) => self.path(name).into_os_string(),
            None => word.into(),
        });
        let ended = self.agent.run(words).await.unwrap();
        assert!(!ended.crashed(), "{ended:?}");
        ended
    }

    /// The same, with the JSON report it prints.
    pub async fn judged(&self, words: &str) -> (Ended, Judged) {
        let ended = self.agent(&format!("{words} --format json")).await;
        let document = serde_json::from_str(&ended.out);
        let document = document.unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        (ended, Judged(document))
    }
}

/// A JSON report, or the part of one that is about one device.
#[derive(Clone, Debug)]
pub struct Judged(pub Value);

impl Judged {
    /// The part of a site's report about that device.
    #[track_caller]
    pub fn device(&self, name: &str) -> Self {
        let devices = self.0["devices"].as_array().expect("a report of a site");
        let found = devices.iter().find(|device| device["device"]["name"] == name);
        Self(found.unwrap_or_else(|| panic!("no {name} in the report")).clone())
    }

    pub fn findings(&self) -> &[Value] {
        self.0["findings"].as_array().map_or(&[], Vec::as_slice)
    }

    #[track_caller]
    fn finding(&self, measure: &str) -> &Value {
        let found = self.findings().iter().find(|finding| finding["measure"] == measure);
        found.unwrap_or_else(|| panic!("{measure} was not judged: {}", self.0))
    }

    /// What was judged of a measure.
    #[track_caller]
    pub fn judgment(&self, measure: &str) -> &str {
        self.finding(measure)["judgment"].as_str().unwrap()
    }

    /// What was observed for it.
    #[track_caller]
    pub fn observed(&self, measure: &str) -> &str {
        self.finding(measure)["observed"].as_str().unwrap()
    }

    /// Asserts what was judged of a measure, and that what was observed holds all of these words.
    #[track_caller]
    pub fn says(&self, measure: &str, judgment: &str, words: &[&str]) {
        let observed = self.observed(measure);
        assert_eq!(self.judgment(measure), judgment, "{measure}: {observed}");
        for word in words {
            assert!(observed.contains(word), "{measure}: {word:?} is not in {observed:?}");
        }
    }

    /// The measures that were judged so, in the guide's order.
    pub fn all(&self, judgment: &str) -> Vec<&str> {
        let found = self.findings().iter().filter(|finding| finding["judgment"] == judgment);
        found.filter_map(|finding| finding["measure"].as_str()).collect()
    }
}

pub async fn start(spec: Spec) -> Camera {
    Camera::start(spec).await.unwrap()
}

pub fn http(camera: &Camera) -> String {
    format!("http://{}", camera.http_address().unwrap())
}

pub fn https(camera: &Camera) -> String {
    format!("https://{}", camera.https_address().unwrap())
}

/// The same configuration on the firmware that the vendor recommends for its line (P3 only).
pub fn current(config: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(config.to_vec()).unwrap();
    text.replace("MX-V4.7.3.11-r4", "MX-V4.7.3.11-r6").into_bytes()
}
