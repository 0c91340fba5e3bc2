//! The line to the controller: the only room that speaks gRPC. The agent dials out, nothing listens on the site's
//! network, and both sides treat the other as hostile: every message and list has a bound, every call a time.
//!
//! It decides nothing about devices. What it brings is checked before anybody else sees it.

pub mod backoff;
pub mod dial;
pub mod enroll;
pub mod fault;
pub mod line;
pub mod reply;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod testing;

/// Four random bytes. Without randomness the middle is taken: then nothing secret can be done anyway.
fn dice() -> [u8; 4] {
    certs::random::bytes().unwrap_or([0x80, 0, 0, 0])
}
