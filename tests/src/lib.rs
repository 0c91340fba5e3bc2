//! Pretend devices and the world they stand in. Knows everything; nobody knows it.

pub mod agent_binary;
pub mod bad_cameras;
pub mod clocks;
pub mod daemon;
pub mod devices;
pub mod fleet;
pub mod fuzzed;
pub mod harden;
pub mod herd;
pub mod kill;
pub mod manual_clock;
pub mod offline;
pub mod powercut;
pub mod pretend_site;
pub mod rotating;
pub mod world;
