//! MOBOTIX cameras: the configuration they export, the dialects of their firmware, and the live camera.

pub mod config;
pub mod credential;
pub mod crypt;
pub mod dialect;
pub mod edit;
pub mod export;
mod identify;
pub mod learn;
pub mod live;
pub mod model;
mod recognise;
mod weblog;

pub use dialect::Dialects;
pub use recognise::recognise;
