//! How far a site's audit has come, for a person who waits. In a pipe it is quiet.
//!
//! One line that is written again and again, and no library for it: what draws bars reckons speeds, and the mathematics
//! for that would be resident on every site's box, where nobody ever sees a bar.

use std::io::Write as _;

use super::console::Terminals;
use crate::facts::Observation;

/// Back to the beginning of the line, which is wiped.
const AFRESH: &str = "\r\x1b[K";

/// A count on standard error, or nothing.
pub struct Progress {
    devices: usize,
    done: usize,
    shown: bool,
}

impl Progress {
    /// A count of that many devices, if there is a person to see it and more than one thing to wait for.
    pub fn new(devices: usize, terminals: Terminals) -> Self {
        Self { devices, done: 0, shown: terminals.errors && devices > 1 }
    }

    /// One more is done.
    pub fn step(&mut self, observation: &Observation) {
        self.done += 1;
        let (Self { devices, done, .. }, name) = (&self, &observation.device.name);
        self.write(&format!("{done} of {devices} devices, last {name}"));
    }

    /// Takes the count away.
    pub fn finish(self) {
        self.write("");
    }

    fn write(&self, text: &str) {
        if self.shown {
            // Who cannot be shown the count can be shown no complaint about it either.
            let _ = write!(std::io::stderr(), "{AFRESH}{text}");
        }
    }
}
