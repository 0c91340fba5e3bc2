//! Where backups of configurations go: into the sealed files of this machine, and, sealed to the recovery recipients, to
//! the controller, with what changed in words that hold no secret.
//!
//! A backup counts as kept once it is on this disk. What the controller is told of it waits in the outbox like any
//! report, and is told again when the recipients change. A configuration that is too large to travel stays here, and C22
//! says so.

use std::sync::Arc;

use async_trait::async_trait;
use certs::Clock as _;
use certs::escrow;
use proto::record::{BackupId, ConfigurationBackup, SealedBackup};
use proto::wire::policy::Desired;
use proto::wire::record::{MAX_ALL_CHANGES, MAX_BODY, MAX_CHANGE, MAX_CHANGES, MAX_KEYS};
use proto::wire::v1;
use proto::wire::v1::entry::What;
use proto::{DeviceName, Timestamp};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::desk::Desk;
use super::keeper::Keeper;
use super::words;
use crate::apply::{self, Kept};
use crate::clock::AgentClock;
use crate::device;
use crate::facts::{BackupCopy, Fact, OwnBackup};
use crate::rotate::hands::Recovery;
use crate::rounds::NotStored;
use crate::rounds::backups::{self, Archive, Shown};
use crate::store::backups::{BackupError, Backups, Fresh, Head, Told};

/// Whom backups are sealed to, as it changes.
pub(super) type Recipients = watch::Receiver<Option<Arc<Recovery>>>;

/// See the module.
pub(super) struct Sealed {
    pub backups: Backups,
    pub desk: Arc<Desk>,
    pub clock: Arc<AgentClock>,
    pub recipients: Recipients,
}

impl Sealed {
    fn recovery(&self) -> Option<Arc<Recovery>> {
        self.recipients.borrow().clone()
    }

    /// Leaves the newest backup for the controller.
    async fn tell(&self, device: &DeviceName) -> Result<(), NotStored> {
        let (backups, recovery) = (self.backups.clone(), self.recovery());
        let of = device.clone();
        let told = blocking(move || newest(&backups, &of, recovery.as_deref())).await?;
        let Some((backup, told)) = told else { return Ok(()) };
        let id = backup.id;
        let key = format!("backup/{device}/{id}");
        let wire = v1::ConfigurationBackup::from(&backup);
        self.desk.leave(key, What::Backup(wire)).await?;
        let (backups, device) = (self.backups.clone(), device.clone());
        blocking(move || backups.note_told(&device, id, told)).await
    }
}

#[async_trait]
impl Archive for Sealed {
    async fn keep(&self, shown: Shown) -> Result<Option<BackupId>, NotStored> {
        let (backups, now) = (self.backups.clone(), self.clock.now());
        let device = shown.device.clone();
        let kept = blocking(move || keep(&backups, &shown, now)).await?;
        // It is kept; that the controller hears of it can wait until the next look.
        if let Err(error) = self.tell(&device).await {
            tracing::warn!(%device, "its backup is not told yet: {error}");
        }
        Ok(kept.map(|head| head.id))
    }

    async fn standing(&self, device: &DeviceName) -> Result<Option<OwnBackup>, NotStored> {
        let (backups, device) = (self.backups.clone(), device.clone());
        let history = blocking(move || backups.history(&device)).await?;
        let newest = history.newest().zip(history.looked_at);
        Ok(newest.map(|(head, looked_at)| OwnBackup {
            made_at: head.made_at,
            looked_at,
            copy: match head.told {
                Some(Told { sealed: true, .. }) => BackupCopy::Sealed,
                Some(Told { generation: 0, .. }) | None => BackupCopy::NoRecipients,
                Some(Told { .. }) => BackupCopy::TooLarge,
            },
        }))
    }

    async fn is_behind(&self, device: &DeviceName) -> bool {
        let generation = self.recovery().map_or(0, |recovery| recovery.generation);
        let (backups, device) = (self.backups.clone(), device.clone());
        let history = blocking(move || backups.history(&device)).await.unwrap_or_default();
        let told = history.newest().map(|head| head.told);
        told.is_some_and(|told| told.is_none_or(|told| told.generation != generation))
    }
}

