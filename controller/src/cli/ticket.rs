//! Tickets as they leave the program: into a file that only its owner reads, to standard output where somebody asked
//! for that by `-`, or onto a terminal in front of a person. Never into a pipe unasked, where they would end in a log.

use std::path::Path;

use certs::ticket::{Ticket, TicketKind};
use certs::trust::RootPin;
use proto::{Organisation, Secret};

use super::console::Console;
use super::files::{Place, Readers};
use super::stop::Stop;
use super::words::nonsense;

/// Where a ticket will go, found fit before it is asked for.
#[derive(Debug)]
pub enum Tray {
    /// A new file.
    File(Place),
    /// Standard output.
    Output,
}

impl Tray {
    /// The file that was named, standard output for `-`, or the terminal if there is one. `option` names what was left
    /// out.
    ///
    /// # Errors
    /// A file that exists or cannot be written; neither file nor terminal.
    pub fn check(file: Option<&Path>, option: &str, console: &Console<'_>) -> Result<Self, Stop> {
        match file {
            Some(path) if path == Path::new("-") => Ok(Self::Output),
            Some(path) => Place::new_file(path, Readers::OwnerOnly).map(Self::File),
            None if console.terminals.output => Ok(Self::Output),
            None => Err(Stop::Usage(format!(
                "there is no terminal to show a secret on: write it to a file with {option} FILE (or - for standard \
                 output)"
            ))),
        }
    }

    /// Hands the ticket out.
    ///
    /// # Errors
    /// Output that cannot be written to.
    pub fn put(self, ticket: &Ticket, console: &mut Console<'_>) -> Result<(), Stop> {
        let text = ticket.to_text();
        let line = zeroize::Zeroizing::new(format!("{}\n", text.expose()));
        match self {
            Self::File(place) => {
                place.write(line.as_bytes())?;
                console.note(&format!("the one-time secret is in {}", place.path().display()));
                Ok(())
            }
            Self::Output => console.result(&line),
        }
    }
}

/// Puts a ticket together from what the controller sent.
///
/// # Errors
/// A pin of the wrong length.
pub fn ticket(
    kind: TicketKind,
    organisation: &Organisation,
    (addresses, pin, secret): (Vec<String>, Vec<u8>, String),
) -> Result<Ticket, Stop> {
    let pin = pin.try_into().map_err(|_| nonsense("a root's pin of the wrong length"))?;
    let secret = Secret::new(secret);
    Ok(Ticket { kind, organisation: organisation.clone(), addresses, pin: RootPin(pin), secret })
}
