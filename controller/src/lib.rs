//! Palisade's controller: steers all sites. `api` authenticates, unpacks, calls, wraps; `service` decides and knows
//! neither tonic nor SQL; `store` remembers and decides nothing. The same noun names the file in each.

pub mod api;
pub mod cli;
mod clock;
pub mod config;
pub mod service;
pub mod store;
