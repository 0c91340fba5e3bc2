//! The issuing authorities at hand, and the bundle of roots that everybody is to trust. Replaced whole when a turnover
//! moves on, so that nobody sees half of it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use certs::TrustBundle;
use certs::hierarchy::Issuing;
use rustls::pki_types::CertificateDer;
use tokio::sync::watch;

/// See the module.
#[derive(Debug)]
pub struct Authorities {
    standing: ArcSwap<Standing>,
    changes: watch::Sender<()>,
}

/// What holds at one moment.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Signs what is issued from now on.
    pub issuing: Arc<Issuing>,
    /// Every issuing authority whose certificates are still taken, that of `issuing` among them.
    pub accepted: Vec<CertificateDer<'static>>,
    /// Those that are not taken any more; join states they signed still count.
    pub past: Vec<CertificateDer<'static>>,
    /// The roots that agents and operators are to trust.
    pub trust: TrustBundle,
    /// Leads whoever still trusts nothing but the root before to `issuing`, if one was made.
    pub bridge: Option<CertificateDer<'static>>,
}

impl Authorities {
    /// Begins with this.
    pub fn new(standing: Standing) -> Self {
        Self { standing: ArcSwap::from_pointee(standing), changes: watch::Sender::new(()) }
    }

    /// What holds now.
    pub fn now(&self) -> Arc<Standing> {
        self.standing.load_full()
    }

    /// From now on, this holds; whoever waits for [`Self::changes`] is told.
    pub fn replace(&self, standing: Standing) {
        self.standing.store(Arc::new(standing));
        self.changes.send_replace(());
    }

    /// Hears of every replacement from now on: for whoever holds what was made of what held before, such as the settings
    /// of the TLS port.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }
}
