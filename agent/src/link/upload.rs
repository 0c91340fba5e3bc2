//! Uploads what waits in the outbox, oldest first, in batches, at the pace of one batch at a time. Nothing is removed
//! before the controller has committed it; what was sent twice is dropped there by its number.

use std::sync::Arc;
use std::time::Duration;

use certs::Clock as _;
use proto::DeviceName;
use proto::wire::v1;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Link;
use super::backoff::{Backoff, part};
use super::dice;
use super::entry::numbered;
use super::fault::CallFault;
use super::line::{Line, patient};
use crate::store::StoreError;

/// Most entries and bytes of one upload.
const ENTRIES: usize = 256;
const BYTES: usize = 900 << 10;
/// What is urgent waits so long for others that come with it.
const GATHER: Duration = Duration::from_millis(200);
/// Between two batches of a long queue, so that an agent that comes back does not shut others out.
const BETWEEN: Duration = Duration::from_millis(50);
/// While told to stop, what waits is uploaded for at most so long.
const FAREWELL: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
enum UploadFault {
    #[error(transparent)]
    Call(#[from] CallFault),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the controller commits what was never sent")]
    Absurd,
}

impl Link {
    pub(super) async fn upload(self: &Arc<Self>, stop: &CancellationToken) {
        let mut backoff = Backoff::new(self.pace.first, self.pace.cap);
        loop {
            let drained = tokio::select! {
                drained = self.drain_on_some_line() => drained,
                () = stop.cancelled() => break,
            };
            let is_ok = drained.is_ok();
            let wait = match drained {
                Ok(()) => {
                    backoff.reset();
                    self.news.notify_one();
                    self.drains.send_modify(|drains| *drains = drains.wrapping_add(1));
                    self.pace.upload / 4 * 3 + part(self.pace.upload / 4, dice())
                }
                Err(fault) => {
                    tracing::warn!(%fault, "reports could not be uploaded; they are kept and tried again");
                    backoff.next(dice())
                }
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = self.urgent.notified(), if is_ok => sleep(GATHER).await,
                () = stop.cancelled() => break,
            }
        }
        let line = self.line.borrow().clone();
        if let Some(line) = line {
            let _ = tokio::time::timeout(FAREWELL, self.drain(&line)).await;
        }
    }

    async fn drain_on_some_line(&self) -> Result<(), UploadFault> {
        let line = self.some_line().await;
        self.drain(&line).await
    }

    /// Uploads until nothing waits.
    async fn drain(&self, line: &Line) -> Result<(), UploadFault> {
        while let Some(batch) = self.store.batch(ENTRIES, BYTES).await? {
            let last = batch.entries.last().map_or(0, |entry| entry.sequence);
            let entries = batch.entries.iter().map(numbered).collect();
            let request =
                v1::ReportRequest { epoch: batch.epoch.clone(), entries, takes_refusals: true };
            let reply = line.agent().report(patient(request)).await.map_err(CallFault::from)?;
            let v1::ReportReply { committed, resend, refused } = reply.into_inner();
            self.standing.send_modify(|standing| standing.hear(self.clock.now()));
            if committed > last {
                return Err(UploadFault::Absurd);
            }
            self.hear_refusals(&batch, &refused).await;
            self.keep_receipts(&batch, (committed, &refused)).await?;
            self.store.committed(batch.epoch, committed).await?;
            self.want(resend.into_iter().filter_map(|name| name.parse::<DeviceName>().ok()));
            if committed < last {
                let words = "it committed a part only".to_owned();
                return Err(CallFault::Later(words).into());
            }
            sleep(BETWEEN).await;
        }
        Ok(())
    }
}
