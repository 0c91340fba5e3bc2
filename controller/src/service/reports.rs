//! What agents report: findings, and their audit chains. One upload is one transaction, acknowledged once it is
//! committed; what was committed before is passed over, so an upload may come as often as it likes.
//!
//! Which site it is about is told by who reports it, never by what is in it. A chain with a gap or a record that does not
//! fit is kept as it came, and the audit log says so: refusing it would keep the rest from coming.

use certs::Name;
use certs::audit::{ChainHead, Record};
use proto::record::{ConfigurationBackup, SiteEvent};
use proto::wire::finding::{Report, Unchanged};
use proto::wire::plan::{Applied, PlanPart};
use proto::wire::rotation::RotationState;
use proto::{DeviceName, EscrowRecord, SiteName, Timestamp};

use super::bounds::{Kept, Room};
use super::caller::AgentPeer;
use super::{Refusal, Service, escrow};
use crate::store::{Deed, Intake};

/// Most entries of an upload.
pub const MAX_ENTRIES: usize = 256;
/// Longest name of an outbox's life, in characters.
const MAX_EPOCH: usize = 64;
/// Longest text of an audit record, in bytes.
const MAX_RECORD: usize = 4 << 10;

/// A part of an agent's outbox.
#[derive(Debug)]
pub struct Upload {
    /// Which life of the outbox.
    pub epoch: String,
    /// In the order of their numbers.
    pub entries: Vec<Entry>,
    /// Whether the agent is told of each entry that is not kept. From one that cannot be told, nothing is taken then.
    pub takes_refusals: bool,
}

/// One entry.
#[derive(Debug)]
pub struct Entry {
    /// Grows within an epoch.
    pub sequence: u64,
    /// What is reported.
    pub item: Item,
}

/// What is reported.
#[derive(Debug)]
pub enum Item {
    /// A record of the agent's own audit chain, with its hash.
    Audit(Record, [u8; 32]),
    /// The latest of a device.
    Device(Box<Report>),
    /// A device is as it was.
    Unchanged(Unchanged),
    /// A device is in no site file any more and not on the network.
    Forgotten(DeviceName),
    /// A backup of a device's configuration, sealed.
    Backup(Box<ConfigurationBackup>),
    /// The logs of a site's cameras showed something.
    Event(SiteEvent),
    /// A part of a plan.
    Plan(Box<PlanPart>),
    /// What became of a plan, or of one of its devices.
    Applied(Box<Applied>),
    /// A secret of the site, sealed.
    Escrow(Box<EscrowRecord>),
    /// Where a credential stands.
    Rotated(RotationState),
}

/// What became of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// Everything of this epoch up to here is committed.
    pub committed: u64,
    /// Devices whose whole report is wanted.
    pub resend: Vec<DeviceName>,
    /// Entries that are not kept.
    pub refused: Vec<u64>,
}

/// What is known of a device has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// Where.
    pub site: SiteName,
    /// Which.
    pub device: DeviceName,
}

impl Service {
    /// Takes an upload in.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for one that is out of order or too large; [`Refusal::Exhausted`] for one with more than is
    /// kept of a site, from an agent that cannot be told so of a single entry.
    pub async fn take_report(
        &self,
        peer: &AgentPeer,
        upload: Upload,
    ) -> Result<Acknowledged, Refusal> {
        check(&upload)?;
        let mut intake = self.store.intake().await?;
        let before = intake.committed(&peer.id, &upload.epoch).await?;
        let mut took = Took::new(self.now(), intake.chain_head(&peer.id).await?);
        let (head, mut committed) = (took.head, before);
        let mut fresh = 0;
        for entry in upload.entries {
            let number = entry.sequence;
            let kept = if number > before {
                (committed, fresh) = (number, fresh + 1);
                took.item(&mut intake, peer, entry.item).await?
            } else {
                came_before(&mut intake, peer, &entry.item).await?
            };
            took.note(kept, number, upload.takes_refusals)?;
        }
        if committed > before {
            intake.set_committed(&peer.id, &upload.epoch, committed).await?;
        }
        if took.head != head {
            intake.set_chain_head(&peer.id, took.head).await?;
        }
        took.fills = took.room.news(&mut intake, &peer.site).await?;
        intake.commit_noting(self.oddities(peer, &took)).await?;
        self.meters.reported(fresh);
        if took.has_events {
            // Nobody may be listening.
            let _ = self.event_news.send(());
        }
        if took.plans {
            self.plans_changed.send_modify(|count| *count = count.wrapping_add(1));
        }
        for device in took.news {
            // Nobody may be listening.
            let _ = self.news.send(News { site: peer.site.clone(), device });
        }
        Ok(Acknowledged { committed, resend: took.resend, refused: took.refused })
    }

