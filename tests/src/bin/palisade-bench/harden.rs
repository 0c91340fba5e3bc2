//! A neglected site, hardened: wall time, video lost, and what of it the reboots are.

use std::time::Duration;

use tests::harden::{Size, harden};

use crate::{row, tell};

/// What is asked of `palisade-bench harden`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Arguments {
    /// How many cameras.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    cameras: u16,
    /// What each round trip costs, in milliseconds.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(0..=1000))]
    latency: u16,
    /// How long a camera is away when it reboots, in seconds. A real one takes two minutes.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=600))]
    reboot: u16,
    /// How many cameras are in change at once.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=64))]
    at_once: u16,
}

/// Prints the figures.
///
/// # Errors
/// When the site could not be hardened.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let size = Size {
        cameras: arguments.cameras,
        latency: Duration::from_millis(arguments.latency.into()),
        reboot: Duration::from_secs(arguments.reboot.into()),
        at_once: arguments.at_once,
    };
    let figures = harden(&size, &tell).await?;
    let cameras = f64::from(size.cameras);
    row("cameras", size.cameras)?;
    row("wall_s", format_args!("{:.1}", (figures.plan + figures.apply).as_secs_f64()))?;
    row(
        "video_lost_s_per_camera",
        format_args!("{:.2}", figures.seen_dark.as_secs_f64() / cameras),
    )?;
    row("ratio", format_args!("{:.2}", figures.ratio(&size)))?;
    row("dark_s_per_camera", format_args!("{:.2}", figures.dark.as_secs_f64() / cameras))?;
    row("reboots", figures.reboots)?;
    row("failed_logins", figures.failed_logins)?;
    row("left", figures.left)?;
    row("written_again", figures.written_again)
}
