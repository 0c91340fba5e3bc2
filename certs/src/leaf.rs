//! What a certificate says about itself, read from its DER bytes. Reading is not believing: see `chain`.

use std::net::IpAddr;

use proto::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Pin;

/// A certificate as a device presented it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaf {
    /// Its fingerprint.
    pub pin: Pin,
    /// Subject, such as `CN=yard, O=Example`.
    pub subject: String,
    /// Issuer.
    pub issuer: String,
    /// DNS names it is for.
    pub names: Vec<String>,
    /// Addresses it is for.
    pub addresses: Vec<IpAddr>,
    /// From when it is valid.
    pub not_before: Timestamp,
    /// Until when it is valid.
    pub not_after: Timestamp,
    /// Whether its own key signed it.
    pub self_signed: bool,
    /// Key type and size, such as `RSA 2048` or `EC P-256`.
    pub key: String,
    /// DER bytes in Base64, so that the same facts can be judged again.
    pub der: String,
    /// The certificates it came with, each DER in Base64; at most 8.
    pub intermediates: Vec<String>,
}
