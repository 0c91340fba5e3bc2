//! Pretend devices, written from the facts and not from the drivers. They listen on loopback only.

pub mod mobotix;
