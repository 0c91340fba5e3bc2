//! What went wrong with a request, in words for a person.

use std::error::Error;
use std::io;

use super::gate::Shut;
use crate::device::Fault;
use crate::device::probe::Trouble;

/// Whether the gate refused a second connection. Nothing was sent.
pub fn was_shut(error: &reqwest::Error) -> bool {
    chain(error).any(|link| link.is::<Shut>())
}

/// Whether the device closed the connection before it answered anything.
pub fn broke_off(error: &reqwest::Error) -> bool {
    if error.is_connect() || error.is_timeout() {
        return false;
    }
    chain(error).any(|link| {
        let closed = |error: &io::Error| {
            use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
            matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
        };
        link.downcast_ref::<io::Error>().is_some_and(closed)
            // hyper's error is not ours to name; a test holds it to these words.
            || link.to_string().contains("connection closed before message completed")
            || link.to_string().contains("operation was canceled")
    })
}

/// Classes what happened while `doing`.
pub fn explain(error: &reqwest::Error, doing: &str) -> Fault {
    if let Some(trouble) = chain(error).find_map(tls_error).map(Trouble::of) {
        return trouble.fault(doing);
    }
    if error.is_connect() {
        return connect_fault(error, doing);
    }
    if error.is_timeout() {
        return Fault::Unreachable(format!("{doing}: no answer in time; try again later"));
    }
    if error.is_body() || error.is_decode() {
        return Fault::Nonsense(format!(
            "{doing}: the answer ended before the length it announced; the device is overloaded or faulty, try again later"
        ));
    }
    if broke_off(error) {
        return Fault::Unreachable(format!(
            "{doing}: the device closed the connection without an answer; check that this port speaks HTTP and that \
             the device does not block us, and try again later"
        ));
    }
    Fault::Nonsense(format!(
        "{doing}: what came back is no HTTP answer ({}); check the address, the port and whether it wants https://",
        innermost(error)
    ))
}

fn connect_fault(error: &reqwest::Error, doing: &str) -> Fault {
    let kinds = chain(error).filter_map(|link| link.downcast_ref::<io::Error>());
    let kind = kinds.map(io::Error::kind).last();
    let reason = match kind {
        _ if error.is_timeout() => {
            "nothing answered in time; check the address, the power and the firewall"
        }
        Some(io::ErrorKind::ConnectionRefused) => {
            "the connection was refused; check the port, and whether the device still starts"
        }
        Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
            "there is no way to it; check the address and the network"
        }
        Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => {
            "the device broke off while the connection was made; it may block us, or not speak TLS on this port"
        }
        Some(io::ErrorKind::TimedOut) => {
            "nothing answered in time; check the address, the power and the firewall"
        }
        _ => return Fault::Unreachable(format!("{doing}: cannot connect ({})", innermost(error))),
    };
    Fault::Unreachable(format!("{doing}: {reason}"))
}

fn innermost(error: &reqwest::Error) -> String {
    let text = chain(error).last().map(ToString::to_string).unwrap_or_default();
    proto::text::printable(&text, 120)
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |link| cause(*link)).take(16)
}

fn cause<'a>(link: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    // An `io::Error` hides the error it wraps: its source is that error's source.
    match link.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => link.source(),
    }
}

fn tls_error<'a>(link: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    link.downcast_ref::<rustls::Error>()
}
