//! What came of a turn is entered: where the credential stands, what it means for the log-ins of visits, what people are
//! told. And what a visit's refused log-in means for the credential.

use certs::Clock as _;
use proto::{DeviceName, Timestamp};

use super::keyring::{Keyring, marked};
use super::tell;
use super::turn::{Came, Turned};
use crate::inventory::Mark;
use crate::rotate::group;
use crate::rotation::Rotation;
use crate::rotation::due::Why;
use crate::rounds::Rounds;
use crate::rounds::outlet::Deed;
use crate::store::journal::Entry;
use crate::store::subject::{Kind, Subject};

impl Rounds {
    /// A turn's task failed, which is a bug. What was done is in the journal.
    pub(in crate::rounds) async fn lost_turn(&mut self, task: tokio::task::Id) {
        let Some(subject) = self.credentials.turning.remove(&task) else { return };
        let Some(keyring) = self.supplies.keyring.clone() else { return };
        tracing::error!(credential = tell::words(&subject), "a turn failed; this is a bug");
        let (journal, of) = (keyring.journal.clone(), subject.clone());
        if let Ok(Ok(Some(read))) = tokio::task::spawn_blocking(move || journal.read(&of)).await {
            self.credentials.enter(read.entry);
        }
        if let Some(device) = &subject.device {
            self.rest(device, 3600);
        }
    }

    /// Takes over what a turn came to.
    pub(in crate::rounds) async fn finish_turn(&mut self, task: tokio::task::Id, turned: Turned) {
        let Some(keyring) = self.supplies.keyring.clone() else { return };
        self.credentials.turning.remove(&task);
        let subject = turned.before.subject.clone();
        let Some(device) = turned.device().cloned() else { return };
        let now = self.supplies.clock.now();
        let came = turned.came(self.credentials.lives.get(&subject).copied());
        let failures = self.credentials.rests.get(&device).map_or(0, |rest| rest.failures);
        match turned.rest(failures, now) {
            Some(seconds) => self.rest(&device, seconds),
            None => drop(self.credentials.rests.remove(&device)),
        }
        self.say(&subject, &device, &turned, came, failures).await;
        let refused = turned.was_refused();
        let entry = match turned.outcome {
            Ok(turned) => turned.entry,
            Err(_) => turned.before,
        };
        let is_settled = matches!(entry.rotation, Rotation::Settled { .. });
        if let Kind::Password { .. } = subject.kind {
            self.count_log_ins(&device, &entry, refused, is_settled, now).await;
        }
        if subject.kind == Kind::Certificate && is_settled {
            self.hold_to(&keyring, &device, &entry).await;
        }
        let whole_group = matches!(subject.kind, Kind::RecordingKey | Kind::MessageKey);
        if whole_group && came == Came::Changed {
            self.hurry_group(&keyring, &subject.kind, &device, entry.why).await;
        }
        // Whatever it was due for is done, or given up until its time comes again.
        let over = is_settled && came != Came::Underway && entry.why != Why::Schedule;
        if over {
            self.record(&keyring, Entry { why: Why::Schedule, ..entry }).await;
        } else {
            self.credentials.enter(entry);
        }
        drop(turned.taken);
        self.tell_credentials().await;
    }

    /// One camera has a new key that all share: the others are due now, for the same reason. Those in a turn are at it.
    async fn hurry_group(
        &mut self,
        keyring: &std::sync::Arc<Keyring>,
        kind: &Kind,
        first: &DeviceName,
        why: Why,
    ) {
        let Some(site) = self.site.clone() else { return };
        let listed = site.file.devices.iter().map(|device| device.name.clone());
        let members = listed.filter(|name| name != first).collect();
        let (reading, of) = (keyring.clone(), kind.clone());
        let look = move || {
            let vault = reading.vault.as_ref().map_err(Clone::clone)?;
            group::behind(vault, &reading.journal, &of, &members)
        };
        let behind = match tokio::task::spawn_blocking(look).await {
            Ok(Ok(behind)) => behind,
            Ok(Err(why)) => {
                tracing::error!(why, "the rest of a group is changed only when it is due");
                return;
            }
            Err(_) => return,
        };
        let now = self.supplies.clock.now();
        for device in behind {
            let subject = Subject { device: Some(device), kind: kind.clone() };
            let held = &self.credentials;
            let in_turn = held.turning.values().any(|it| *it == subject);
            let Some(entry) = held.entries.get(&subject).filter(|_| !in_turn).cloned() else {
                continue;
            };
            if matches!(entry.rotation, Rotation::Settled { .. }) {
                let rotation = entry.rotation.clone().hurry(now);
                self.record(keyring, Entry { rotation, why, ..entry }).await;
            }
        }
    }

