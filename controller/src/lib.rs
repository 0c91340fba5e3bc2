//! Palisade's controller: steers all sites. `api` authenticates, unpacks, calls, wraps; `service` decides and knows
//! neither tonic nor SQL; `store` remembers and decides nothing. The same noun names the file in each.

#[allow(dead_code, reason = "the first half of a change")]
mod api;
pub mod config;
#[allow(dead_code, reason = "the first half of a change")]
pub mod service;
pub mod store;
