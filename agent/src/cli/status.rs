//! `palisade-agent status`: asks the agent on this box how it does, over its local socket, and says it in words.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proto::text::printable;

use super::arguments::{self, TextFormat};
use super::console::Console;
use super::run::{SOCKET, packaged_socket};
use super::stop::{GOOD, Stop};
use crate::service::Status;

/// More than this is no status, in bytes.
const MAX_REPLY: u64 = 1 << 20;
/// Longest line, in characters.
const MAX_LINE: usize = 400;
/// An agent answers within this.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tells how the agent does.
///
/// # Errors
/// An agent that does not answer.
pub fn run(arguments: &arguments::Status, console: &mut Console<'_>) -> Result<u8, Stop> {
    let socket = socket(arguments);
    let text = ask(&socket).map_err(|why| {
        Stop::Failed(format!("no agent answers on {}: {why}; is it running?", socket.display()))
    })?;
    match arguments.format {
        TextFormat::Json => console.result(&format!("{}\n", text.trim_end()))?,
        TextFormat::Text => {
            let status: Status = serde_json::from_str(&text).map_err(|error| {
                Stop::Failed(format!(
                    "the agent's status cannot be read: {error}; is it of another version?"
                ))
            })?;
            console.result(&words(&status))?;
        }
    }
    Ok(GOOD)
}

fn socket(arguments: &arguments::Status) -> PathBuf {
    let own = arguments.data.data.join(SOCKET);
    match &arguments.socket {
        Some(socket) => socket.clone(),
        None if !own.exists() && packaged_socket().exists() => packaged_socket().to_owned(),
        None => own,
    }
}

fn ask(socket: &Path) -> Result<String, String> {
    let exchange = || {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /status HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n")?;
        let mut reply = String::new();
        stream.take(MAX_REPLY).read_to_string(&mut reply)?;
        Ok(reply)
    };
    let reply = exchange().map_err(|error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such socket".to_owned(),
        std::io::ErrorKind::PermissionDenied => "this user may not use it".to_owned(),
        std::io::ErrorKind::ConnectionRefused => "nobody listens".to_owned(),
        std::io::ErrorKind::WouldBlock => "no answer in time".to_owned(),
        _ => error.to_string(),
    })?;
    let (head, body) = reply.split_once("\r\n\r\n").ok_or("it gave no HTTP answer")?;
    if head.starts_with("HTTP/1.1 200 ") {
        Ok(body.to_owned())
    } else {
        Err("it refused".to_owned())
    }
}

/// The status as a person reads it.
fn words(status: &Status) -> String {
    let mut text = String::new();
    let now = status.clock.time;
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<12} {}", printable(&value, MAX_LINE));
    };
    let state = match status.state.as_str() {
        "unenrolled" => "not enrolled; run palisade-agent enroll",
        "identity_damaged" => "the identity cannot be used; restore it, or enrol anew",
        "starting" => "starting",
        "stopping" => "stopping",
        _ => "serving",
    };
    line("agent", format!("{state} (version {})", status.version));
    if let Some(trouble) = &status.trouble {
        line("identity", trouble.clone());
    }
    if let Some(identity) = &status.identity {
        let hours = identity.offline_life_seconds / 3600;
        line(
            "identity",
            format!(
                "agent {} of site {} of {}",
                identity.agent, identity.site, identity.organisation
            ),
        );
        line(
            "certificate",
            format!("until {}; {hours} h left without the controller", identity.certificate_ends),
        );
    }
    if let Some(link) = &status.link {
        line("controller", format!("{}, since {}", link.state.words(), link.since));
        if let Some(last) = link.last_contact.filter(|_| link.trouble.is_some()) {
            line("", format!("last heard at {last}"));
        }
        if let Some(trouble) = &link.trouble {
            line("", trouble.clone());
        }
    }
    let clock = match (status.clock.known, status.clock.offset_seconds) {
        (false, _) => "unknown; the controller will tell".to_owned(),
        (true, Some(offset @ (..=-5 | 5..))) => {
            format!("{now}; this machine's clock is {offset:+} s off")
        }
        (true, _) => now.to_string(),
    };
    line("time", clock);
    let outbox = &status.outbox;
    let oldest = outbox.oldest.map_or(String::new(), |oldest| format!(", the oldest of {oldest}"));
    line("to upload", format!("{} records{oldest}", outbox.records));
    let lost = outbox.dropped_audit + outbox.dropped_status;
    if lost > 0 {
        line("", format!("{lost} records were dropped for want of room"));
    }
    let disk = status.store.trouble.as_ref();
    line(
        "disk",
        disk.map_or("good".to_owned(), |why| format!("{why}; the agent goes on from memory")),
    );
    if let Some(rounds) = &status.rounds {
        let last = rounds.last_visit.map_or("none yet".to_owned(), |last| last.to_string());
        line(
            "devices",
            format!("{}, {} failing, last visit {last}", rounds.devices, rounds.failing),
        );
        if rounds.strangers > 0 {
            line(
                "",
                format!("{} cameras are on the network and in no site file", rounds.strangers),
            );
        }
        for trouble in &rounds.troubles {
            line("", trouble.clone());
        }
        if rounds.generation > 0 {
            line("policy", format!("generation {}", rounds.generation));
        }
    }
    text
}
