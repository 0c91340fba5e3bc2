//! The wire. Only this room says tonic.

pub mod client;
