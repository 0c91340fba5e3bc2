//! Palisade's agent. Thinking rooms (`facts`, `site`, `firmware`, `measures`, `report`) hold no I/O, clock or
//! randomness; doing rooms (`device`, `cli`) hold no policy.

pub mod cli;
pub mod clock;
pub mod config;
pub mod device;
pub mod facts;
pub mod firmware;
pub mod measures;
pub mod report;
pub mod rotation;
pub mod site;
pub mod visit;
