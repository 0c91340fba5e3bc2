//! What a process with passwords in its memory owes its user.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

/// Keeps passwords out of core dumps, and says nothing of what a panic held. Call it first thing.
pub fn harden() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // Where this fails there is nothing better to do, and nothing that the user asked for is lost.
    let _ = setrlimit(Resource::Core, none);
    // A core dump that is piped to a program, as on most desktops, does not heed that limit; it heeds this.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or(String::new(), |it| format!(" at {it}"));
        // The message of a panic may quote what a device sent, so only the place is told.
        let text =
            format!("palisade-agent: internal error{place}; this is a bug, please report it\n");
        let _ = io::Write::write_all(&mut io::stderr(), text.as_bytes());
    }));
}

/// An environment variable that is UTF-8.
pub fn variable(name: &str) -> Option<String> {
    std::env::var_os(name)?.into_string().ok()
}

/// Asks the person at the terminal for a password, without showing it.
///
/// # Errors
/// No terminal, or an interrupted answer.
pub fn ask_password(prompt: &str) -> io::Result<String> {
    rpassword::prompt_password(prompt)
}
