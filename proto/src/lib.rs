//! The shared words of Palisade: parsed once at the edge, right everywhere behind it.
//!
//! Nothing here touches a network, a file or a clock. What is on the wire, in a policy file or in a
//! report is one of these types, so that a word means the same in all of them.

pub mod escrow;
pub mod finding;
pub mod id;
pub mod measure;
pub mod policy;
pub mod record;
pub mod secret;
pub mod stored;
pub mod text;
pub mod time;
pub mod wire;

pub use escrow::{EscrowRecord, SealedCopy, SecretId, SecretKind};
pub use finding::{Disruption, Evidence, Finding, LockoutRisk, Verdict, Waiver};
pub use id::{AgentId, DeviceName, OperatorName, Organisation, Role, SiteName};
pub use measure::{Camera, Measure, Nas, Proof, Vms};
pub use policy::{Policy, Stance};
pub use secret::Secret;
pub use time::{Day, Timestamp};
