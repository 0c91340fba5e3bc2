//! Stories over real sockets.

mod enrollment;
mod line;
mod port;
mod recovery;
mod reports;
