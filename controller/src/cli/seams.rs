//! What other rooms are about to bring.

use std::fs::File;
use std::path::Path;

use certs::SharedClock;
use certs::seal::{Opener, Work};
use certs::ticket::Ticket;
use certs::trust::RootPin;
use proto::{OperatorName, Organisation, Secret, Timestamp};
use tokio_util::sync::CancellationToken;

use super::stop::Stop;
use crate::config::Config;

fn missing() -> Stop {
    Stop::Failed("this part is not there yet".to_owned())
}

/// `service::found::found`
pub async fn found(
    _: &Path,
    _: Organisation,
    _: Vec<String>,
    _: Secret,
    _: Work,
    _: OperatorName,
    _: Timestamp,
) -> Result<Ticket, Stop> {
    Err(missing())
}

/// `service::found::prepare_authority`
pub async fn prepare_authority(
    _: &Path,
    _: Secret,
    _: Work,
    _: Timestamp,
) -> Result<RootPin, Stop> {
    Err(missing())
}

/// What was brought back.
pub struct Restored {
    /// Whose controller it is.
    pub organisation: Organisation,
    /// When the backup was taken.
    pub taken_at: Timestamp,
    /// How many records the audit log had then.
    pub audit_length: u64,
    /// How many tokens and codes were revoked.
    pub revoked: u64,
}

/// `service::restore::restore`
pub async fn restore(_: File, _: Opener, _: &Path, _: Timestamp) -> Result<Restored, Stop> {
    Err(missing())
}

/// `api::serve`
pub async fn serve(_: Config, _: SharedClock, _: CancellationToken) -> Result<(), Stop> {
    Err(missing())
}
