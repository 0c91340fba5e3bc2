//! What systemd hears: that we are ready, that we are alive, what we are at, and that we stop. Elsewhere it is silent.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::board::{Board, Phase};

/// How often the line of `systemctl status` is brought up to date.
const TELL: Duration = Duration::from_secs(60);

fn notify(state: NotifyState<'_>) {
    // Without systemd there is nobody to tell.
    let _ = sd_notify::notify(&[state]);
}

/// The status socket answers.
pub(super) fn ready() {
    notify(NotifyState::Ready);
}

/// We were told to stop.
pub(super) fn stopping() {
    notify(NotifyState::Stopping);
}

/// Feeds the watchdog as long as the runtime turns and the store answers, and says what we are at.
pub(super) async fn watch(board: &Arc<Board>, stop: &CancellationToken) {
    // Three chances within systemd's patience.
    let every = sd_notify::watchdog_enabled().map_or(TELL, |most| (most / 3).min(TELL));
    let mut ticks = interval(every.max(Duration::from_millis(100)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut phase = board.phase();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = phase.changed() => {}
            () = stop.cancelled() => return,
        }
        // The store is asked too: an agent whose disk hangs for ever is better started anew.
        let status = board.status().await;
        notify(NotifyState::Watchdog);
        let text = match (phase.borrow().clone(), status.link) {
            (Phase::Starting, _) => "starting".to_owned(),
            (Phase::Unenrolled, _) => "not enrolled; run palisade-agent enroll".to_owned(),
            (Phase::Damaged(why), _) => why,
            (Phase::Stopping, _) => "stopping".to_owned(),
            (Phase::Serving, Some(link)) => link.state.words().to_owned(),
            (Phase::Serving, None) => "serving the site".to_owned(),
        };
        notify(NotifyState::Status(&text));
    }
}
