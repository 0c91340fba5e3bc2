//! Passwords at a camera, see the module above.

use std::sync::Arc;

use async_trait::async_trait;
use certs::random;
use proto::{Secret, SecretId};

use super::account::{self, Account, Paper, Unfit};
use super::inside::Inside;
use super::{Readable, Reboots, Workplace};
use crate::device::mobotix::Dialects;
use crate::device::mobotix::edit::Request;
use crate::device::{Fault, Target};
use crate::rotate::LogsIn;
use crate::rotate::hands::{Device, Login, Trouble};
use crate::rotation::Effect;

/// How often the configuration is looked at before a second administrator that was removed is called still there.
const LOOKS: u32 = 3;

/// The password of one account of a camera, and the second administrator that stands while it changes.
pub struct Password {
    place: Workplace,
    account: String,
    second: String,
    readable: Readable,
}

impl Password {
    /// The password of the account that `target` logs in as; the one that stands there is not used. `second` is the name
    /// of the second administrator: 3 to 16 of `A-Za-z0-9.-_`, and nobody else's.
    pub fn new(target: Target, dialects: Arc<Dialects>, second: String, reboots: Reboots) -> Self {
        let account = target.login.as_ref().map_or_else(String::new, |login| login.user.clone());
        let readable = Readable::Refused;
        Self { place: Workplace { target, dialects, reboots }, account, second, readable }
    }

    /// Writes secrets over connections that others may read, too, if `readable` says so.
    #[must_use]
    pub fn over(mut self, readable: Readable) -> Self {
        self.readable = readable;
        self
    }

    /// The account and password of a log-in.
    fn known<'a>(&'a self, login: &Login<'a>) -> Account<'a> {
        match login {
            Login::Main(password) => Account { name: &self.account, password },
            Login::Second(password) => Account { name: &self.second, password },
        }
    }

    async fn enter(&self, login: &Login<'_>, doing: &str) -> Result<Inside, Trouble> {
        let Account { name, password } = self.known(login);
        if self.account.is_empty() {
            let address = &self.place.target.address;
            let why = "the site file names no account for it; state its user";
            return Err(Fault::Unsupported(format!("{doing} {address}: {why}")).into());
        }
        self.place.enter(name, password, doing).await
    }

    /// Looks at the accounts, and has written what `draw` makes of them. The write is the first request of a connection
    /// of its own, so that it is sent once: a look may be repeated where a camera closed an idle connection.
    async fn write(
        &self,
        login: &Login<'_>,
        doing: &str,
        draw: impl FnOnce(Paper<'_>) -> Result<Option<Request>, Unfit> + Send + 'static,
    ) -> Result<(), Trouble> {
        let mut inside = self.enter(login, doing).await?;
        if !inside.is_private() && self.readable == Readable::Refused {
            return Err(inside.unsupported(
                "what is as good as a password would cross the network where others may read it; reach the camera by \
                 https:// and accept its certificate's pin first",
            ));
        }
        let random = random::bytes().map_err(|error| inside.unsupported(error))?;
        let (config, realms) = (inside.configuration().await?, inside.realms());
        // Hashes are slow to reckon, on purpose.
        let drawn = tokio::task::spawn_blocking(move || {
            draw(Paper { config: &config, realms: &realms, random })
        });
        let drawn =
            drawn.await.map_err(|_| inside.unsupported("its accounts were not understood"))?;
        let request = drawn.map_err(|why| inside.unsupported(why))?;
        inside.leave().await;
        if let Some(request) = request {
            let mut inside = self.enter(login, doing).await?;
            inside.remote(&request).await?;
            inside.leave().await;
        }
        Ok(())
    }

    /// Whether a fresh look still shows the second administrator with that password. Something was written before, so
    /// nothing that goes wrong here is a rejection.
    async fn still_stands(&self, login: &Login<'_>, second: &Secret) -> Result<bool, Trouble> {
        let mut inside = match self.enter(login, "looking for the second administrator of").await {
            // The removal was sent.
            Err(Trouble::NotSent) => return Err(self.not_looked("it could not be entered").into()),
            entered => entered?,
        };
        let config = inside.configuration().await.map_err(|trouble| match trouble {
            Trouble::Fault(Fault::Rejected(why)) => Fault::Nonsense(why).into(),
            other => other,
        })?;
        let realms = inside.realms();
        inside.leave().await;
        let (name, password) = (self.second.clone(), second.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let paper = Paper { config: &config, realms: &realms, random: [0; 16] };
            account::lower(paper, Account { name: &name, password: &password })
        });
        let looked = looked.await.map_err(|error| self.not_looked(error))?;
        Ok(looked.map_err(|why| self.not_looked(why))?.is_some())
    }

