//! What a person carries to a new box or to a colleague: one line that holds where the controller is, whom to trust and
//! a one-time secret. It is a secret as a whole.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proto::{Organisation, Secret};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::random::{self, NoRandomness, digest, hex};
use crate::trust::RootPin;

/// Longest ticket, in characters.
pub const MAX_TICKET: usize = 4096;
/// Most addresses in a ticket.
const MAX_ADDRESSES: usize = 8;
const HEAD: &str = "palisade1";

/// What a ticket makes of whoever brings it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketKind {
    /// A site's agent.
    Agent,
    /// An operator's client.
    Operator,
}

impl TicketKind {
    fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for TicketKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

/// A ticket, taken apart.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// What it is for.
    pub kind: TicketKind,
    /// Whose controller it leads to.
    pub organisation: Organisation,
    /// Where the controller is: `host:port`, the preferred first. 1 to 8.
    pub addresses: Vec<String>,
    /// The root that the controller must lead to.
    pub pin: RootPin,
    /// The one-time secret.
    pub secret: Secret,
}

/// The text is no ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTicket {
    /// It does not begin like one, or is far too long.
    #[error("this is no ticket; one begins with {HEAD}.agent. or {HEAD}.operator. and is one line")]
    NotOne,
    /// It begins like one and does not end like one.
    #[error("the ticket is damaged or cut off; copy the whole line")]
    Damaged,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    organisation: Organisation,
    addresses: Vec<String>,
    pin: String,
    secret: String,
}

impl Drop for Body {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

/// A fresh one-time secret: 160 random bits in hex.
///
/// # Errors
/// [`NoRandomness`].
pub fn fresh_secret() -> Result<Secret, NoRandomness> {
    let bytes = Zeroizing::new(random::bytes::<20>()?);
    Ok(Secret::new(hex(&*bytes)))
}

/// What is kept of a one-time secret: enough to recognise it, not to use it. The secret has 160 random bits, so a plain
/// hash cannot be guessed backwards.
pub fn secret_hash(secret: &Secret) -> [u8; 32] {
    let mut bytes = Zeroizing::new(b"palisade one-time secret 1\0".to_vec());
    bytes.extend_from_slice(secret.expose().as_bytes());
    digest(&bytes)
}

impl Ticket {
    /// The ticket as one line without its end.
    pub fn to_text(&self) -> Secret {
        let body = Body {
            organisation: self.organisation.clone(),
            addresses: self.addresses.clone(),
            pin: self.pin.to_string(),
            secret: self.secret.expose().to_owned(),
        };
        let json = Zeroizing::new(serde_json::to_vec(&body).unwrap_or_default());
        let check = hex(&digest(&json)[..4]);
        let encoded = Zeroizing::new(URL_SAFE_NO_PAD.encode(&*json));
        Secret::new(format!("{HEAD}.{}.{}.{check}", self.kind, *encoded))
    }

    /// Reads a ticket; white space around it is passed over.
    ///
    /// # Errors
    /// [`BadTicket`]; it never repeats any part of the text.
    pub fn parse(text: &str) -> Result<Self, BadTicket> {
        let text = text.trim();
        if text.len() > MAX_TICKET {
            return Err(BadTicket::NotOne);
        }
        let mut parts = text.split('.');
        if parts.next() != Some(HEAD) {
            return Err(BadTicket::NotOne);
        }
        let kind = match parts.next() {
            Some("agent") => TicketKind::Agent,
            Some("operator") => TicketKind::Operator,
            _ => return Err(BadTicket::NotOne),
        };
        let (Some(encoded), Some(check), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(BadTicket::Damaged);
        };
        let json = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| BadTicket::Damaged)?;
        let json = Zeroizing::new(json);
        if hex(&digest(&json)[..4]) != check {
            return Err(BadTicket::Damaged);
        }
        let body: Body = serde_json::from_slice(&json).map_err(|_| BadTicket::Damaged)?;
        let plain = |address: &String| {
            !address.is_empty()
                && address.len() <= 260
                && address.chars().all(|c| c.is_ascii_graphic())
        };
        let count = (1..=MAX_ADDRESSES).contains(&body.addresses.len());
        if !count || !body.addresses.iter().all(plain) || body.secret.is_empty() {
            return Err(BadTicket::Damaged);
        }
        Ok(Self {
            kind,
            organisation: body.organisation.clone(),
            addresses: body.addresses.clone(),
            pin: body.pin.parse().map_err(|_| BadTicket::Damaged)?,
            secret: Secret::new(body.secret.clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket() -> Ticket {
        Ticket {
            kind: TicketKind::Agent,
            organisation: "acme".parse().unwrap(),
            addresses: vec!["127.0.0.1:7443".to_owned(), "controller.example:7443".to_owned()],
            pin: RootPin([7; 32]),
            secret: fresh_secret().unwrap(),
        }
    }

    #[test]
    fn a_ticket_reads_back() {
        let ticket = ticket();
        let text = ticket.to_text();
        let again = Ticket::parse(&format!("  {}\n", text.expose())).unwrap();
        assert_eq!(again.kind, TicketKind::Agent);
        assert_eq!(again.addresses, ticket.addresses);
        assert_eq!(again.pin, ticket.pin);
        assert_eq!(again.secret.expose(), ticket.secret.expose());
        assert!(!text.expose().contains('\n') && text.expose().len() < 500);
    }

    #[test]
    fn a_cut_or_altered_ticket_is_told_apart_from_none() {
        let text = ticket().to_text();
        let text = text.expose();
        assert_eq!(Ticket::parse("hello").unwrap_err(), BadTicket::NotOne);
        assert_eq!(Ticket::parse("").unwrap_err(), BadTicket::NotOne);
        for cut in 20..text.len() {
            assert_eq!(Ticket::parse(&text[..cut]).unwrap_err(), BadTicket::Damaged, "{cut}");
        }
        let altered = text.replacen("agent.ey", "agent.eZ", 1);
        assert_eq!(Ticket::parse(&altered).unwrap_err(), BadTicket::Damaged);
    }

    #[test]
    fn secrets_differ_and_so_do_their_hashes() {
        let (one, two) = (fresh_secret().unwrap(), fresh_secret().unwrap());
        assert_ne!(one.expose(), two.expose());
        assert_ne!(secret_hash(&one), secret_hash(&two));
        assert_eq!(secret_hash(&one), secret_hash(&one.clone()));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "(palisade1\\.)?(agent\\.)?.{0,80}") {
            let _ = Ticket::parse(&text);
        }
    }
}
