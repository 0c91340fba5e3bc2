//! A real controller with a herd of agents.

use std::time::Duration;

use tests::herd::bench::{Figures, Size, fleet as measure};
use tests::world::Controller;

use crate::{row, tell};

/// Orders, one after the other.
const ORDERS: usize = 1000;
/// What a bench needs and nobody else should: thousands join from one address within a minute.
const SETTINGS: [(&str, &str); 1] = [("LIMITS_ENROLLMENTS_PER_MINUTE", "100000")];

/// Prints the figures.
///
/// # Errors
/// When anything but a figure goes wrong.
pub async fn run(agents: u16, idle: u16) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut controller = Controller::found(folder.path(), &SETTINGS).await?;
    let idle = Duration::from_secs(idle.into());
    let size = Size { agents: agents.into(), orders: ORDERS.min(usize::from(agents) * 20), idle };
    let figures = measure(&mut controller, size, &tell).await?;
    controller.stop().await?;
    print(&figures)
}

fn print(figures: &Figures) -> anyhow::Result<()> {
    let Figures { agents, kib_per_agent, joins, order_p99_ms, apply_all_s, .. } = figures;
    row("agents", agents)?;
    row("kib_per_agent", format_args!("{kib_per_agent:.1}"))?;
    row("joins_ratio", format_args!("{:.2}", joins.ratio))?;
    row("joins_cpu_ratio", format_args!("{:.2}", joins.cpu_ratio))?;
    row("joins_per_s", format_args!("{:.0}", joins.per_s))?;
    row("order_p99_ms", format_args!("{order_p99_ms:.2}"))?;
    row("apply_all_s", format_args!("{apply_all_s:.2}"))?;
    row("keepalive_core_pct_10k", format_args!("{:.2}", figures.keepalive_core_pct_10k))?;
    row("storm_s", format_args!("{:.1}", figures.storm_s))?;
    row("storm_lost", figures.storm_lost)
}
