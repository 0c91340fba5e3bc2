//! What a controller bears: thousands of agents on their streams, measured from outside.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures::StreamExt as _;
use proto::wire::v1;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::Instant;

use super::joins::{Joins, joins};
use super::operator::Desk;
use super::stand::Tally;
use super::{AT_ONCE, Pass, enroll_over};
use crate::world::Controller;

/// How large a run is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Agents on their streams at a time.
    pub agents: usize,
    /// Orders, one after the other.
    pub orders: usize,
    /// How long the idle controller is watched.
    pub idle: Duration,
}

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Agents that stood on their streams.
    pub agents: usize,
    /// Resident memory of the controller per agent.
    pub kib_per_agent: f64,
    /// How fast they joined.
    pub joins: Joins,
    /// From the operator's call to its answer, 99 of 100 orders.
    pub order_p99_ms: f64,
    /// From the operator's call until the last agent held the policy.
    pub apply_all_s: f64,
    /// Of one core, for ten thousand agents that only keep their connections alive.
    pub keepalive_core_pct_10k: f64,
    /// After the controller was killed and started again, until every agent stood on its stream again.
    pub storm_s: f64,
    /// Agents that did not come back.
    pub storm_lost: usize,
}

/// Clock ticks of the kernel per second, as it tells times of processes.
const TICKS: f64 = 100.0;
/// After so long an agent that is not back counts as lost.
const STORM: Duration = Duration::from_secs(180);

/// Measures a controller that was just founded.
///
/// # Errors
/// When anything but a figure goes wrong.
pub async fn fleet(
    controller: &mut Controller,
    size: Size,
    tell: &dyn Fn(&str),
) -> anyhow::Result<Figures> {
    lift_limit()?;
    let mut desk = controller.desk().await?;
    tell(&format!("enrolling {} agents", size.agents));
    let passes = enroll_all(controller, &desk, size.agents).await?;
    // A controller that has enrolled nobody in this life tells what connections alone take.
    controller.stop().await?;
    controller.start().await?;
    let before = controller.daemon().resident_kib()?;

    tell("measuring bare handshakes and joins by turns");
    let tally = Arc::new(Tally::default());
    let (stands, joins) = joins(controller, &passes, &tally).await?;
    let resident = controller.daemon().resident_kib()?;

    tell("watching the idle controller");
    let ticks = controller.daemon().ticks()?;
    tokio::time::sleep(size.idle).await;
    let ticks = controller.daemon().ticks()? - ticks;
    let busy = ticks as f64 / TICKS / size.idle.as_secs_f64();

    tell("sending orders, then a policy");
    let order_p99_ms = orders(&mut desk, &passes, size.orders).await?;
    let apply_all_s = apply(&mut desk, &tally, size.agents).await?;

    tell("killing the controller and starting it again");
    controller.kill().await?;
    tally.until(|tally| tally.standing.load(Ordering::SeqCst) == 0).await;
    controller.start().await?;
    let begun = Instant::now();
    let back = tally.until(|tally| tally.standing.load(Ordering::SeqCst) == size.agents);
    let storm_lost = match tokio::time::timeout(STORM, back).await {
        Ok(()) => 0,
        Err(_) => size.agents - tally.standing.load(Ordering::SeqCst),
    };
    let storm_s = begun.elapsed().as_secs_f64();
    drop(stands);
    Ok(Figures {
        agents: size.agents,
        kib_per_agent: resident.saturating_sub(before) as f64 / size.agents as f64,
        joins,
        order_p99_ms,
        apply_all_s,
        keepalive_core_pct_10k: busy * 100.0 * 10_000.0 / size.agents as f64,
        storm_s,
        storm_lost,
    })
}

/// Each agent takes a file descriptor here.
fn lift_limit() -> anyhow::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
        .context("more open files are needed")
}

async fn enroll_all(
    controller: &Controller,
    desk: &Desk,
    count: usize,
) -> anyhow::Result<Vec<Pass>> {
    let stranger = desk.stranger().await?;
    let mut joining = futures::stream::iter(0..count)
        .map(|number| {
            let (mut desk, stranger) = (desk.clone(), stranger.clone());
            tokio::spawn(async move {
                let site = format!("site-{number}");
                desk.add_site(&site).await?;
                let ticket = desk.token(&site).await?;
                enroll_over(stranger, &ticket).await
            })
        })
        .buffer_unordered(AT_ONCE);
    let mut passes = Vec::with_capacity(count);
    while let Some(pass) = joining.next().await {
        passes.push(pass??);
    }
    ensure!(passes.len() == count && controller.daemon().id().is_some(), "not all enrolled");
    Ok(passes)
}

async fn orders(desk: &mut Desk, passes: &[Pass], count: usize) -> anyhow::Result<f64> {
    let mut took = Vec::with_capacity(count);
    for number in 0..count {
        // Strides through the herd, so that no agent is asked twice while there are others.
        let pass = &passes[number * 7919 % passes.len()];
        let what = v1::send_order_request::What::Visit(v1::VisitOrder::default());
        let order = v1::SendOrderRequest { site: pass.site.clone(), what: Some(what), wait: 30 };
        let begun = Instant::now();
        let reply = desk.client.send_order(order).await?.into_inner();
        took.push(begun.elapsed());
        ensure!(reply.done, "an order was not done");
    }
    took.sort_unstable();
    let place = (count * 99 / 100).min(count.saturating_sub(1));
    Ok(took.get(place).context("no orders")?.as_secs_f64() * 1000.0)
}

async fn apply(desk: &mut Desk, tally: &Tally, agents: usize) -> anyhow::Result<f64> {
    let text = "# For every site.\n[passwords]\nmin_length = 12\n".to_owned();
    tally.wanted_length.store(text.len() as u64, Ordering::SeqCst);
    let asked = v1::ApplyPolicyRequest { text, ..v1::ApplyPolicyRequest::default() };
    let begun = Instant::now();
    desk.client.apply_policy(asked).await.context("applying a policy")?;
    tally.until(|tally| tally.holding.load(Ordering::SeqCst) >= agents).await;
    Ok(begun.elapsed().as_secs_f64())
}
