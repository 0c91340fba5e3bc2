//! The yearly renewal of the issuing authority: the same root signs a new one, so nobody has to learn whom to trust, and
//! what the old one signed is taken until it is over.

use certs::trust;
use proto::Timestamp;

use super::{Phase, Stage, alive, blocking, standing};
use crate::service::{OperatorPeer, Refusal, Service, authority_renewal};

/// So long before its end it is time, in seconds.
pub const AHEAD: i64 = 60 * 86_400;
const DAY: i64 = 86_400;

impl Service {
    pub(super) async fn renew(&self, who: &OperatorPeer, stage: Stage) -> Result<(), Refusal> {
        if stage.phase != Phase::Settled {
            return Err(Refusal::Precondition(
                "a turnover is under way, which brings a new issuing authority anyway; end it first"
                    .to_owned(),
            ));
        }
        let (data, now) = (self.settings.data.clone(), self.now());
        let ready = blocking(move || authority_renewal::load(&data)).await?;
        let ready = ready.map_err(Refusal::failed)?.filter(|one| alive(one.certificate(), now));
        let ready = ready.ok_or_else(|| {
            Refusal::Precondition(
                "no new issuing authority lies ready; run palisade authority renew on the controller's machine"
                    .to_owned(),
            )
        })?;
        let change = self.store.change().await?;
        let detail = format!("issuing authority until {}", ready.not_after());
        change.commit(self.deed_of(who, "issuing_renewed", &self.organisation, detail)).await?;
        let (data, generation) =
            (self.settings.data.clone(), self.authorities.now().trust.generation);
        let renewed = blocking(move || {
            authority_renewal::take_over(&data)?;
            standing(&data, stage, generation)
        });
        self.authorities.replace(renewed.await?.map_err(Refusal::failed)?);
        Ok(())
    }

    /// What of the authority comes to its end soon, in words that say what to do; nothing if nothing does.
    pub fn ending(&self) -> Vec<String> {
        let (standing, now) = (self.authorities.now(), self.now());
        let root = trust::lifetime(standing.issuing.root()).map(|(_, ends)| ends);
        ending(standing.issuing.not_after(), root, now)
    }
}

fn ending(issuing: Timestamp, root: Option<Timestamp>, now: Timestamp) -> Vec<String> {
    let left = |ends: Timestamp| Some(ends.seconds_since(now)).filter(|left| *left <= AHEAD);
    let days = |left: i64| match left {
        ..=0 => "has ended".to_owned(),
        left => format!("ends in {} days", left / DAY),
    };
    let root = root
        .and_then(left)
        .map(|left| format!("the root {}; turn over: palisade authority prepare", days(left)));
    let issuing = left(issuing).map(|left| {
        format!(
            "the issuing authority {}, and no certificate outlives it; run palisade authority renew on the \
             controller's machine",
            days(left)
        )
    });
    root.into_iter().chain(issuing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_days_ahead_it_is_time() {
        let at = Timestamp::from_unix;
        assert!(ending(at(AHEAD + 1), Some(at(10 * AHEAD)), at(0)).is_empty());
        let warned = ending(at(AHEAD), None, at(0));
        assert!(warned.len() == 1 && warned[0].contains("ends in 60 days"), "{warned:?}");
        assert!(ending(at(5), None, at(5))[0].contains("has ended"));
        assert_eq!(ending(at(0), Some(at(AHEAD)), at(0)).len(), 2);
    }
}