    fn not_looked(&self, why: impl std::fmt::Display) -> Fault {
        let address = &self.place.target.address;
        Fault::Nonsense(format!(
            "looking whether the second administrator of {address} is gone: {why}"
        ))
    }
}

#[async_trait]
impl Device for Password {
    async fn raise(&mut self, auth: &Secret, second: &Secret) -> Result<(), Trouble> {
        let (main, other) = (self.account.clone(), self.second.clone());
        let (known, fresh) = (auth.clone(), second.clone());
        self.write(&Login::Main(auth), "adding a second administrator to", move |paper| {
            let auth = Account { name: &main, password: &known };
            let second = Account { name: &other, password: &fresh };
            account::raise(paper, auth, second).map(Some)
        })
        .await
    }

    async fn install(&mut self, auth: &Login<'_>, new: &Secret) -> Result<(), Trouble> {
        let Account { name, password } = self.known(auth);
        let (name, password, new) = (name.to_owned(), password.clone(), new.clone());
        let own = self.account.clone();
        self.write(auth, "changing a password of", move |paper| {
            let auth = Account { name: &name, password: &password };
            account::install(paper, auth, &own, &new).map(Some)
        })
        .await
    }

    async fn probe(&mut self, with: &Login<'_>) -> Result<(), Trouble> {
        let mut inside = self.enter(with, "logging in to").await?;
        inside.knock().await?;
        inside.leave().await;
        Ok(())
    }

    async fn lower(&mut self, auth: &Login<'_>, second: &Secret) -> Result<(), Trouble> {
        let (name, password) = (self.second.clone(), second.clone());
        self.write(auth, "removing the second administrator of", move |paper| {
            account::lower(paper, Account { name: &name, password: &password })
        })
        .await?;
        let mut pause = self.place.reboots.patience.first;
        for _ in 0..LOOKS {
            if !self.still_stands(auth, second).await? {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
        }
        Err(Fault::Nonsense(format!(
            "removing the second administrator {:?} of {}: it answered as if all were well, and the account is still \
             there; nothing is saved",
            self.second, self.place.target.address
        ))
        .into())
    }

    async fn save(&mut self, auth: &Login<'_>) -> Result<(), Trouble> {
        let mut inside = self.enter(auth, "storing the configuration of").await?;
        inside.store().await?;
        inside.leave().await;
        Ok(())
    }

    async fn reboot(&mut self, auth: &Login<'_>) -> Result<(), Trouble> {
        let Account { name, password } = self.known(auth);
        let log = self.place.collect(name, password).await?;
        self.place.reboot(name, password, log, None).await
    }

    fn logs_in(&self, effect: &Effect<SecretId>) -> LogsIn {
        match effect {
            Effect::Mint(_) | Effect::Escrow(_) => LogsIn::No,
            Effect::Raise { .. }
            | Effect::Install { .. }
            | Effect::Probe(_)
            | Effect::Lower { .. }
            | Effect::Save { .. }
            | Effect::Reboot { .. } => LogsIn::Yes,
        }
    }
}
