//! The issuing authorities at hand, and the bundle of roots that everybody is to trust. Replaced whole when a turnover
//! moves on, so that nobody sees half of it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use certs::TrustBundle;
use certs::hierarchy::Issuing;
use rustls::pki_types::CertificateDer;

/// See the module.
#[derive(Debug)]
pub struct Authorities(ArcSwap<Standing>);

/// What holds at one moment.
#[derive(Debug)]
pub struct Standing {
    /// Signs what is issued from now on.
    pub issuing: Arc<Issuing>,
    /// Every issuing authority whose certificates are still taken, that of `issuing` among them.
    pub accepted: Vec<CertificateDer<'static>>,
    /// The roots that agents and operators are to trust.
    pub trust: TrustBundle,
}

impl Authorities {
    /// Begins with this.
    pub fn new(standing: Standing) -> Self {
        Self(ArcSwap::from_pointee(standing))
    }

    /// What holds now.
    pub fn now(&self) -> Arc<Standing> {
        self.0.load_full()
    }

    /// From now on, this holds.
    pub fn replace(&self, standing: Standing) {
        self.0.store(Arc::new(standing));
    }
}
