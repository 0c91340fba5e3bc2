//! What befalls a site while its credentials are replaced.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use rustix::process::Signal;

use crate::clocks::Shows;
use crate::devices::mobotix::{Camera, Fault, Faults};
use crate::offline::dice::Dice;
use crate::world::Program;

use super::site::Site;

/// Everything that befalls anybody does so within this time after the order, in milliseconds.
const WINDOW: usize = 12_000;
/// How long a camera's fault lasts, in milliseconds: long enough to strike one request or two.
const STRIKES: usize = 1_500;
/// A clock is wrong by at most so many hours.
const MOST_HOURS: usize = 40 * 24;

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

/// How agent and controller end: killed, or by a crash of which the kernel would write down their memory. As many ways
/// as times, so that each batch may see any of them.
const ENDS: [Signal; 6] =
    [Signal::KILL, Signal::KILL, Signal::KILL, Signal::ABORT, Signal::SEGV, Signal::ILL];

/// How the clock of the agent's machine is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Skew {
    /// It is right.
    None,
    /// So it starts, both times that the agent is started again.
    AtStarts(Shows),
    /// It is set while the agent runs: at the first moment, and once more at the second.
    Jumps([(Duration, Shows); 2]),
}

impl Skew {
    fn draw(dice: &mut Dice) -> Self {
        match dice.below(4) {
            0 => Self::None,
            1 => Self::AtStarts(Shows::Year1970),
            2 => Self::AtStarts(off(dice)),
            _ => {
                let mut at = [moment(dice), moment(dice)];
                at.sort();
                Self::Jumps(at.map(|at| (at, off(dice))))
            }
        }
    }
}

/// Hours or days ahead or behind.
fn off(dice: &mut Dice) -> Shows {
    let hours = 1 + i64::try_from(dice.below(MOST_HOURS)).unwrap_or(0);
    let ahead = if dice.one_in(2) { 1 } else { -1 };
    Shows::Off(ahead * hours * 3600)
}

/// Lets something befall every camera and the clock of the agent's machine, and ends the agent twice and the controller
/// once meanwhile. Returns when all of it is over, but for a clock that stays wrong, with the number of core dumps that
/// were written.
///
/// # Errors
/// When a program does not start again.
pub async fn befall(site: &mut Site, dice: &mut Dice, tell: &dyn Fn(&str)) -> anyhow::Result<u32> {
    let drawn: Vec<_> = site
        .cameras
        .iter()
        .map(|_| (*dice.pick(&MISHAPS), moment(dice), milliseconds(dice.below(STRIKES))))
        .collect();
    let mut ends = [(); 3].map(|()| (moment(dice), *dice.pick(&ENDS)));
    ends.sort_by_key(|(at, _)| *at);
    // The controller's is the first, the second or the last of the three.
    let controllers = dice.below(ends.len());
    let skew = Skew::draw(dice);
    tell(&format!("the agent's clock: {skew:?}"));
    let cameras = site.cameras.iter().zip(drawn);
    let struck = futures::future::join_all(
        cameras.map(|((_, camera), (mishap, at, lasts))| strike(camera, mishap, at, lasts)),
    );
    let (agent, controller, clock) = (&mut site.agent, &mut site.controller, &site.clock);
    let ended = async {
        let (mut now, mut cores) = (Duration::ZERO, 0);
        for (number, (at, signal)) in ends.into_iter().enumerate() {
            tokio::time::sleep(at - now).await;
            now = at;
            if number == controllers {
                cores += crash(controller, signal).await?;
                controller.start().await?;
            } else {
                cores += crash(agent, signal).await?;
                if let Skew::AtStarts(shows) = skew {
                    clock.set(shows)?;
                }
                agent.start().await?;
            }
        }
        anyhow::Ok(cores)
    };
    let jumped = async {
        let Skew::Jumps(jumps) = skew else { return Ok(()) };
        let mut now = Duration::ZERO;
        for (at, shows) in jumps {
            tokio::time::sleep(at - now).await;
            now = at;
            clock.set(shows)?;
        }
        anyhow::Ok(())
    };
    let (_, cores, jumped) = tokio::join!(struck, ended, jumped);
    jumped.and(cores)
}

/// Ends a program; gives 1 if the kernel wrote down its memory.
pub(super) async fn crash(program: &mut Program, signal: Signal) -> anyhow::Result<u32> {
    Ok(u32::from(program.crash(signal).await?.core_dumped()))
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