    /// The records of what a person has to see: what is odd, and apart from it, so that nobody can hide it there, what
    /// is nearly full.
    fn oddities(&self, peer: &AgentPeer, took: &Took) -> Vec<Deed> {
        let odd = [&took.oddities, &took.odd_secrets, &took.odd_plans];
        let deed = match odd.map(|all| all.is_empty()) {
            [true, true, _] => "agent_plan_odd",
            [true, false, _] => "agent_secret_odd",
            [false, ..] => "agent_chain_odd",
        };
        let odd: Vec<_> = odd.into_iter().flatten().cloned().collect();
        let both = [("site_filling", &took.fills), (deed, &odd)];
        let some = both.into_iter().filter(|(_, all)| !all.is_empty());
        let each = some.map(|(deed, all)| {
            let shown = all.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
            tracing::warn!(agent = %peer.id, site = %peer.site, deed, "what an agent reported needs a look: {shown}");
            Deed {
                time: self.now(),
                actor: Name::Controller(self.organisation.clone()).to_string(),
                deed,
                subject: peer.id.to_string(),
                detail: format!("{}: {shown} ({} in all)", peer.site, all.len()),
            }
        });
        each.collect()
    }
}

/// What an upload brought.
#[derive(Debug)]
struct Took {
    now: Timestamp,
    head: ChainHead,
    news: Vec<DeviceName>,
    resend: Vec<DeviceName>,
    /// Of its audit chain.
    oddities: Vec<String>,
    has_events: bool,
    /// Of secrets that it handed over.
    odd_secrets: Vec<String>,
    /// Of plans.
    odd_plans: Vec<String>,
    /// Whether something of a plan came.
    plans: bool,
    /// How much of the site is here.
    room: Room,
    /// What is nearly full.
    fills: Vec<String>,
    refused: Vec<u64>,
}

impl Took {
    fn new(now: Timestamp, head: ChainHead) -> Self {
        Self {
            now,
            head,
            news: Vec::new(),
            resend: Vec::new(),
            oddities: Vec::new(),
            odd_secrets: Vec::new(),
            has_events: false,
            odd_plans: Vec::new(),
            plans: false,
            room: Room::default(),
            fills: Vec::new(),
            refused: Vec::new(),
        }
    }

