//! Pretend devices and the world they stand in. Knows everything; nobody knows it.

pub mod devices;
pub mod fleet;
pub mod pretend_site;
