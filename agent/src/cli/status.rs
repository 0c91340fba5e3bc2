//! `palisade-agent status`: asks the agent on this box how it does, over its local socket, and says it in words.

mod words;

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::arguments::{self, TextFormat};
use super::console::Console;
use super::run::{SOCKET, packaged_socket};
use super::stop::{GOOD, Stop};
use crate::service::Status;

/// More than this is no status, in bytes.
const MAX_REPLY: u64 = 1 << 20;
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
            let status: Status = serde_json::from_slice(text.as_bytes()).map_err(|error| {
                Stop::Failed(format!(
                    "the agent's status cannot be read: {error}; is it of another version?"
                ))
            })?;
            console.result(&words::text(&status))?;
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