    fn rest(&mut self, device: &DeviceName, seconds: u64) {
        let until = self.supplies.clock.seconds().saturating_add(seconds);
        let rest = self.credentials.rests.entry(device.clone()).or_default();
        rest.until = until;
        rest.failures = rest.failures.saturating_add(1);
    }

    /// A refusal in a turn counts for visits, and being let in by the machine is being let in.
    async fn count_log_ins(
        &mut self,
        device: &DeviceName,
        entry: &Entry,
        refused: bool,
        is_settled: bool,
        now: Timestamp,
    ) {
        let logins = &mut self.inventory.entry(device).logins;
        if is_settled {
            logins.admitted();
        } else if refused {
            let mark = entry
                .rotation
                .trusted()
                .map_or_else(Mark::default, |id| marked(Mark::default(), *id));
            logins.refused(mark, now);
        }
        if is_settled || refused {
            self.unsaved = true;
            self.save().await;
        }
    }

    /// From now on the device is held to the certificate that it was given.
    async fn hold_to(
        &mut self,
        keyring: &std::sync::Arc<Keyring>,
        device: &DeviceName,
        entry: &Entry,
    ) {
        let Some(id) = entry.rotation.trusted().copied() else { return };
        let (keyring, subject) = (keyring.clone(), entry.subject.clone());
        let look = move || {
            let vault = keyring.vault.as_ref().ok()?;
            keyring.tools.pin(&vault.secret(&subject, id).ok()?.secret)
        };
        if let Ok(Some(pin)) = tokio::task::spawn_blocking(look).await {
            self.inventory.entry(device).hold_to(pin);
            self.unsaved = true;
        }
    }

    /// Tells people what a turn came to: the audit log, the counts, and why it is not getting on.
    async fn say(
        &mut self,
        subject: &Subject,
        device: &DeviceName,
        turned: &Turned,
        came: Came,
        failures: u32,
    ) {
        let (name, what) = (device.as_str(), tell::words(subject));
        let trouble = turned.trouble(came);
        if let Ok(it) = &turned.outcome {
            tracing::info!(device = name, what, steps = ?it.steps, came = ?came, trouble, "a turn was taken");
        }
        let (deed, count) = match came {
            Came::Changed => (Some(Deed::Rotated), "changed"),
            Came::GivenUp => (Some(Deed::RotationFailed), "given_up"),
            Came::Stranded => (Some(Deed::DeviceStranded), "stranded"),
            // The first time of a row: it may go on like this for days.
            Came::Underway
                if !trouble.is_empty() && failures == 0 && turned.refused_or_broken() =>
            {
                (Some(Deed::RotationFailed), "interrupted")
            }
            Came::Underway => (None, "interrupted"),
        };
        if let Some(deed) = deed {
            let detail = if trouble.is_empty() { what } else { format!("{what}: {trouble}") };
            self.audit(deed, name, &detail).await;
        }
        if came != Came::Underway || !trouble.is_empty() {
            *self.credentials.counts.entry(count).or_default() += 1;
        }
        if trouble.is_empty() {
            self.credentials.troubles.remove(subject);
        } else {
            self.credentials.troubles.insert(subject.clone(), trouble);
        }
    }

    /// A visit was refused with what the vault says the device takes: the machine is to find out what it does take.
    pub(in crate::rounds) async fn doubt(&mut self, subject: &Subject) {
        let Some(keyring) = self.supplies.keyring.clone() else { return };
        let Some(entry) = self.credentials.entries.get(subject).cloned() else { return };
        if !matches!(entry.rotation, Rotation::Settled { .. }) {
            return;
        }
        let rotation = entry.rotation.clone().doubt();
        self.record(&keyring, Entry { rotation, ..entry }).await;
        let trouble = "a visit was refused with it".to_owned();
        self.credentials.troubles.insert(subject.clone(), trouble);
        self.tell_credentials().await;
    }
}
