//! The port that agents and operators dial: it authenticates, unpacks, calls the service and wraps the answer. Only this
//! room knows gRPC and TLS; it decides nothing but who somebody is and how much they may take.

mod agent;
mod agent_wire;
pub mod client;
mod connection;
mod enrollment;
mod limits;
mod listen;
mod operator;
mod peer;
mod run;
mod serve;
mod sources;
mod status;
mod sweep;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tls;
mod watch;

pub use limits::Bounds;
pub use run::{Running, start};
pub use serve::{ServeError, open, serve};
