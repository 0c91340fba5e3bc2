//! What is left at the end, compared: the controller's books with the agent's disk and with what happened to the site.

use agent::link::entry;
use agent::store::{Options, Store};
use anyhow::{Context as _, ensure};
use certs::audit::{Verifier, Witness};
use controller::store::Standing;

use super::Outcome;
use super::story::Story;

/// Ends the agent and compares.
///
/// # Errors
/// When either side cannot be read, or the agent is not who it was.
pub async fn reckon(story: &mut Story) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    let status = story.site_box.status().await?;
    story.site_box.stop().await.context("stopping the agent")?;
    let dropped = status.outbox.dropped_audit;
    if dropped > 0 {
        outcome.lost(dropped, format!("{dropped} audit records were dropped"));
    }

    let store = Store::open(Options::new(story.site_box.data.clone(), entry::audit)).await?;
    let (head, waiting) = (store.head().await?, store.waiting().await?);
    store.close().await;
    let head = head.context("the agent does not know its own audit log")?;
    ensure!(waiting.records == 0, "{} records still wait", waiting.records);

    let agent = story.office.agent().await?;
    let joined = status.identity.as_ref().map(|identity| identity.join);
    ensure!(agent.standing == Standing::Active, "the agent is {}", agent.standing.as_str());
    ensure!(agent.recoveries > 0, "the agent never had to find its way back");
    ensure!(joined == Some(agent.join_sequence), "{joined:?} is not {}", agent.join_sequence);

    let records = story.office.records(&agent.id).await?;
    let mut verifier = Verifier::new([Witness { by: "the agent".to_owned(), head }]);
    let mut whole = 0;
    for (record, hash) in &records {
        if let Err(broken) = verifier.take(record, hash) {
            outcome.complaints.push(broken.to_string());
            break;
        }
        whole = record.number;
    }
    if whole < head.length {
        outcome.lost(head.length - whole, format!("{whole} records of {} are whole", head.length));
    }
    let more = (records.len() as u64).saturating_sub(head.length);
    if more > 0 {
        outcome.doubled(more, format!("{more} records are more than the agent wrote"));
    }
    for odd in story.office.complaints(agent.told.witnessed).await? {
        outcome.doubled(1, odd);
    }

    let records: Vec<_> = records.into_iter().map(|(record, _)| record).collect();
    // Of a log with holes it is said already how many records are missing.
    let is_whole = whole == head.length;
    let said = story.devices.compare(&records);
    for wrong in said.wrong.into_iter().filter(|_| is_whole) {
        outcome.lost(1, wrong);
    }
    // Whose plug is pulled between writing that a device failed and noting that it wrote so, writes it again.
    if said.again > story.cut_short {
        let again = said.again - story.cut_short;
        outcome.doubled(again as u64, format!("{again} failures were told twice"));
    }
    for missed in std::mem::take(&mut story.missed) {
        outcome.lost(1, format!("at the return: {missed}"));
    }
    let known = story.office.books.devices(None).await?;
    for wrong in story.devices.out_of_date(&known) {
        outcome.lost(1, wrong);
    }
    let strangers = story.devices.strangers(&known);
    if strangers > 0 {
        outcome.doubled(strangers as u64, format!("{strangers} devices that nobody has"));
    }
    Ok(outcome)
}

impl Outcome {
    fn lost(&mut self, count: u64, complaint: String) {
        self.lost += usize::try_from(count).unwrap_or(usize::MAX);
        self.complaints.push(complaint);
    }

    fn doubled(&mut self, count: u64, complaint: String) {
        self.doubled += usize::try_from(count).unwrap_or(usize::MAX);
        self.complaints.push(complaint);
    }
}