    async fn item(
        &mut self,
        intake: &mut Intake,
        peer: &AgentPeer,
        item: Item,
    ) -> Result<Kept, Refusal> {
        let site = &peer.site;
        match item {
            Item::Audit(record, hash) => self.record(intake, peer, &record, hash).await?,
            Item::Device(report) => {
                let kept = self.room.device(intake, site, report.device.as_str()).await?;
                if kept != Kept::Yes {
                    return Ok(kept);
                }
                intake.put_report(site, &report, self.now).await?;
                self.resend.retain(|other| *other != report.device);
                self.news.push(report.device);
            }
            Item::Unchanged(unchanged) => {
                let is_here = intake.touch_device(site, &unchanged, self.now).await?;
                self.resend.retain(|other| *other != unchanged.device);
                if !is_here && self.room.device_fits(intake, site).await? {
                    self.resend.push(unchanged.device);
                }
            }
            Item::Backup(backup) => intake.put_backup(site, &backup, self.now).await?,
            Item::Event(event) => {
                intake.add_event(site, &event, self.now).await?;
                self.has_events = true;
            }
            Item::Forgotten(device) => {
                if intake.forget_device(site, &device).await? {
                    self.news.push(device);
                }
                self.room.forget();
            }
            Item::Plan(part) => {
                self.plans = true;
                if !intake.put_plan_part(site, &part, self.now).await? {
                    self.odd_plans.push(format!("a part of plan {} fits no plan", part.id));
                }
            }
            Item::Applied(applied) => {
                self.plans = true;
                if !intake.put_applied(site, &applied).await? {
                    self.odd_plans.push(format!("what became of plan {} fits none", applied.plan));
                }
            }
            Item::Escrow(record) => {
                let (room, now) = (&mut self.room, self.now);
                let (kept, odd) = escrow::take(intake, room, site, &record, now).await?;
                self.odd_secrets.extend(odd);
                return Ok(kept);
            }
            Item::Rotated(state) => {
                let about = (state.device.as_str(), state.kind.as_str());
                let kept = self.room.credential(intake, site, about).await?;
                if kept != Kept::Yes {
                    return Ok(kept);
                }
                intake.put_rotation(site, &state, self.now).await?;
            }
        }
        Ok(Kept::Yes)
    }

    /// Notes what became of an entry.
    fn note(&mut self, kept: Kept, number: u64, tells: bool) -> Result<(), Refusal> {
        match kept {
            Kept::Yes => return Ok(()),
            Kept::No => {}
            Kept::Full(_) if !tells => return Err(Refusal::Exhausted(3600)),
            Kept::Full(bound) => self.room.refuse(bound),
        }
        self.refused.push(number);
        Ok(())
    }

    async fn record(
        &mut self,
        intake: &mut Intake,
        peer: &AgentPeer,
        record: &Record,
        hash: [u8; 32],
    ) -> Result<(), Refusal> {
        let (number, wanted) = (record.number, self.head.length + 1);
        if number < wanted {
            // An outbox that was rebuilt sends again what is here.
            let kept = intake.chain_hash(&peer.id, number).await?;
            if kept.is_some_and(|kept| kept != hash) {
                self.oddities.push(format!("record {number} came again and is another one"));
            }
            return Ok(());
        }
        if number > wanted {
            self.oddities.push(format!("records {wanted} to {} are missing", number - 1));
        } else if self.head.extended(record).hash != hash {
            self.oddities.push(format!("record {number} does not fit the one before it"));
        }
        intake.add_agent_record(&peer.id, record, hash, self.now).await?;
        self.head = ChainHead { length: number, hash };
        Ok(())
    }
}

/// What became of an entry that came before: of a secret that is what counts now.
async fn came_before(intake: &mut Intake, peer: &AgentPeer, item: &Item) -> Result<Kept, Refusal> {
    let Item::Escrow(record) = item else { return Ok(Kept::Yes) };
    Ok(if escrow::is_here(intake, &peer.site, record).await? { Kept::Yes } else { Kept::No })
}

fn check(upload: &Upload) -> Result<(), Refusal> {
    let invalid = |what: &str| Err(Refusal::Invalid(what.to_owned()));
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if !(1..=MAX_EPOCH).contains(&upload.epoch.len()) || !upload.epoch.chars().all(plain) {
        return invalid("epoch: 1 to 64 letters, digits or dashes are wanted");
    }
    if upload.entries.len() > MAX_ENTRIES {
        return invalid("entries: at most 256 are taken at a time");
    }
    let numbers = upload.entries.iter().map(|entry| entry.sequence);
    if !numbers.clone().zip(numbers.skip(1)).all(|(one, next)| one < next) {
        return invalid("entries: their numbers have to grow");
    }
    for entry in &upload.entries {
        let Item::Audit(record, _) = &entry.item else { continue };
        let texts = [&record.deed, &record.subject, &record.detail];
        if record.number == 0 || i64::try_from(record.number).is_err() {
            return invalid("audit record: its number is out of range");
        }
        if texts.iter().any(|text| text.len() > MAX_RECORD) {
            return invalid("audit record: a text is too long");
        }
    }
    Ok(())
}
