//! The configuration in a remote answer, read off the runtime.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::super::export::{self, Export};
use super::super::{Dialects, config, edit};
use crate::device::{Fault, Snapshot};

/// Configurations that are read at once: it is slow where hashes are reckoned, and each holds a whole file.
static DESK: Semaphore = Semaphore::const_new(2);

/// Cameras whose configuration is on its way or waits to be read: with what the connection holds, each takes 100 KiB.
static QUEUE: Semaphore = Semaphore::const_new(48);
/// How long a visit waits for the cameras before it. Saving memory must not let cameras that hang hold up the others.
const PATIENCE: Duration = Duration::from_secs(1);

/// A place among the cameras whose configuration is fetched and read; `None` for one that waited long enough.
pub async fn place() -> Option<SemaphorePermit<'static>> {
    timeout(PATIENCE, QUEUE.acquire()).await.ok()?.ok()
}

/// Whether a configuration is brought along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It is wiped as soon as it was read.
    Facts,
    /// It goes with the facts.
    Configuration,
}

/// Off the runtime, since hashes are reckoned; a few at a time, since each holds a whole configuration.
pub async fn read(
    body: Vec<u8>,
    dialects: &Arc<Dialects>,
    keep: Keep,
) -> Result<(Export, Option<Snapshot>), Fault> {
    let dialects = dialects.clone();
    let _place = DESK.acquire().await;
    let reading = tokio::task::spawn_blocking(move || {
        let body = Zeroizing::new(body);
        let inner = config::from_remote(&body).map_err(|error| {
            Fault::Nonsense(format!("reading the camera's configuration: {error}"))
        })?;
        let export = export::read(inner, &dialects)?;
        let kept = match keep {
            Keep::Facts => None,
            Keep::Configuration => Some(edit::snapshot(inner.to_vec()).map_err(|error| {
                Fault::Nonsense(format!("reading the camera's configuration: {error}"))
            })?),
        };
        Ok((export, kept))
    });
    reading.await.unwrap_or_else(|_| {
        Err(Fault::Nonsense(
            "reading the camera's configuration: it cannot be understood".to_owned(),
        ))
    })
}
