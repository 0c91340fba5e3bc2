//! Stub: authority.
