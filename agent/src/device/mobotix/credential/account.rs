//! The accounts of section `access`, rewritten: from a configuration and a password that is known to the request that
//! makes another account or password of it. Pure.
//!
//! Refuses to write a form that it has not reproduced from the known password first, to touch a line that is not its
//! own, and to take away or overwrite an account that somebody else made. Every other line is sent back as it stands.

use std::collections::BTreeSet;

use proto::Secret;
use zeroize::Zeroizing;

use crate::device::mobotix::config::{ConfigError, Document};
use crate::device::mobotix::crypt::{Form, Unproven};
use crate::device::mobotix::edit::{self, Request, Unwritable};
use crate::device::mobotix::model::{Access, Configuration, SECTION, User};

/// Most users of a camera, as its help says.
const MOST_USERS: usize = 100;
/// Longest password of a camera, as its help says.
const LONGEST: usize = 99;

/// An account and its password.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its password.
    pub password: &'a Secret,
}

/// What is written on.
#[derive(Clone, Copy)]
pub struct Paper<'a> {
    /// The whole configuration as the camera shows it.
    pub config: &'a [u8],
    /// The realms that its challenges name.
    pub realms: &'a [String],
    /// Random bytes for a salt.
    pub random: [u8; 16],
}

/// Why nothing is written.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// What the camera shows is no configuration.
    #[error("what it shows is no configuration")]
    Config(#[source] ConfigError),
    /// There is not one section of accounts.
    #[error("it does not show one section {SECTION}")]
    NoSection,
    /// There is not one such account.
    #[error("section {SECTION} does not hold the account {0:?} once")]
    NoAccount(String),
    /// An account's line is not understood.
    #[error("the line of the account {0:?} has another form than known")]
    Form(String),
    /// An account's stored form is not understood.
    #[error("account {0:?}: {1}")]
    Unproven(String, Unproven),
    /// Somebody has such an account.
    #[error(
        "it has an account {0:?} already that we did not make; remove it in the camera's own page, or let the second \
         administrator have another name"
    )]
    Foreign(String),
    /// The name is none for an account.
    #[error("{0:?} is no name for a second administrator; it has 3 to 16 of A-Za-z0-9.-_")]
    Name(String),
    /// There is no room.
    #[error("it has {MOST_USERS} accounts already, which is all it takes")]
    Full,
    /// The password is none that a camera takes.
    #[error(
        "a camera takes passwords of up to {LONGEST} printable ASCII characters without blanks"
    )]
    Password,
    /// A line cannot be sent back.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
}

/// What becomes of the line with that number.
pub(super) enum Pen {
    Replace(usize, Zeroizing<String>),
    Behind(usize, Zeroizing<String>),
    Remove(usize),
}

/// The request that sets the password of `name`; `auth` logs in.
///
/// # Errors
/// [`Unfit`].
pub fn install(
    paper: Paper<'_>,
    auth: Account<'_>,
    name: &str,
    new: &Secret,
) -> Result<Request, Unfit> {
    check_password(new)?;
    let configuration = read(paper.config)?;
    let access = section(&configuration)?;
    let (_, form) = proven(&access, paper, auth)?;
    let own = only(&access, name)?;
    let line = line(&form, name, own.group, new, paper)?;
    written(&configuration, &Pen::Replace(own.line, line))
}

/// The request that makes the second administrator, in the group of `auth`, which logs in.
///
/// # Errors
/// [`Unfit`].
pub fn raise(paper: Paper<'_>, auth: Account<'_>, second: Account<'_>) -> Result<Request, Unfit> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let fits = (3..=16).contains(&second.name.len()) && second.name.chars().all(plain);
    if !fits || second.name == auth.name {
        return Err(Unfit::Name(second.name.to_owned()));
    }
    check_password(second.password)?;
    let configuration = read(paper.config)?;
    let access = section(&configuration)?;
    let (admin, form) = proven(&access, paper, auth)?;
    let line = line(&form, second.name, admin.group, second.password, paper)?;
    let pen = match access.users.iter().find(|user| user.name == second.name.as_bytes()) {
        // One that has our password is ours: the reply was lost, or the request late.
        Some(_) => match proven(&access, paper, second) {
            Ok((ours, _)) => Pen::Replace(ours.line, line),
            Err(_) => return Err(Unfit::Foreign(second.name.to_owned())),
        },
        None if access.users.len() >= MOST_USERS => return Err(Unfit::Full),
        None => {
            let last = access.users.iter().map(|user| user.line).max();
            Pen::Behind(last.unwrap_or(admin.line), line)
        }
    };
    written(&configuration, &pen)
}

