//! The configuration in a remote answer, read off the runtime.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::super::export::{self, Export};
use super::super::{Dialects, config};
use crate::device::Fault;

/// Configurations that are read at once: it is slow where hashes are reckoned, and each holds a whole file.
static DESK: Semaphore = Semaphore::const_new(2);

/// Off the runtime, since hashes are reckoned; a few at a time, since each holds a whole configuration.
pub async fn read(body: Vec<u8>, dialects: &Arc<Dialects>) -> Result<Export, Fault> {
    let dialects = dialects.clone();
    let _place = DESK.acquire().await;
    let reading = tokio::task::spawn_blocking(move || {
        let inner = config::from_remote(&body).map_err(|error| {
            Fault::Nonsense(format!("reading the camera's configuration: {error}"))
        })?;
        export::read(inner, &dialects)
    });
    reading.await.unwrap_or_else(|_| {
        Err(Fault::Nonsense(
            "reading the camera's configuration: it cannot be understood".to_owned(),
        ))
    })
}
