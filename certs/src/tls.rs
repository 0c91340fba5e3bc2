//! Stub: tls.
