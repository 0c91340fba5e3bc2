//! One command's conversation with the controller: the operator's certificate is loaded, renewed if half its life is
//! over, and every question is asked from ordinary code. Ctrl-C ends any wait.

use std::future::Future;
use std::path::PathBuf;

use certs::identity::Identity;
use certs::key::Key;
use certs::mutual::{Lifetimes, Trusting, client_config};
use certs::name::server_name;
use certs::trust::TrustBundle;
use certs::{SharedClock, renewal, request};
use proto::wire::v1;
use proto::{Organisation, Timestamp};
use rustls::pki_types::CertificateDer;
use tokio::runtime::Runtime;

use super::console::Console;
use super::home::{Home, Operator};
use super::stop::{Stop, chain};
use crate::api::client::{Ask, CallError, Client, Dial, DialError, Replies};
use crate::config::Address;

/// Where and as whom the controller is asked.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Connection {
    /// Folder of your certificate (default: PALISADE_HOME, or palisade in your configuration folder)
    #[arg(long, value_name = "DIR", global = true)]
    pub home: Option<PathBuf>,
    /// Where the controller is, instead of where you logged in; may be repeated
    #[arg(long, value_name = "HOST:PORT", global = true)]
    pub controller: Vec<Address>,
}

/// A conversation.
#[derive(Debug)]
pub struct Session {
    runtime: Runtime,
    client: Client,
    /// Whose controller it is.
    pub organisation: Organisation,
    /// Where it was looked for.
    addresses: Vec<String>,
    home: Home,
}

/// A runtime for a command that waits for one thing at a time.
///
/// # Errors
/// A system that gives none.
pub fn runtime() -> Result<Runtime, Stop> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|error| Stop::Failed(format!("cannot start: {error}")))
}

/// Waits for something, or for Ctrl-C.
///
/// # Errors
/// [`Stop::Interrupted`].
pub fn wait<T>(runtime: &Runtime, what: impl Future<Output = T>) -> Result<T, Stop> {
    runtime.block_on(async {
        tokio::select! {
            it = what => Ok(it),
            _ = tokio::signal::ctrl_c() => Err(Stop::Interrupted),
        }
    })
}

/// How the controller is dialled.
///
/// # Errors
/// What the TLS library refuses.
pub fn dial(
    organisation: &Organisation,
    addresses: Vec<String>,
    trusting: &Trusting,
    identity: Option<&Identity>,
    clock: SharedClock,
) -> Result<Dial, Stop> {
    let tls = client_config(organisation, trusting, identity, Lifetimes::Judged(clock))
        .map_err(|error| Stop::failed(&error))?;
    Ok(Dial { addresses, name: server_name(organisation), tls })
}

impl Session {
    /// Connects as whoever is logged in here.
    ///
    /// # Errors
    /// Nobody, a certificate that is over, a controller that is not reached or refuses.
    pub fn open(connection: &Connection, console: &mut Console<'_>) -> Result<Self, Stop> {
        let home = Home::find(connection.home.as_deref(), console)?;
        let operator = home.load()?;
        let now = console.clock.now();
        let ends = operator.identity.not_after();
        if now >= ends {
            let name = &operator.name;
            return Err(Stop::Failed(format!(
                "your certificate ended at {ends}; ask an administrator to run palisade operator code {name}, then log in"
            )));
        }
        let addresses = match connection.controller.as_slice() {
            [] => operator.addresses.clone(),
            given => given.iter().map(ToString::to_string).collect(),
        };
        let runtime = runtime()?;
        let client = connect(&runtime, &operator, &addresses, console.clock.clone())?;
        let organisation = operator.organisation.clone();
        let mut session = Self { runtime, client, organisation, addresses, home };
        session.keep_up(operator, console)?;
        Ok(session)
    }

    /// Renews when half of the life is over, or when the controller trusts roots that we do not know yet: after a
    /// turnover, who does not know them cannot come back.
    fn keep_up(&mut self, operator: Operator, console: &mut Console<'_>) -> Result<(), Stop> {
        let is_behind = match self.ask(v1::WhoAmIRequest {}) {
            Ok(reply) => reply.trust_generation > operator.trust.generation,
            Err(Stop::Interrupted) => return Err(Stop::Interrupted),
            // Whatever is wrong is told by what was really asked.
            Err(_) => false,
        };
        if !is_behind && !is_due(&operator.identity, console.clock.now()) {
            return Ok(());
        }
        match self.renew(operator, console) {
            Err(Stop::Failed(why) | Stop::Usage(why)) => {
                // The old one still holds, and the next command tries again.
                console.note(&format!("your certificate was not renewed: {why}"));
                Ok(())
            }
            ended => ended,
        }
    }

