//! The audit log, read from a record on.

use std::sync::Arc;

use certs::audit::Record;
use futures::{Stream, stream};

use super::{OperatorPeer, Refusal, Service};
use crate::store::Deed;
use crate::store::audit::PAGE;

impl Service {
    /// A record of something that this person did.
    pub(super) fn deed_of(
        &self,
        who: &OperatorPeer,
        deed: &'static str,
        subject: impl ToString,
        detail: impl Into<String>,
    ) -> Deed {
        let actor = who.actor(&self.organisation);
        Deed { time: self.now(), actor, deed, subject: subject.to_string(), detail: detail.into() }
    }

    /// Every record from this number on, counted from 1, with its hash; up to the last one there is when it is reached.
    /// Records are read in pages as they are taken.
    pub fn audit_log(
        self: &Arc<Self>,
        from: u64,
    ) -> impl Stream<Item = Result<(Record, Vec<u8>), Refusal>> + Send + use<> {
        let begin = (self.clone(), from.max(1), Vec::new().into_iter());
        stream::try_unfold(begin, |(service, mut next, mut page)| async move {
            if page.len() == 0 {
                page = service.store.audit_records(next, PAGE).await?.into_iter();
            }
            let Some((record, hash)) = page.next() else { return Ok(None) };
            next = record.number + 1;
            Ok(Some(((record, hash), (service, next, page))))
        })
    }
}
