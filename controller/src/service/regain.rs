//! A one-time code for an administrator, made on the controller's machine by whoever may write to its data folder: for
//! the day on which no administrator's certificate is good any more. It needs no certificate, because who can write to
//! that folder is master of everything in it; so it is no door that was not open, and it leaves a record.
//!
//! It may run beside a controller that serves: it writes one transaction to the same database, and touches no other
//! file. It settles no turnover and moves no folder.

use std::io;
use std::path::Path;

use certs::random::NoRandomness;
use certs::ticket::{Ticket, TicketKind, fresh_secret, secret_hash};
use certs::{Name, RootPin};
use proto::{OperatorName, Role, Secret, Timestamp};

use super::authority_folder;
use super::found::{self, OpenError};
use super::sites::later;
use super::turnover::{self, Phase, Stage};
use crate::store::operators::Operator;
use crate::store::{Deed, Store, StoreError};

/// Who is to get the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// An administrator who is in the books.
    Known,
    /// Somebody who is not, and becomes an administrator by it.
    New,
}

/// Why no code was made. Nothing was written then.
#[derive(Debug, thiserror::Error)]
pub enum RegainError {
    /// Nothing was founded there.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Nobody of that name.
    #[error("there is no operator {0}; --new makes a new administrator of that name")]
    NotThere(OperatorName),
    /// Somebody, but no administrator.
    #[error("{0} is {role} and no administrator; name one, or a new one with --new", role = .1.as_str())]
    NoAdministrator(OperatorName, Role),
    /// A new one of a name that is taken.
    #[error("there is an operator {0}; leave out --new, or choose another name")]
    Taken(OperatorName),
    /// A name under which a certificate lives whose holder was removed.
    #[error(
        "{0} was removed, and a certificate of that name ends only at {1}; choose another name or wait"
    )]
    Removed(OperatorName, Timestamp),
    /// The system gave no random bytes.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The work was stopped.
    #[error("the work was stopped")]
    Stopped(#[source] io::Error),
}

/// A code for an administrator, good for `life` seconds, in place of one that was not used. `addresses` are where the
/// controller is reached.
///
/// # Errors
/// [`RegainError`].
pub async fn regain(
    data: &Path,
    addresses: Vec<String>,
    (name, whom): (OperatorName, Whom),
    life: i64,
    now: Timestamp,
) -> Result<Ticket, RegainError> {
    let store = Store::open(&found::database(data)?).await?;
    let secret = fresh_secret()?;
    let code = (&secret, later(now, life));
    let written = write(&store, data, (&name, whom), code, now).await;
    store.close().await;
    let (organisation, pin) = written?;
    Ok(Ticket { kind: TicketKind::Operator, organisation, addresses, pin, secret })
}

async fn write(
    store: &Store,
    data: &Path,
    (name, whom): (&OperatorName, Whom),
    (secret, expires_at): (&Secret, Timestamp),
    now: Timestamp,
) -> Result<(proto::Organisation, RootPin), RegainError> {
    let not_founded = || OpenError::NotFounded(data.display().to_string());
    let organisation = store.organisation().await?.ok_or_else(not_founded)?;
    let pin = presented(store, data).await?;
    may_have(store.operator(name).await?, name, whom, now)?;
    // What is written comes first, so that the database's lock is waited for and nothing read before is outdated.
    let mut change = store.change().await?;
    if whom == Whom::New {
        change.add_operator(name, Role::Administrator, now).await?;
    }
    change.set_code(name, &secret_hash(secret), expires_at).await?;
    let what = match whom {
        Whom::Known => "a code for an administrator",
        Whom::New => "a new administrator with a code",
    };
    let deed = Deed {
        time: now,
        actor: Name::Controller(organisation.clone()).to_string(),
        deed: "administrator_recovered",
        subject: name.to_string(),
        detail: format!(
            "{what}, made locally on the controller's machine; good until {expires_at}"
        ),
    };
    change.commit(deed).await?;
    Ok((organisation, pin))
}

/// Whether this person may have one.
fn may_have(
    known: Option<Operator>,
    name: &OperatorName,
    whom: Whom,
    now: Timestamp,
) -> Result<(), RegainError> {
    let there = known.as_ref().filter(|operator| operator.removed_at.is_none());
    match (whom, there) {
        (Whom::Known, None) => Err(RegainError::NotThere(name.clone())),
        (Whom::Known, Some(Operator { role: Role::Administrator, .. })) => Ok(()),
        (Whom::Known, Some(other)) => Err(RegainError::NoAdministrator(name.clone(), other.role)),
        (Whom::New, Some(_)) => Err(RegainError::Taken(name.clone())),
        (Whom::New, None) => match known {
            Some(gone) if gone.certificate_ends > now => {
                Err(RegainError::Removed(name.clone(), gone.certificate_ends))
            }
            Some(_) | None => Ok(()),
        },
    }
}

/// The root that the controller's certificate leads to.
async fn presented(store: &Store, data: &Path) -> Result<RootPin, RegainError> {
    let nonsense = || StoreError::Nonsense("no stage of the authority".to_owned());
    let text = store.meta(turnover::STAGE).await?;
    let stage = text.as_deref().and_then(Stage::from_text).ok_or_else(nonsense)?;
    match stage.phase {
        Phase::Settled | Phase::Prepared => Ok(stage.root),
        Phase::Activated => {
            let coming = authority_folder::coming(data);
            let pin =
                tokio::task::spawn_blocking(move || authority_folder::root_pin(&coming)).await;
            Ok(pin.map_err(io::Error::other).map_err(RegainError::Stopped)?.ok_or_else(nonsense)?)
        }
    }
}
