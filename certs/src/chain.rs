//! Stub: chain.