    /// For a reply that tells of a turnover: learns the roots that it brought.
    ///
    /// # Errors
    /// [`Stop::Interrupted`].
    pub fn catch_up(&mut self, console: &mut Console<'_>) -> Result<(), Stop> {
        let operator = self.home.load()?;
        self.keep_up(operator, console)
    }

    /// A new certificate, proven by a connection before it takes the old one's place.
    fn renew(&mut self, operator: Operator, console: &Console<'_>) -> Result<(), Stop> {
        let key = Key::generate().map_err(|error| Stop::failed(&error))?;
        let certificate_request = request::make(&key).map_err(|error| Stop::failed(&error))?;
        let reply = self.ask(v1::RenewRequest { certificate_request })?;
        let (identity, trust) = taken(reply.chain, reply.trust, key)?;
        if trust.generation < operator.trust.generation {
            let text = "the controller sent older roots than those you trust";
            return Err(Stop::Failed(text.to_owned()));
        }
        let renewed = Operator::new(operator.addresses, identity, trust)
            .map_err(|why| Stop::Failed(why.to_owned()))?;
        if (&renewed.organisation, &renewed.name) != (&operator.organisation, &operator.name) {
            return Err(Stop::Failed("the new certificate is for somebody else".to_owned()));
        }
        let clock = console.clock.clone();
        self.client = connect(&self.runtime, &renewed, &self.addresses, clock)?;
        self.ask(v1::WhoAmIRequest {})?;
        self.home.save(&renewed)
    }

    /// Asks something that has one reply.
    ///
    /// # Errors
    /// What went wrong, classed.
    pub fn ask<A: Ask>(&mut self, request: A) -> Result<A::Reply, Stop> {
        wait(&self.runtime, request.send(&mut self.client))?.map_err(stop)
    }

    /// Begins a stream.
    ///
    /// # Errors
    /// As [`Session::ask`].
    pub fn begin<T>(
        &mut self,
        what: impl AsyncFnOnce(&mut Client) -> Result<Replies<T>, CallError>,
    ) -> Result<Replies<T>, Stop> {
        wait(&self.runtime, what(&mut self.client))?.map_err(stop)
    }

    /// The next of a stream; `None` at its end.
    ///
    /// # Errors
    /// As [`Session::ask`].
    pub fn next<T>(&mut self, replies: &mut Replies<T>) -> Result<Option<T>, Stop> {
        wait(&self.runtime, replies.next())?.map_err(stop)
    }

    /// Lets some time pass.
    ///
    /// # Errors
    /// [`Stop::Interrupted`].
    pub fn pause(&self, time: std::time::Duration) -> Result<(), Stop> {
        wait(&self.runtime, async { tokio::time::sleep(time).await })
    }
}

/// Whether half of the life is over. No jitter: people do not start their commands all at once.
fn is_due(identity: &Identity, now: Timestamp) -> bool {
    now >= renewal::renew_at(identity.not_before(), identity.not_after(), 0.0)
}

fn connect(
    runtime: &Runtime,
    operator: &Operator,
    addresses: &[String],
    clock: SharedClock,
) -> Result<Client, Stop> {
    let trusting = Trusting::Bundle(operator.trust.clone());
    let (organisation, identity) = (&operator.organisation, &operator.identity);
    let dial = dial(organisation, addresses.to_vec(), &trusting, Some(identity), clock)?;
    wait(runtime, Client::connect(dial))?.map_err(|error: DialError| Stop::failed(&error))
}

/// What a log-in or renewal brought, checked.
///
/// # Errors
/// A chain or roots that make no sense.
pub fn taken(
    chain: Vec<Vec<u8>>,
    trust: Option<v1::TrustBundle>,
    key: Key,
) -> Result<(Identity, TrustBundle), Stop> {
    let chain = chain.into_iter().map(CertificateDer::from).collect();
    let identity = Identity::new(chain, key).map_err(|error| Stop::failed(&error))?;
    let trust = trust.unwrap_or_default();
    let trust =
        TrustBundle::new(trust.generation, trust.roots).map_err(|error| Stop::failed(&error))?;
    Ok((identity, trust))
}

/// A call that failed, by the exit code it deserves.
pub fn stop(error: CallError) -> Stop {
    match &error {
        CallError::Wrong(_) => Stop::Usage(chain(&error)),
        CallError::Dial(_)
        | CallError::Unreachable(_)
        | CallError::NotNow(_)
        | CallError::Denied(_)
        | CallError::Failed(_) => Stop::Failed(chain(&error)),
    }
}
