//! What other rooms are about to bring.

use std::fs::File;
use std::path::Path;

use certs::SharedClock;
use certs::seal::Opener;
use certs::ticket::Ticket;
use proto::{OperatorName, Organisation, Secret, Timestamp};
use tokio_util::sync::CancellationToken;

use super::stop::Stop;
use crate::config::Config;

fn missing() -> Stop {
    Stop::Failed("this part is not there yet".to_owned())
}

/// `service::found::found`
pub fn found(
    _: &Path,
    _: Organisation,
    _: Vec<String>,
    _: Secret,
    _: OperatorName,
    _: Timestamp,
) -> Result<Ticket, Stop> {
    Err(missing())
}

/// `service::turnover::prepare`
pub fn prepare(_: &Config, _: &Organisation, _: Secret, _: Timestamp) -> Result<(), Stop> {
    Err(missing())
}

/// `service::backup::restore`
pub fn restore(_: File, _: &Opener, _: &Path) -> Result<(), Stop> {
    Err(missing())
}

/// `api::serve`
pub async fn serve(_: Config, _: SharedClock, _: CancellationToken) -> Result<(), Stop> {
    Err(missing())
}
