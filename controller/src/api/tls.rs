//! What the port presents: a certificate that the controller gives itself for a week and replaces at half its life. The
//! settings are swapped whole, so that a handshake sees the old ones or the new ones, and open connections go on.

use std::sync::Arc;

use arc_swap::ArcSwap;
use certs::identity::{BadIdentity, Identity};
use certs::key::{Key, KeyError};
use certs::mutual::{self, MutualError};
use certs::random::{self, NoRandomness};
use certs::request::{self, BadRequest};
use certs::{Name, hierarchy, renewal};
use proto::Timestamp;
use rustls::ServerConfig;
use tokio_util::sync::CancellationToken;

use crate::clock::wait_until;
use crate::service::Service;
use crate::service::background::chain;
use crate::service::standing::Door;

/// How long to wait after a renewal that failed, in seconds.
const RETRY: i64 = 60;

/// Why the controller could not give itself a certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The issuing authority could not sign.
    #[error("the controller could not give itself a certificate")]
    Issue(#[from] hierarchy::HierarchyError),
    /// No key could be made.
    #[error("the controller could not make a key")]
    Key(#[from] KeyError),
    /// What was made cannot be used.
    #[error("the controller's own request was refused")]
    Request(#[from] BadRequest),
    /// What was issued cannot be used.
    #[error("the controller's own certificate cannot be used")]
    Identity(#[from] BadIdentity),
    /// The TLS library refused.
    #[error("the port's settings were refused")]
    Settings(#[from] MutualError),
    /// The system gave no random bytes.
    #[error("no jitter could be drawn")]
    Random(#[from] NoRandomness),
}

/// The settings of the port.
#[derive(Debug)]
pub struct LiveTls {
    config: ArcSwap<ServerConfig>,
}

impl LiveTls {
    /// With a certificate that begins now; and when it is to be renewed.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn begin(service: &Service) -> Result<(Arc<Self>, Timestamp), TlsError> {
        let (config, renew_at) = make(service)?;
        Ok((Arc::new(Self { config: ArcSwap::new(config) }), renew_at))
    }

    /// The settings of this moment.
    pub fn now(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }

    /// Renews the certificate when its time comes and whenever the authorities change, until it is stopped.
    pub async fn keep(
        self: Arc<Self>,
        service: Arc<Service>,
        mut renew_at: Timestamp,
        stop: CancellationToken,
    ) {
        let mut authorities = service.authorities.changes();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = wait_until(&*service.clock, renew_at) => {}
                // The service holds the other end as long as it lives.
                _ = authorities.changed() => {}
            }
            match make(&service) {
                Ok((config, next)) => {
                    self.config.store(config);
                    renew_at = next;
                    tracing::info!("the controller renewed its certificate");
                }
                Err(error) => {
                    tracing::error!(
                        error = chain(&error),
                        "the controller's certificate was not renewed"
                    );
                    renew_at = Timestamp::from_unix(service.now().unix().saturating_add(RETRY));
                }
            }
        }
    }
}

fn make(service: &Service) -> Result<(Arc<ServerConfig>, Timestamp), TlsError> {
    let key = Key::generate()?;
    let request = request::verify(&request::make(&key)?)?;
    let name = Name::Controller(service.organisation.clone());
    let standing = service.authorities.now();
    let life = service.settings.certificate_life;
    let issued = standing.issuing.issue(&name, &request, service.now(), life)?;
    let identity = Identity::new(issued.chain, key)?;
    let door = Arc::new(Door(service.standings.clone()));
    let presented = (&identity, standing.bridge.as_ref());
    let clock = service.clock.clone();
    let config = mutual::bridged_server_config(presented, &standing.accepted, door, clock)?;
    service.meters.set_certificate_ends(identity.not_after());
    let jitter = renewal::jitter(random::bytes()?);
    Ok((config, renewal::renew_at(identity.not_before(), identity.not_after(), jitter)))
}
