//! What befalls a site while its credentials are replaced.

use std::time::Duration;

use crate::devices::mobotix::{Camera, Fault, Faults};
use crate::offline::dice::Dice;

use super::site::Site;

/// Everything that befalls anybody does so within this time after the order, in milliseconds.
const WINDOW: usize = 12_000;
/// How long a camera's fault lasts, in milliseconds: long enough to strike one request or two.
const STRIKES: usize = 1_500;

/// What befalls one camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mishap {
    Nothing,
    /// Its power is cut: RAM is lost.
    PowerCut,
    /// It does as told and its answer is lost.
    LostReply,
    /// What it was told reaches it when nobody waits any more.
    LateRequest,
    /// It reboots right after it did as told.
    Reboot,
    /// Its clock jumps, so that it calls every nonce stale.
    WrongClock,
}

const MISHAPS: [Mishap; 6] = [
    Mishap::Nothing,
    Mishap::PowerCut,
    Mishap::LostReply,
    Mishap::LateRequest,
    Mishap::Reboot,
    Mishap::WrongClock,
];

/// Lets something befall every camera, and kills the agent twice and the controller once meanwhile. Ends when all of it
/// is over.
///
/// # Errors
/// When a program does not start again.
pub async fn befall(site: &mut Site, dice: &mut Dice) -> anyhow::Result<()> {
    let drawn: Vec<_> = site
        .cameras
        .iter()
        .map(|_| (*dice.pick(&MISHAPS), moment(dice), milliseconds(dice.below(STRIKES))))
        .collect();
    let mut kills = [dice.below(WINDOW), dice.below(WINDOW), dice.below(WINDOW)].map(milliseconds);
    kills.sort();
    // The controller's is the first, the second or the last of the three.
    let controllers = dice.below(kills.len());
    let cameras = site.cameras.iter().zip(drawn);
    let struck = futures::future::join_all(
        cameras.map(|((_, camera), (mishap, at, lasts))| strike(camera, mishap, at, lasts)),
    );
    let (agent, controller) = (&mut site.agent, &mut site.controller);
    let killed = async {
        let mut now = Duration::ZERO;
        for (number, at) in kills.into_iter().enumerate() {
            tokio::time::sleep(at - now).await;
            now = at;
            if number == controllers {
                controller.kill().await?;
                controller.start().await?;
            } else {
                agent.kill().await?;
                agent.start().await?;
            }
        }
        anyhow::Ok(())
    };
    let (_, killed) = tokio::join!(struck, killed);
    killed
}

async fn strike(camera: &Camera, mishap: Mishap, at: Duration, lasts: Duration) {
    tokio::time::sleep(at).await;
    let fault = match mishap {
        Mishap::Nothing => return,
        Mishap::PowerCut => {
            camera.power_cut().await;
            return;
        }
        Mishap::LostReply => Fault::LosesReplies,
        Mishap::LateRequest => Fault::ComesLate,
        Mishap::Reboot => Fault::RebootsTooSoon,
        Mishap::WrongClock => Fault::CallsNoncesStale,
    };
    camera.set_faults(Faults::none().with(fault));
    tokio::time::sleep(lasts).await;
    camera.set_faults(Faults::none());
    tokio::time::sleep(lasts).await;
    camera.late_arrives();
}

fn moment(dice: &mut Dice) -> Duration {
    milliseconds(dice.below(WINDOW))
}

fn milliseconds(count: usize) -> Duration {
    Duration::from_millis(u64::try_from(count).unwrap_or(u64::MAX))
}
