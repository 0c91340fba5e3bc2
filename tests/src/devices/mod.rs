//! Pretend devices, written from what is publicly known of the devices and not from our drivers.
//! They listen on loopback only.

pub mod mobotix;