/// What stands between a device and its first change: the configuration is kept as a backup, or, where the policy wants no
/// backups, in a sealed file of its own. Without that nothing is changed.
pub(super) struct BeforeChange {
    pub keeper: Keeper,
    pub archive: Option<Arc<dyn Archive>>,
    /// Tells the policy.
    pub desired: watch::Receiver<Option<Arc<Desired>>>,
}

#[async_trait]
impl apply::Keeper for BeforeChange {
    async fn keep(&self, device: &DeviceName, what: Kept, bytes: Vec<u8>) -> Result<(), String> {
        let rules = self.desired.borrow().as_ref().map(|it| it.policy.backup).unwrap_or_default();
        let archive = self.archive.as_deref().filter(|_| rules.on);
        if let (Some(archive), Kept::Configuration) = (archive, what) {
            let shown = device::kept_configuration(bytes.clone()).map_err(|why| why.to_string())?;
            let kept = backups::before_change(archive, device, &shown, rules).await;
            return kept.map_err(|error| error.to_string());
        }
        self.keeper.keep(device, what, bytes).await
    }

    async fn backups(&self, device: &DeviceName) -> Fact<OwnBackup> {
        match &self.archive {
            Some(archive) => backups::seen(archive.as_ref(), device).await,
            None => Fact::unreadable("there is no vault to seal backups to"),
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, NotStored> {
    let done = spawn_blocking(work).await.map_err(|_| NotStored)?;
    done.map_err(|error| {
        tracing::error!(error = words(&error), "a backup");
        NotStored
    })
}

fn keep(backups: &Backups, shown: &Shown, now: Timestamp) -> Result<Option<Head>, BackupError> {
    let firmware = device::firmware_of(&shown.configuration);
    let fresh = Fresh {
        bytes: shown.configuration.bytes(),
        digest: *shown.configuration.digest().as_bytes(),
        product: &proto::text::printable(&shown.product, 60),
        firmware: &firmware,
        reason: shown.reason,
        now,
        keep: shown.keep as usize,
    };
    backups.keep(&shown.device, &fresh)
}

/// The newest backup as it is told, if these recipients have not heard of it.
fn newest(
    backups: &Backups,
    device: &DeviceName,
    recovery: Option<&Recovery>,
) -> Result<Option<(ConfigurationBackup, Told)>, BackupError> {
    let history = backups.history(device)?;
    let generation = recovery.map_or(0, |recovery| recovery.generation);
    let Some(head) = history.newest() else { return Ok(None) };
    if head.told.is_some_and(|told| told.generation == generation) {
        return Ok(None);
    }
    let bytes = backups.open(device, head.id)?;
    let before = history.backups.iter().rev().nth(1);
    let mut changes = match before {
        Some(before) => changes(&backups.open(device, before.id)?, &bytes),
        None => Vec::new(),
    };
    let more_changes = cut(&mut changes);
    let sealed = recovery.and_then(|recovery| seal(&bytes, recovery));
    let told = Told { generation, sealed: sealed.is_some() };
    let mut digest = [0; 32];
    digest.iter_mut().zip(&head.digest).for_each(|(to, from)| *to = *from);
    let backup = ConfigurationBackup {
        device: device.clone(),
        id: head.id,
        made_at: head.made_at,
        reason: head.reason,
        product: head.product.clone(),
        firmware: head.firmware.clone(),
        digest,
        size: head.size,
        sealed,
        previous: before.map(|before| before.id),
        changes,
        more_changes,
    };
    Ok(Some((backup, told)))
}

/// None if it is too large to travel.
fn seal(bytes: &[u8], recovery: &Recovery) -> Option<SealedBackup> {
    let sealed = escrow::seal_file(bytes, &recovery.quorum);
    let sealed =
        sealed.inspect_err(|error| tracing::error!(%error, "a backup cannot be sealed")).ok()?;
    let keys: usize = sealed.keys.iter().map(|key| key.sealed.len()).sum();
    if sealed.body.len() > MAX_BODY || keys > MAX_KEYS {
        return None;
    }
    let generation = recovery.generation;
    Some(SealedBackup { generation, body: sealed.body, keys: sealed.keys })
}

/// What changed, with whatever may be a secret hidden.
pub(crate) fn changes(before: &[u8], after: &[u8]) -> Vec<String> {
    let read = |bytes: &[u8]| device::kept_configuration(bytes.to_vec());
    let (Ok(before), Ok(after)) = (read(before), read(after)) else { return Vec::new() };
    device::told_between(&before, &after).unwrap_or_default()
}

/// Cuts what is told to its bounds; whether something had to go.
fn cut(changes: &mut Vec<String>) -> bool {
    let (before, mut bytes) = (changes.len(), 0);
    for line in changes.iter_mut() {
        let most = MAX_CHANGE / 4;
        *line = proto::text::printable(line, most - 1);
    }
    changes.truncate(MAX_CHANGES);
    let room = |line: &String| {
        bytes += line.len();
        bytes <= MAX_ALL_CHANGES
    };
    let fits = changes.iter().map(room).take_while(|fits| *fits).count();
    changes.truncate(fits);
    changes.len() < before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_a_change_is_bounded_and_says_that_it_was_cut() {
        let mut few = vec!["+ general: LED=1".to_owned()];
        assert!(!cut(&mut few) && few.len() == 1);
        let mut many = vec!["\u{e4}".repeat(1000); MAX_CHANGES + 1];
        assert!(cut(&mut many));
        assert!(many.len() <= MAX_CHANGES && many.iter().all(|line| line.len() <= MAX_CHANGE));
        assert!(many.iter().map(String::len).sum::<usize>() <= MAX_ALL_CHANGES);
    }

    #[test]
    fn what_is_told_of_a_change_tells_no_password() {
        let config = |pass: &str, led: &str| {
            format!(
                "#:MXCFG2.0\n#:MX-V4.7.3.11-r4\nSECTION ftp\nPASS={pass}\nLED={led}\nENDSECTION ftp\n"
            )
        };
        let told = changes(config("hidden1", "0").as_bytes(), config("hidden2", "1").as_bytes());
        let told = told.join("\n");
        assert!(told.contains("- ftp: LED=0") && told.contains("+ ftp: LED=1"), "{told}");
        assert!(told.contains("PASS=[redacted]") && !told.contains("hidden"), "{told}");
    }

    /// Notes why it was asked to keep something, or cannot.
    struct Asked(std::sync::Mutex<Vec<proto::record::BackupReason>>, bool);

    #[async_trait]
    impl Archive for Asked {
        async fn keep(&self, shown: Shown) -> Result<Option<BackupId>, NotStored> {
            self.0.lock().unwrap().push(shown.reason);
            if self.1 { Ok(None) } else { Err(NotStored) }
        }

        async fn standing(&self, _: &DeviceName) -> Result<Option<OwnBackup>, NotStored> {
            Ok(None)
        }

        async fn is_behind(&self, _: &DeviceName) -> bool {
            false
        }
    }

    #[tokio::test]
    async fn what_cannot_be_backed_up_may_not_be_changed() {
        let data = tempfile::tempdir().unwrap();
        let config = b"#:MXCFG2.0\n#:MX-V4.7.3.11-r4\nSECTION a\nX=1\nENDSECTION a\n";
        let yard = "yard".parse().unwrap();
        for works in [true, false] {
            let system = Arc::new(certs::SystemClock);
            let floor = Timestamp::from_unix(0);
            let clock = Arc::new(AgentClock::new(system, crate::clock::monotonic(), floor));
            let asked = Arc::new(Asked(std::sync::Mutex::default(), works));
            let before = BeforeChange {
                keeper: Keeper::new(data.path(), clock),
                archive: Some(asked.clone()),
                desired: watch::channel(None).1,
            };
            let kept =
                apply::Keeper::keep(&before, &yard, Kept::Configuration, config.to_vec()).await;
            assert_eq!(kept.is_ok(), works, "{kept:?}");
            assert_eq!(*asked.0.lock().unwrap(), [proto::record::BackupReason::Change]);
            let log = apply::Keeper::keep(&before, &yard, Kept::WebLog, b"log".to_vec()).await;
            assert!(log.is_ok(), "a log is no configuration");
        }
    }
}
