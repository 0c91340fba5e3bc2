//! Who may claim to be whom.

pub mod approval;
pub mod audit;
pub mod authority;
pub mod chain;
pub mod clock;
pub mod device_certificate;
pub mod device_issuer;
pub mod escrow;
mod handshake;
pub mod hierarchy;
pub mod identity;
pub mod join_state;
pub mod key;
pub mod leaf;
pub mod mutual;
pub mod name;
pub mod peer;
pub mod pin;
pub mod random;
pub mod renewal;
pub mod request;
pub mod seal;
#[cfg(test)]
mod testing;
pub mod ticket;
pub mod tls;
pub mod trust;

pub use clock::{Clock, SharedClock, SystemClock};
pub use device_certificate::DeviceCertificate;
pub use device_issuer::DeviceIssuer;
pub use identity::Identity;
pub use key::Key;
pub use leaf::Leaf;
pub use name::Name;
pub use peer::VerifiedPeer;
pub use pin::Pin;
pub use trust::{RootPin, TrustBundle};
