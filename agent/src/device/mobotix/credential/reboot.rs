//! Reboots that are asked for and waited for: the log is collected first, and that the camera did reboot is seen, not
//! believed.

use certs::Pin;
use proto::Secret;
use tokio::time::{Instant, sleep};

use super::{Workplace, not_sent};
use crate::device::http::{Ask, Browser};
use crate::device::mobotix::live::{REBOOT, WEB_LOG};
use crate::device::{Fault, probe};
use crate::rotate::hands::Trouble;

/// Looks in a row that nothing answered, after which a camera is taken to be away. One may be a lost packet.
const AWAY: u32 = 2;

/// How long the log was before a reboot; `None` where it could not be had.
pub type LogLength = Option<usize>;

/// A camera that answers.
struct Alive {
    /// The certificate that it presents.
    presents: Option<Pin>,
}

impl Workplace {
    /// Collects the web server log and has it kept.
    ///
    /// # Errors
    /// [`Trouble`]; nothing is rebooted then. A log that the camera does not show is lost, and that is told to the log.
    pub async fn collect(&self, user: &str, password: &Secret) -> Result<LogLength, Trouble> {
        let device = &self.target.name;
        let mut inside = self.enter(user, password, "collecting the web server log of").await?;
        let reply = inside.ask(Ask::get(WEB_LOG)).await?;
        inside.leave().await;
        if reply.status != 200 {
            let status = reply.status;
            tracing::warn!(%device, status, "its log could not be had, and is lost with the reboot");
            return Ok(None);
        }
        let length = reply.body.len();
        let kept = self.reboots.logs.keep(device, reply.body).await;
        kept.map_err(|why| {
            let why = format!("keeping the web server log of {device}: {why}; it is not rebooted");
            not_sent(&Fault::Unsupported(why))
        })?;
        Ok(Some(length))
    }

    /// Asks for a reboot, waits until the camera is back, and makes sure that it was away: by its silence at two looks in
    /// a row, by its log, which a reboot wipes, or by presenting the certificate that only a reboot brings into force.
    ///
    /// # Errors
    /// [`Trouble`]; nobody knows whether it rebooted, unless it refused the log-in.
    pub async fn reboot(
        &self,
        user: &str,
        password: &Secret,
        log: LogLength,
        fresh: Option<Pin>,
    ) -> Result<(), Trouble> {
        let mut inside = self.enter(user, password, "rebooting").await?;
        match inside.ask(Ask::post(REBOOT, "")).await {
            Ok(reply) if reply.status == 200 => {}
            Ok(reply) => return Err(inside.odd(reply.status).into()),
            // It went before it answered.
            Err(Trouble::Fault(Fault::Unreachable(_))) => {}
            Err(trouble) => return Err(trouble),
        }
        inside.leave().await;
        let (asked, patience) = (Instant::now(), self.reboots.patience);
        let (mut pause, mut missed) = (patience.first, 0);
        loop {
            sleep(pause).await;
            pause = pause.saturating_mul(2).min(patience.most);
            let gone = asked.elapsed();
            match self.alive().await {
                None if gone >= patience.back => {
                    return Err(self.lost("it did not come back within the time for a reboot"));
                }
                None => missed += 1,
                Some(alive) if missed >= AWAY || (fresh.is_some() && alive.presents == fresh) => {
                    return Ok(());
                }
                Some(_) if self.was_wiped(user, password, log).await? => return Ok(()),
                Some(_) if gone >= patience.vanish => {
                    let what = "it answered all the time, and nothing showed that it rebooted";
                    return Err(self.lost(what));
                }
                Some(_) => missed = 0,
            }
        }
    }

    fn lost(&self, what: &str) -> Trouble {
        Fault::Unreachable(format!("rebooting {}: {what}", self.target.address)).into()
    }

    /// Whether it serves anybody. No password is sent, so whichever certificate it presents will do.
    async fn alive(&self) -> Option<Alive> {
        let at = probe::locate(&self.target).await.ok()?;
        let address = self.target.address.clone();
        let mut browser = Browser::new(address, at, None, self.target.limits);
        let reply = browser.ask(Ask::get("/").discard()).await.ok()?;
        browser.hang_up().await;
        (reply.status < 500).then(|| Alive { presents: browser.witness().pin() })
    }

    /// Whether its log is shorter than before the reboot. Where a log-in is refused, none is made again: it may have
    /// rebooted unseen, and gone back to an older password.
    async fn was_wiped(
        &self,
        user: &str,
        password: &Secret,
        log: LogLength,
    ) -> Result<bool, Trouble> {
        let Some(before) = log else { return Ok(false) };
        let Ok(mut inside) = self.enter(user, password, "looking at the log of").await else {
            return Ok(false);
        };
        let reply = inside.ask(Ask::get(WEB_LOG)).await;
        inside.leave().await;
        match reply {
            Ok(reply) => Ok(reply.status == 200 && reply.body.len() < before),
            Err(refused @ Trouble::Fault(Fault::Refused(_))) => Err(refused),
            Err(_) => Ok(false),
        }
    }
}
