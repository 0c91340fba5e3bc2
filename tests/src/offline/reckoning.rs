//! What is left at the end, compared: the controller's books with the agent's disk and with what happened to the site.

use agent::link::entry;
use agent::store::{Options, Store};
use anyhow::{Context as _, ensure};
use certs::audit::{ChainHead, Record, Verifier, Witness};
use controller::store::{Agent, Standing};

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
    outcome.lost(dropped, || format!("{dropped} audit records were dropped"));
    let head = left_on_disk(story).await?;

    let agent = story.office.agent().await?;
    let joined = status.identity.as_ref().map(|identity| identity.join);
    ensure!(agent.standing == Standing::Active, "the agent is {}", agent.standing.as_str());
    ensure!(agent.recoveries > 0, "the agent never had to find its way back");
    ensure!(joined == Some(agent.join_sequence), "{joined:?} is not {}", agent.join_sequence);

    let records = compare_chains(story, &agent, head, &mut outcome).await?;
    compare_devices(story, &records, &mut outcome).await?;
    Ok(outcome)
}

/// The head of the agent's audit log; nothing may wait.
async fn left_on_disk(story: &Story) -> anyhow::Result<ChainHead> {
    let store = Store::open(Options::new(story.site_box.data.clone(), entry::audit)).await?;
    let (head, waiting) = (store.head().await?, store.waiting().await?);
    store.close().await;
    ensure!(waiting.records == 0, "{} records still wait", waiting.records);
    head.context("the agent does not know its own audit log")
}

/// The records that the controller has of the agent.
async fn compare_chains(
    story: &Story,
    agent: &Agent,
    head: ChainHead,
    outcome: &mut Outcome,
) -> anyhow::Result<Vec<Record>> {
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
    let missing = head.length.saturating_sub(whole);
    outcome.lost(missing, || format!("{whole} records of {} are whole", head.length));
    let more = (records.len() as u64).saturating_sub(head.length);
    outcome.doubled(more, || format!("{more} records are more than the agent wrote"));
    for odd in story.office.complaints(agent.told.witnessed).await? {
        outcome.doubled(1, || odd);
    }
    // Of a log with holes it is said already how many records are missing.
    let kept = records.into_iter().map(|(record, _)| record).filter(|_| missing == 0);
    Ok(kept.collect())
}

async fn compare_devices(
    story: &Story,
    records: &[Record],
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    if !records.is_empty() {
        let said = story.devices.compare(records);
        for wrong in said.wrong {
            outcome.lost(1, || wrong);
        }
        // Whose plug is pulled between writing that a device failed and noting that it wrote so, writes it again.
        let again = said.again.saturating_sub(story.cut_short) as u64;
        outcome.doubled(again, || format!("{again} failures were told twice"));
    }
    let known = story.office.books.devices(None).await?;
    let wrong = story.devices.out_of_date(&known);
    for wrong in story.missed.iter().map(|it| format!("at the return: {it}")).chain(wrong) {
        outcome.lost(1, || wrong);
    }
    let strangers = story.devices.strangers(&known) as u64;
    outcome.doubled(strangers, || format!("{strangers} devices that nobody has"));
    Ok(())
}

impl Outcome {
    fn lost(&mut self, count: u64, complaint: impl FnOnce() -> String) {
        self.lost += usize::try_from(count).unwrap_or(usize::MAX);
        self.complaints.extend((count > 0).then(complaint));
    }

    fn doubled(&mut self, count: u64, complaint: impl FnOnce() -> String) {
        self.doubled += usize::try_from(count).unwrap_or(usize::MAX);
        self.complaints.extend((count > 0).then(complaint));
    }
}
