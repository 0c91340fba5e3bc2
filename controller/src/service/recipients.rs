//! Whom secrets are sealed to. The root signs the recovery recipients where its key is; here the signature is checked,
//! and agents are handed what was signed. The controller cannot put itself among them.

use certs::escrow::Quorum;
use certs::trust;
use rustls::pki_types::CertificateDer;

use super::{OperatorPeer, Refusal, Service};
use crate::store::meta::Counter;
use crate::store::recipients::Recipients;

/// Longest signature, in bytes.
const MAX_SIGNATURE: usize = 256;

/// Recipients as the root signed them.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Grows with every change.
    pub generation: u64,
    /// So many of them must come together.
    pub threshold: u32,
    /// age recipients.
    pub recipients: Vec<String>,
    /// By a root's key.
    pub signature: Vec<u8>,
}

impl Service {
    /// The recipients that hold, and the generation that the next ones must have.
    ///
    /// # Errors
    /// [`Refusal::Failed`].
    pub async fn recipients(&self) -> Result<(Option<Recipients>, u64), Refusal> {
        let next = self.store.counter(Counter::Recovery).await?.saturating_add(1);
        Ok((self.store.recipients().await?, next))
    }

    /// How many secrets in escrow only earlier recipients can open: those that agents do not hold any more, and those
    /// that they have not sealed anew yet.
    ///
    /// # Errors
    /// [`Refusal::Failed`].
    pub async fn sealed_to_earlier(&self) -> Result<u64, Refusal> {
        Ok(self.store.sealed_before(self.recipients_generation()).await?)
    }

    /// From now on, secrets are sealed to these. Agents that are connected are told at once.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for recipients that make no sense or that no trusted root signed, [`Refusal::Conflict`] for
    /// any generation but the next.
    pub async fn set_recipients(
        &self,
        who: &OperatorPeer,
        signed: Signed,
    ) -> Result<Recipients, Refusal> {
        let roots = self.authorities.now().trust.roots.clone();
        let set = Recipients {
            generation: signed.generation,
            threshold: signed.threshold,
            recipients: signed.recipients,
            signature: signed.signature,
            set_by: who.name.to_string(),
            set_at: self.now(),
        };
        if !roots.iter().any(|root| self.is_signed(&set, root)) {
            quorum(&set)?;
            return Err(Refusal::Invalid(
                "no root of this organisation signed these recovery recipients; sign them with the key of the root in \
                 force (authority/root.key.age)"
                    .to_owned(),
            ));
        }
        let before = self.store.recipients().await?;
        let mut change = self.store.change().await?;
        let next = change.next(Counter::Recovery).await?;
        if set.generation != next {
            return Err(Refusal::Conflict(format!(
                "the recovery recipients were changed meanwhile: the next generation is {next}; look at them and sign again"
            )));
        }
        change.add_recipients(&set).await?;
        let deed = self.deed_of(who, "recovery_set", &self.organisation, words(&set, &before));
        change.commit(deed).await?;
        // The newest stays, whoever comes here last.
        self.recipients.rcu(|held| match held {
            Some(held) if held.generation >= set.generation => Some(held.clone()),
            _ => Some(std::sync::Arc::new(set.clone())),
        });
        self.recipients_changed();
        Ok(set)
    }

    /// Learns which recipients hold.
    pub(super) async fn load_recipients(&self) -> Result<(), Refusal> {
        let held = self.store.recipients().await?;
        self.recipients.store(held.map(std::sync::Arc::new));
        Ok(())
    }

    /// Of those that hold; 0 for none.
    pub(super) fn recipients_generation(&self) -> u64 {
        self.recipients.load().as_ref().map_or(0, |held| held.generation)
    }

    fn recipients_changed(&self) {
        let generation = self.recipients_generation();
        for line in self.live.lines() {
            line.update(|state| {
                let lacks = state.told.is_some() && state.recovery_held < generation;
                state.recovery |= lacks;
                lacks
            });
        }
    }

    /// Before a root goes: whoever enrols afterwards could not check what it signed.
    ///
    /// # Errors
    /// [`Refusal::Precondition`].
    pub(super) fn recipients_outlive(&self, root: &CertificateDer<'_>) -> Result<(), Refusal> {
        let held = self.recipients.load();
        match held.as_ref() {
            Some(held) if !self.is_signed(held, root) => Err(Refusal::Precondition(
                "the recovery recipients are signed by the root that would go; sign them with the other one first \
                 (palisade recovery set --root-key)"
                    .to_owned(),
            )),
            _ => Ok(()),
        }
    }

    fn is_signed(&self, set: &Recipients, root: &CertificateDer<'_>) -> bool {
        let (Ok(quorum), Some(spki)) = (quorum(set), trust::spki(root)) else { return false };
        set.signature.len() <= MAX_SIGNATURE
            && quorum.verify(&self.organisation, set.generation, &set.signature, &spki).is_ok()
    }
}

fn quorum(set: &Recipients) -> Result<Quorum, Refusal> {
    let threshold = usize::try_from(set.threshold).unwrap_or(usize::MAX);
    Quorum::new(threshold, &set.recipients).map_err(|error| Refusal::Invalid(error.to_string()))
}

/// What changed, for the audit log.
fn words(set: &Recipients, before: &Option<Recipients>) -> String {
    let before = before.as_ref().map_or(&[][..], |before| &before.recipients);
    let gone: Vec<_> = before.iter().filter(|one| !set.recipients.contains(one)).cloned().collect();
    let mut text = format!(
        "generation {}, {} of {}: {}",
        set.generation,
        set.threshold,
        set.recipients.len(),
        set.recipients.join(" ")
    );
    if !gone.is_empty() {
        text.push_str(&format!("; no more: {}", gone.join(" ")));
    }
    text
}
