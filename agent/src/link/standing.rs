//! How the link does, for the people who look at the box: in words that say what to do.

use proto::Timestamp;
use serde::{Deserialize, Serialize};

/// How the link does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// What it is at.
    pub state: State,
    /// Since then.
    pub since: Timestamp,
    /// When the controller was last heard in this run.
    pub last_contact: Option<Timestamp>,
    /// Why the last attempt failed, while there is no line.
    pub trouble: Option<String>,
}

/// What the link is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Trying to reach the controller.
    Offline,
    /// A line is open.
    Online,
    /// The certificate has lapsed; the way back is being tried.
    Recovering,
    /// The controller suspects that another box claims to be this agent. An operator has to decide.
    Locked,
    /// The controller refuses this agent: revoked, replaced or unknown.
    Refused,
    /// What answers at the controller's address is not trusted.
    Untrusted,
}

impl State {
    /// In words, with what to do.
    pub fn words(self) -> &'static str {
        match self {
            Self::Offline => "the controller cannot be reached; visits go on, and reports wait",
            Self::Online => "connected",
            Self::Recovering => "the certificate has lapsed; the agent is finding its way back",
            Self::Locked => {
                "two boxes claim to be this agent; an operator has to decide which is which"
            }
            Self::Refused => "the controller refuses this agent; it was revoked or replaced",
            Self::Untrusted => "what answers at the controller's address cannot be trusted",
        }
    }
}

impl Standing {
    /// At the start.
    pub fn new(now: Timestamp) -> Self {
        Self { state: State::Offline, since: now, last_contact: None, trouble: None }
    }

    /// Something failed. `true` if that is news.
    pub fn fail(&mut self, state: State, trouble: String, now: Timestamp) -> bool {
        let is_news = self.state != state || self.trouble.as_ref() != Some(&trouble);
        if self.state != state {
            (self.state, self.since) = (state, now);
        }
        self.trouble = Some(trouble);
        is_news
    }

    /// The controller was heard.
    pub fn hear(&mut self, now: Timestamp) {
        if self.state != State::Online {
            (self.state, self.since) = (State::Online, now);
        }
        self.last_contact = Some(now);
        self.trouble = None;
    }
}
