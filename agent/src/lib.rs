//! Palisade's agent. Thinking rooms (`facts`, `site`, `firmware`, `measures`, `report`, `timekeeper`, `schedule`,
//! `inventory`, `rotation`) hold no I/O, clock or randomness; doing rooms (`custody`, `device`, `discovery`, `identity`,
//! `link`, `rounds`, `rotate`, `service`, `store`, `cli`) hold no policy.

pub mod apply;
pub mod change;
pub mod cli;
pub mod clock;
pub mod config;
pub mod custody;
pub mod device;
pub mod discovery;
pub mod facts;
pub mod firmware;
pub mod identity;
pub mod inventory;
pub mod link;
pub mod measures;
pub mod plan;
pub mod report;
pub mod rotate;
pub mod rotation;
pub mod rounds;
pub mod schedule;
pub mod service;
pub mod site;
pub mod store;
pub mod timekeeper;
pub mod visit;
