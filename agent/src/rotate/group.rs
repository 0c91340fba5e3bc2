//! A secret that several devices share, such as the key of the messages between cameras. Each device has a rotation of
//! its own; what is shared is only which value is next: the first device that is due makes it, the others take it over.
//!
//! While the change goes round, devices with the old value and with the new one do not understand each other, so
//! whoever starts one makes all of the group due at once.

use async_trait::async_trait;
use proto::{Secret, Timestamp};

use super::hands::{IsUsed, Maker, Passwords, pooled};
use crate::device::Fault;
use crate::rotation::Second;
use crate::store::subject::Subject;
use crate::store::vault::{Role, Vault};

/// Makes the group's next value, or takes it over.
#[derive(Debug)]
pub struct Group {
    /// Where the agreed values are kept.
    pub vault: Vault,
    /// The group's own shelf there: a subject of no device.
    pub shelf: Subject,
    /// How values are made.
    pub passwords: Passwords,
    /// The present, for when a value was made.
    pub clock: certs::SharedClock,
}

#[async_trait]
impl Maker for Group {
    async fn make(
        &mut self,
        _: Second,
        is_used: &IsUsed,
    ) -> Result<(Secret, Option<Secret>), Fault> {
        let failed =
            |()| Fault::Unsupported("the vault does not give the group's value".to_owned());
        let (vault, shelf) = (self.vault.clone(), self.shelf.clone());
        let newest = pooled(move || {
            let newest = vault.history(&shelf)?.first().copied();
            newest.map(|(id, _)| vault.secret(&shelf, id)).transpose()
        });
        if let Some(agreed) = newest.await.map_err(failed)?
            && !is_used(agreed.secret.expose())
        {
            return Ok((agreed.secret, None));
        }
        // This device has had the newest, so it is the first of the next round.
        let (fresh, _) = self.passwords.make(Second::None, is_used).await?;
        let (vault, shelf, now) = (self.vault.clone(), self.shelf.clone(), self.clock.now());
        let kept = [(Role::Main, fresh.clone())];
        pooled(move || {
            vault.keep(&shelf, &kept, now)?;
            vault.tidy(&shelf, &[])
        })
        .await
        .map_err(failed)?;
        Ok((fresh, None))
    }

    fn due(&self, now: Timestamp) -> Timestamp {
        self.passwords.due(now)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use certs::SystemClock;
    use proto::policy::PasswordRules;

    use super::*;
    use crate::rotation::password::Limits;
    use crate::store::subject::Kind;

    #[tokio::test]
    async fn the_first_makes_it_and_the_others_take_it_over() {
        let folder = tempfile::tempdir().unwrap();
        let (limits, rules) = (Limits::MESSAGE_KEY, PasswordRules::default());
        let mut group = Group {
            vault: Vault::open(folder.path()).unwrap(),
            shelf: Subject { device: None, kind: Kind::MessageKey },
            passwords: Passwords { limits, rules, life: 1, jitter: 0.0 },
            clock: Arc::new(SystemClock),
        };
        let mut cameras: [Vec<String>; 3] = Default::default();
        let mut rounds = Vec::new();
        for _ in 0..2 {
            for camera in &mut cameras {
                let used = camera.clone();
                let is_used = move |text: &str| used.iter().any(|known| known == text);
                let (value, second) = group.make(Second::None, &is_used).await.unwrap();
                assert!(second.is_none());
                camera.push(value.expose().to_owned());
            }
            rounds.push(cameras[0].last().cloned().unwrap());
            assert!(cameras.iter().all(|camera| camera.last() == rounds.last()));
        }
        assert_ne!(rounds[0], rounds[1]);
    }
}
