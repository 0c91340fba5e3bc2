//! MOBOTIX cameras: the configuration they export, the dialects of their firmware, and the live camera.

pub mod crypt;
pub mod dialect;
pub mod export;
pub mod learn;
pub mod live;

pub use dialect::Dialects;