/// The request that removes the second administrator; nothing if it is not there. An account of that name with another
/// password is somebody else's, and stays.
///
/// # Errors
/// [`Unfit`].
pub fn lower(paper: Paper<'_>, second: Account<'_>) -> Result<Option<Request>, Unfit> {
    let configuration = read(paper.config)?;
    let access = section(&configuration)?;
    match proven(&access, paper, second) {
        // Whose it is, the hash alone tells; nothing is written in the form of the other field.
        Ok(_) | Err(Unfit::Unproven(_, Unproven::Digest)) => {
            let ours = only(&access, second.name)?;
            written(&configuration, &Pen::Remove(ours.line)).map(Some)
        }
        Err(Unfit::NoAccount(_) | Unfit::Unproven(_, Unproven::Hash)) => Ok(None),
        Err(why) => Err(why),
    }
}

/// Printable, and short enough. How long the shortest is, is the business of whoever makes one: the one that a camera
/// left the factory with has six characters, and may have to be written back.
fn check_password(password: &Secret) -> Result<(), Unfit> {
    let text = password.expose();
    let fits = (1..=LONGEST).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic());
    if fits { Ok(()) } else { Err(Unfit::Password) }
}

fn read(config: &[u8]) -> Result<Configuration<'_>, Unfit> {
    Document::parse(config).map(Configuration::new).map_err(Unfit::Config)
}

fn section<'a>(configuration: &Configuration<'a>) -> Result<Access<'a>, Unfit> {
    match (configuration.document().named(SECTION).count(), configuration.access()) {
        (1, Some(access)) => Ok(access),
        _ => Err(Unfit::NoSection),
    }
}

/// The line of an account whose name stands there once.
fn only<'a>(access: &Access<'a>, name: &str) -> Result<User<'a>, Unfit> {
    let mut fit = access.users.iter().filter(|user| user.name == name.as_bytes());
    match (fit.next(), fit.next()) {
        (Some(user), None) => Ok(*user),
        _ => Err(Unfit::NoAccount(name.to_owned())),
    }
}

fn proven<'a>(
    access: &Access<'a>,
    paper: Paper<'_>,
    account: Account<'_>,
) -> Result<(User<'a>, Form), Unfit> {
    let user = only(access, account.name)?;
    let form = Form::prove(user.name, user.hash, user.digest, account.password, paper.realms);
    form.map(|form| (user, form)).map_err(|why| Unfit::Unproven(account.name.to_owned(), why))
}

/// A `usr=` line.
fn line(
    form: &Form,
    name: &str,
    group: &[u8],
    password: &Secret,
    paper: Paper<'_>,
) -> Result<Zeroizing<String>, Unfit> {
    let group = std::str::from_utf8(group).map_err(|_| Unfit::Form(name.to_owned()))?;
    let fields = form
        .write(name.as_bytes(), password, &paper.random)
        .map_err(|why| Unfit::Unproven(name.to_owned(), why))?;
    Ok(Zeroizing::new(format!("usr={name}:{group}:{}", *fields)))
}

/// The request that writes the section with one line of it changed.
fn written(configuration: &Configuration<'_>, pen: &Pen) -> Result<Request, Unfit> {
    let bytes = drawn(configuration.document(), pen);
    let after = Document::parse(&bytes).map_err(Unfit::Config)?;
    let sections = BTreeSet::from([SECTION.to_owned()]);
    edit::restore(&after, &sections)?.ok_or(Unfit::NoSection)
}

/// The configuration with one line of it changed.
pub(super) fn drawn(document: &Document<'_>, pen: &Pen) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::new());
    for (number, raw) in (1..).zip(document.raw_lines()) {
        let end = raw.get(document.line(number).map_or(0, <[u8]>::len)..).unwrap_or_default();
        let pieces: [&[u8]; 3] = match pen {
            Pen::Replace(at, line) if *at == number => [line.as_bytes(), end, b""],
            Pen::Behind(at, line) if *at == number => [raw, line.as_bytes(), end],
            Pen::Remove(at) if *at == number => continue,
            Pen::Replace(..) | Pen::Behind(..) | Pen::Remove(_) => [raw, b"", b""],
        };
        pieces.iter().for_each(|piece| bytes.extend_from_slice(piece));
    }
    bytes
}

#[cfg(test)]
mod tests;
