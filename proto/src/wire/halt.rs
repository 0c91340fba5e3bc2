//! That a site's agent changes nothing unattended any more, between the wire and checked words.

use super::malformed::{self, Malformed};
use super::v1;
use crate::text::printable;
use crate::{DeviceName, Timestamp};

/// Longest reason, in bytes.
const MAX_WHY: usize = 1000;

/// Nothing is changed unattended at a site, until an operator orders to go on or the policy is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// What went wrong, as a clause that begins with the device.
    pub why: String,
    /// Since when, by the agent's clock.
    pub since: Timestamp,
    /// Where it went wrong; `None` if it was no device.
    pub device: Option<DeviceName>,
}

impl Halt {
    /// A halt for a reason that may begin with the name of a device and a colon. What of the reason no terminal may see
    /// is escaped, and what is too long is cut.
    pub fn new(why: &str, since: Timestamp) -> Self {
        let device = why.split_once(": ").and_then(|(name, _)| name.parse().ok());
        let mut why = printable(why, MAX_WHY);
        while why.len() > MAX_WHY {
            why.pop();
        }
        Self { why, since, device }
    }
}

impl From<&Halt> for v1::Halt {
    fn from(halt: &Halt) -> Self {
        Self {
            why: halt.why.clone(),
            since: halt.since.unix(),
            device: halt.device.as_ref().map_or(String::new(), ToString::to_string),
        }
    }
}

impl TryFrom<v1::Halt> for Halt {
    type Error = Malformed;

    fn try_from(halt: v1::Halt) -> Result<Self, Malformed> {
        let device = (!halt.device.is_empty()).then(|| malformed::device(halt.device));
        Ok(Self {
            why: malformed::words(halt.why, "why it halted", MAX_WHY)?,
            since: malformed::time(halt.since, "time of the halt")?,
            device: device.transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_halt_names_its_device_and_crosses_the_wire_unchanged() {
        let at = Timestamp::from_unix(1_800_000_000);
        let halt = Halt::new("yard: the picture is gone", at);
        assert_eq!(halt.device, Some("yard".parse().unwrap()));
        assert_eq!(Halt::try_from(v1::Halt::from(&halt)), Ok(halt));
        assert_eq!(Halt::new("the disk is full", at).device, None);
        let long = Halt::new(&"\u{202e}".repeat(2000), at);
        assert!(Halt::try_from(v1::Halt::from(&long)).is_ok());
        let silent = v1::Halt { why: " ".to_owned(), ..v1::Halt::from(&long) };
        assert_eq!(Halt::try_from(silent), Err(Malformed::Missing("why it halted")));
        let nasty = v1::Halt { why: "yard\u{1b}[2J".to_owned(), ..v1::Halt::from(&long) };
        assert!(Halt::try_from(nasty).is_err());
    }
}
