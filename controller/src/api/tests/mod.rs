//! Stories over real sockets.

mod enrollment;
mod keys;
mod line;
mod operators;
mod port;
mod recovery;
mod reports;
mod stragglers;
