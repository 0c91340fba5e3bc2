//! Our chains, judged by programs that others wrote: OpenSSL's verifier with purpose checks, and pkilint's rules of
//! RFC 5280.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "all of it is tests, helpers included"
)]

mod chains;
mod devices;
mod linter;
mod openssl;
