//! One visit to a camera, logged in, whose answers are classed by what a rotation may conclude from them.

use proto::Secret;
use zeroize::Zeroizing;

use super::{Workplace, not_sent};
use crate::device::http::{Answer, Ask, Reply};
use crate::device::mobotix::live::{Camera, Hand, NOTHING, REMOTE, STORE, VIEW};
use crate::device::mobotix::{config, identify};
use crate::device::{BasicInClear, Fault, Login, Target};
use crate::rotate::hands::Trouble;

/// A camera that has asked for the log-in.
pub struct Inside {
    hand: Hand,
    doing: String,
}

impl Workplace {
    /// Connects as `user`, and waits for the camera to ask for the log-in, which is not made yet.
    ///
    /// # Errors
    /// [`Trouble::NotSent`], whatever the reason.
    pub async fn enter(
        &self,
        user: &str,
        password: &Secret,
        doing: &str,
    ) -> Result<Inside, Trouble> {
        let basic_in_clear =
            self.target.login.as_ref().map_or(BasicInClear::Never, |login| login.basic_in_clear);
        let (user, password) = (user.to_owned(), password.clone());
        let login = Some(Login { user, password, basic_in_clear });
        let camera = Camera::new(Target { login, ..self.target.clone() }, self.dialects.clone());
        let doing = format!("{doing} {}", self.target.address);
        match camera.enter(&doing).await {
            Ok(hand) => Ok(Inside { hand, doing }),
            Err(fault) => Err(not_sent(&fault)),
        }
    }
}

impl Inside {
    /// The realms that the camera named.
    pub fn realms(&self) -> Vec<String> {
        self.hand.realms.clone()
    }

    /// Whether only the camera can read what is sent.
    pub fn is_private(&self) -> bool {
        self.hand.is_private()
    }

    /// Asks, logged in.
    ///
    /// # Errors
    /// `Refused` only where the log-in was not taken; otherwise nobody knows what the camera did.
    pub async fn ask(&mut self, ask: Ask<'_>) -> Result<Reply, Trouble> {
        let doing = &self.doing;
        let fault = match self.hand.answer(ask).await {
            Ok(Answer::Admitted(reply)) => return Ok(reply),
            Ok(Answer::Refused(reply)) if reply.challenges().stale() => Fault::Nonsense(format!(
                "{doing}: it calls every nonce stale, fresh ones too, so that nobody can log in; its clock may jump, or it \
                 is overloaded. The password was not judged"
            )),
            Ok(Answer::Refused(_)) => Fault::Refused(format!("{doing}: it refused the log-in")),
            Ok(Answer::Renewed) => {
                Fault::Nonsense(format!("{doing}: it asked for the log-in again"))
            }
            Err(fault @ Fault::Unreachable(_)) => fault,
            Err(other) => Fault::Nonsense(other.to_string()),
        };
        Err(fault.into())
    }

    /// Has the remote configuration do something.
    ///
    /// # Errors
    /// As [`Inside::ask`]; that the remote configuration answered is all that is looked at.
    pub async fn remote(&mut self, body: &str) -> Result<(), Trouble> {
        let reply = self.ask(Ask::post(REMOTE, body)).await?;
        match reply.status {
            200 if identify::remote_answer(&reply.body) => Ok(()),
            status => Err(self.odd(status).into()),
        }
    }

    /// Logs in and does nothing.
    ///
    /// # Errors
    /// As [`Inside::remote`].
    pub async fn knock(&mut self) -> Result<(), Trouble> {
        self.remote(NOTHING).await
    }

    /// Stores the running configuration.
    ///
    /// # Errors
    /// As [`Inside::remote`].
    pub async fn store(&mut self) -> Result<(), Trouble> {
        self.remote(STORE).await
    }

    /// The whole configuration as it runs.
    ///
    /// # Errors
    /// As [`Inside::ask`]; `Rejected` for an account that may not see it.
    pub async fn configuration(&mut self) -> Result<Zeroizing<Vec<u8>>, Trouble> {
        let reply = self.ask(Ask::post(REMOTE, VIEW)).await?;
        let body = Zeroizing::new(reply.body);
        match reply.status {
            200 => {}
            403 | 404 => {
                let doing = &self.doing;
                return Err(Fault::Rejected(format!(
                    "{doing}: the account may log in but not see the configuration (HTTP {}); use one of the group \
                     admins",
                    reply.status
                ))
                .into());
            }
            status => return Err(self.odd(status).into()),
        }
        let inner = config::from_remote(&body)
            .map_err(|error| Fault::Nonsense(format!("{}: {error}", self.doing)))?;
        Ok(Zeroizing::new(inner.to_vec()))
    }

    /// A status from which nothing can be concluded.
    pub fn odd(&self, status: u16) -> Fault {
        let doing = &self.doing;
        Fault::Nonsense(format!(
            "{doing}: HTTP {status} came back, from which nothing can be concluded; it may be starting or overloaded"
        ))
    }

    /// That we, or it, cannot do it, with nothing touched.
    pub fn unsupported(&self, why: impl std::fmt::Display) -> Trouble {
        Fault::Unsupported(format!("{}: {why}; nothing was touched", self.doing)).into()
    }

    /// Closes the connection.
    pub async fn leave(self) {
        self.hand.leave().await;
    }
}
