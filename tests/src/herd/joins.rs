//! How fast agents join, measured by the bare handshakes of the same minute.
//!
//! Both take turns, a few hundred at a time, so that whatever else the machine does falls on both alike; the middle one of
//! the rounds' ratios counts. The ratio of processor times beside it does not feel other load at all.

use std::process::id;
use std::sync::Arc;

use anyhow::Context as _;
use futures::StreamExt as _;
use tokio::time::Instant;

use super::bare::handshakes_per_second;
use super::stand::{Stand, Tally};
use super::{AT_ONCE, Pass};
use crate::daemon::ticks_of;
use crate::world::Controller;

/// Joins and bare handshakes of one round, at least.
const ROUND: usize = 250;
/// Rounds, at most.
const ROUNDS: usize = 15;

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Joins {
    /// Joins per second as a part of the bare handshakes per second; the middle one of all rounds.
    pub ratio: f64,
    /// Processor time of a bare handshake, as a part of that of a join; both ends together, all rounds together.
    pub cpu_ratio: f64,
    /// Joins per second; the middle one of all rounds.
    pub per_s: f64,
}

/// Has every agent take up its stream.
///
/// # Errors
/// When a handshake fails, or an agent is not let in.
pub async fn joins(
    controller: &Controller,
    passes: &[Pass],
    tally: &Arc<Tally>,
) -> anyhow::Result<(Vec<Stand>, Joins)> {
    let server = controller.daemon().id().context("the controller has ended")?;
    let both = || anyhow::Ok(ticks_of(id())? + ticks_of(server)?);
    let round = ROUND.max(passes.len().div_ceil(ROUNDS));
    let mut stands = Vec::with_capacity(passes.len());
    let (mut ratios, mut rates) = (Vec::new(), Vec::new());
    let (mut bare_ticks, mut join_ticks) = (0, 0);
    for some in passes.chunks(round) {
        let begun = both()?;
        let bare = handshakes_per_second(some.len(), AT_ONCE).await?;
        let (between, clock) = (both()?, Instant::now());
        stands.extend(join_all(controller, some, tally).await?);
        let rate = some.len() as f64 / clock.elapsed().as_secs_f64();
        (bare_ticks, join_ticks) = (bare_ticks + between - begun, join_ticks + both()? - between);
        ratios.push(rate / bare);
        rates.push(rate);
    }
    let cpu_ratio = bare_ticks as f64 / join_ticks.max(1) as f64;
    Ok((stands, Joins { ratio: middle(ratios), cpu_ratio, per_s: middle(rates) }))
}

fn middle(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

async fn join_all(
    controller: &Controller,
    passes: &[Pass],
    tally: &Arc<Tally>,
) -> anyhow::Result<Vec<Stand>> {
    let mut joining = futures::stream::iter(passes)
        .map(|pass| {
            let (place, tls) = (controller.place.clone(), pass.tls.clone());
            tokio::spawn(Stand::take_up(place, tls, tally.clone()))
        })
        .buffer_unordered(AT_ONCE);
    let mut stands = Vec::with_capacity(passes.len());
    while let Some(stand) = joining.next().await {
        stands.push(stand??);
    }
    Ok(stands)
}
