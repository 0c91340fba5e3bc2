//! What a process with passphrases and keys in its memory owes its user, and what it asks of the system.

use std::io;

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};

/// Keeps secrets out of core dumps, and says nothing of what a panic held. Call it first thing.
pub fn harden() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // Where this fails there is nothing better to do, and nothing that the user asked for is lost.
    let _ = setrlimit(Resource::Core, none);
    // A core dump that is piped to a program, as on most desktops, does not heed that limit; it heeds this.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or(String::new(), |it| format!(" at {it}"));
        // The message of a panic may quote what somebody sent, so only the place is told.
        let text = format!("palisade: internal error{place}; this is a bug, please report it\n");
        let _ = io::Write::write_all(&mut io::stderr(), text.as_bytes());
    }));
}

/// Asks the person at the terminal for a secret, without showing it.
///
/// # Errors
/// No terminal, or an interrupted answer.
pub fn ask_secret(prompt: &str) -> io::Result<String> {
    rpassword::prompt_password(prompt)
}

/// While it stands, others can read or enter nothing that this process makes, unless it says so of that file.
#[derive(Debug)]
pub struct Privacy(Mode);

impl Privacy {
    /// From now on.
    pub fn begin() -> Self {
        Self(umask(Mode::RWXG | Mode::RWXO))
    }
}

impl Drop for Privacy {
    fn drop(&mut self) {
        umask(self.0);
    }
}

/// Lets this process have as many files open as the system ever lets it. Gives how many; `None` for any number.
pub fn raise_file_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    // Some systems name a highest limit that they do not give; then it stays as it was.
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_files_as_the_system_gives_may_be_open() {
        let given = raise_file_limit();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!((limit.current, limit.maximum), (given, given));
    }
}
