//! Palisade's controller: steers all sites. `api` authenticates, unpacks, calls, wraps; `service` decides and knows
//! neither tonic nor SQL; `store` remembers and decides nothing. The same noun names the file in each. `local` tells this machine how it is doing.

pub mod api;
pub mod cli;
mod clock;
pub mod config;
pub mod local;
pub mod service;
pub mod store;
