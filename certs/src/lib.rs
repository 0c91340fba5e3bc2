//! Who may claim to be whom.

pub mod audit;
pub mod authority;
pub mod chain;
pub mod clock;
pub mod leaf;
pub mod pin;
pub mod random;
#[cfg(test)]
mod testing;
pub mod tls;

pub use clock::{Clock, SharedClock, SystemClock};
pub use leaf::Leaf;
pub use pin::Pin;
