//! Hands sealed secrets to the controller by way of the outbox, and says of one that it is safe there only once the
//! controller has committed that very entry. A record that waits is not put there a second time, and one that was
//! committed is known to be, also after a restart.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certs::Clock as _;
use proto::EscrowRecord;
use proto::wire::v1;
use proto::wire::v1::entry::What;
use tokio::time::timeout;

use super::{Link, entry};
use crate::rotate::hands::{Desk, HandedOver};
use crate::store::{HandedIn, Kind, NewEntry, StoreError};

/// While there is a line, the answer is waited for so long, so that one turn can go on.
const PATIENCE: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Clone, Debug)]
pub struct EscrowDesk {
    link: Arc<Link>,
}

impl EscrowDesk {
    /// A desk that goes by this link.
    pub fn new(link: Arc<Link>) -> Self {
        Self { link }
    }

    async fn hand_in(&self, record: &EscrowRecord) -> Result<HandedIn, StoreError> {
        let time = self.link.clock.now();
        let bytes = entry::bytes(What::Escrow(record.into()), time);
        let entry = NewEntry { kind: Kind::Escrow, key: key_of(record), bytes, time };
        self.link.store.hand_in(entry).await
    }

    /// What the controller says of it by now, or within the time that is waited for it.
    async fn answered_soon(&self, record: &EscrowRecord) -> Result<HandedOver, StoreError> {
        let mut receipts = self.link.receipts.subscribe();
        loop {
            // Before it is handed in: it has left the outbox.
            if self.link.was_refused(&key_of(record)) {
                return Ok(HandedOver::Refused);
            }
            match self.hand_in(record).await? {
                HandedIn::Committed => return Ok(HandedOver::Committed),
                HandedIn::NoRoom => {
                    tracing::warn!(secret = %record.id, "so much waits in escrow that this record waits in the vault");
                    return Ok(HandedOver::NotYet);
                }
                HandedIn::Waits => self.link.hasten(),
            }
            if self.link.line.borrow().is_none() {
                return Ok(HandedOver::NotYet);
            }
            if receipts.changed().await.is_err() {
                return Ok(HandedOver::NotYet);
            }
        }
    }
}

#[async_trait]
impl Desk for EscrowDesk {
    async fn hand_over(&mut self, record: EscrowRecord) -> HandedOver {
        // What the controller would refuse would hold up everything behind it.
        if let Err(why) = EscrowRecord::try_from(v1::EscrowRecord::from(&record)) {
            tracing::error!(secret = %record.id, %why, "a record for escrow is none that a controller takes; it stays in the vault");
            return HandedOver::NotYet;
        }
        match timeout(PATIENCE, self.answered_soon(&record)).await {
            Ok(Ok(answer)) => answer,
            Err(_) => HandedOver::NotYet,
            Ok(Err(error)) => {
                tracing::error!(secret = %record.id, %error, "a record for escrow cannot be handed in");
                HandedOver::NotYet
            }
        }
    }
}

/// The same for the same secret, sealed to the same recipients, whatever the sealed bytes are.
fn key_of(record: &EscrowRecord) -> String {
    format!("escrow {} {}", record.id, record.recipients_generation)
}
