//! Stories over real sockets.

mod enrollment;
mod line;
mod operators;
mod port;
mod recovery;
mod reports;
