//! Who may claim to be whom.

pub mod authority;
pub mod chain;
pub mod leaf;
pub mod pin;
#[cfg(test)]
mod testing;
pub mod tls;

pub use leaf::Leaf;
pub use pin::Pin;
