//! Logging in with Basic or Digest (RFC 7617, RFC 7616) without ever trying a refused password twice.
//!
//! A nonce is kept and counted, so that only the first request pays for a challenge. Who may be sent a password is
//! decided by the caller, before a session is made.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_auth::PasswordParams;
use http_auth::digest::DigestClient;
use proto::Secret;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::Reply;
use super::challenge::{Challenge, Challenges, next_nonce};
use crate::device::{BasicInClear, Login};

/// Nonces that may go stale in one visit; a device that calls each one stale would keep us for ever.
const MAX_RENEWALS: u32 = 8;

/// A login that a device has challenged.
pub struct Session {
    user: String,
    password: Secret,
    scheme: Scheme,
    renewals: u32,
    /// Whether the last answer was already to a renewed nonce.
    renewing: bool,
    admitted: bool,
}

enum Scheme {
    Basic,
    Digest(Box<Digest>),
}

struct Digest {
    challenge: Challenge,
    client: DigestClient,
    // One per nonce: RFC 2617 reckons the key of a session from the first one, RFC 7616 from each; this fits both.
    cnonce: String,
}

/// What a request with a login led to.
#[derive(Debug)]
pub enum Answer {
    /// Whatever the device answered to somebody it knows; any status but 401.
    Admitted(Reply),
    /// It does not take this login. It must not be tried again.
    Refused(Reply),
    /// The nonce was stale and is renewed: ask again.
    Renewed,
}

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSession {
    /// Only Basic is offered, over a connection that somebody else may read, and that was not allowed.
    Readable,
    /// No scheme is offered that we know.
    Unknown,
}

impl Session {
    /// Prepares to answer the strongest of the challenges. `private`: see [`Browser::is_private`](super::Browser).
    ///
    /// # Errors
    /// See [`NoSession`]. Nothing was sent.
    pub fn begin(login: &Login, challenges: &Challenges, private: bool) -> Result<Self, NoSession> {
        let scheme = if let Some((challenge, client)) = challenges.digest() {
            Scheme::Digest(Box::new(Digest::new(challenge, client)))
        } else if challenges.basic() {
            if !private && login.basic_in_clear == BasicInClear::Never {
                return Err(NoSession::Readable);
            }
            Scheme::Basic
        } else {
            return Err(NoSession::Unknown);
        };
        Ok(Self::with(login, scheme))
    }

    /// Basic, whatever was offered: to see whether it is refused.
    ///
    /// # Errors
    /// [`NoSession::Readable`] over a connection that somebody else may read, unless that was allowed.
    pub fn basic_unasked(login: &Login, private: bool) -> Result<Self, NoSession> {
        if !private && login.basic_in_clear == BasicInClear::Never {
            return Err(NoSession::Readable);
        }
        Ok(Self::with(login, Scheme::Basic))
    }

    fn with(login: &Login, scheme: Scheme) -> Self {
        let (user, password) = (login.user.clone(), login.password.clone());
        Self { user, password, scheme, renewals: 0, renewing: false, admitted: false }
    }

    /// Whether the device ever took this login.
    pub fn was_admitted(&self) -> bool {
        self.admitted
    }

    /// `basic`, or `digest` with its algorithm.
    pub fn scheme(&self) -> String {
        match &self.scheme {
            Scheme::Basic => "basic".to_owned(),
            Scheme::Digest(digest) => {
                let name = digest.challenge.param("algorithm").unwrap_or("MD5");
                format!("digest ({})", proto::text::printable(name, 20))
            }
        }
    }

    pub(super) fn authorize(&mut self, method: &str, path: &str) -> Result<HeaderValue, String> {
        let text = match &mut self.scheme {
            Scheme::Basic => {
                let pair = Zeroizing::new(format!("{}:{}", self.user, self.password.expose()));
                Zeroizing::new(format!(
                    "Basic {}",
                    *Zeroizing::new(STANDARD.encode(pair.as_bytes()))
                ))
            }
            Scheme::Digest(digest) => {
                let params = PasswordParams {
                    username: &self.user,
                    password: self.password.expose(),
                    uri: path,
                    method,
                    body: None,
                };
                let answer = digest.client.respond_with_testing_cnonce(&params, &digest.cnonce);
                Zeroizing::new(
                    answer.map_err(|_| "its digest challenge cannot be answered".to_owned())?,
                )
            }
        };
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| format!("the login does not fit into the header {AUTHORIZATION}"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// What the device's answer means, and what to do with its nonces.
    pub(super) fn learn(&mut self, reply: Reply) -> Answer {
        if reply.status != 401 {
            self.renewing = false;
            self.admitted = true;
            let next = reply.header(HeaderName::from_static("authentication-info"));
            if let (Scheme::Digest(digest), Some(nonce)) =
                (&mut self.scheme, next.and_then(next_nonce))
            {
                digest.renew(&nonce);
            }
            return Answer::Admitted(reply);
        }
        let fresh = reply.challenges().digest().filter(|(_, client)| client.stale());
        match (&mut self.scheme, fresh) {
            (Scheme::Digest(digest), Some((challenge, client)))
                if !self.renewing && self.renewals < MAX_RENEWALS =>
            {
                **digest = Digest::new(challenge, client);
                self.renewing = true;
                self.renewals += 1;
                Answer::Renewed
            }
            _ => Answer::Refused(reply),
        }
    }
}

impl Digest {
    fn new(challenge: Challenge, client: DigestClient) -> Self {
        Self { challenge, client, cnonce: client_nonce() }
    }

    fn renew(&mut self, nonce: &str) {
        let challenge = self.challenge.clone().with_nonce(nonce);
        if let Some(client) = challenge.digest() {
            *self = Self::new(challenge, client);
        }
    }
}

fn client_nonce() -> String {
    let mut bytes = [0; 16];
    let random = rustls::crypto::aws_lc_rs::default_provider().secure_random;
    random.fill(&mut bytes).expect("aws-lc-rs always has random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;

    use super::*;

    /// The response to a challenge, for user `kim` with password `s3cret` and the client nonce `cafe`.
    fn responses(challenge: &str) -> Vec<String> {
        let mut headers = HeaderMap::new();
        headers.append("www-authenticate", challenge.parse().unwrap());
        let login = Login {
            user: "kim".to_owned(),
            password: Secret::new("s3cret"),
            basic_in_clear: BasicInClear::Never,
        };
        let mut session = Session::begin(&login, &Challenges::read(&headers), false).unwrap();
        let Scheme::Digest(digest) = &mut session.scheme else { panic!("not digest") };
        "cafe".clone_into(&mut digest.cnonce);
        let mut respond = || {
            let header = session.authorize("POST", "/admin/remoteconfig").unwrap();
            let text = header.to_str().unwrap().to_owned();
            assert!(header.is_sensitive() && !text.contains("s3cret"));
            let response = text.split("response=\"").nth(1).unwrap();
            response.split('"').next().unwrap().to_owned()
        };
        vec![respond(), respond()]
    }

    /// Reckoned with Python's hashlib from the formulas of RFC 7616, section 3.4, and RFC 2069.
    const GOLDEN: [(&str, &str, &str); 5] = [
        (
            "algorithm=MD5, qop=\"auth\"",
            "4e305f96fc044f085ff37ca89bcd7fc5",
            "51a276aa71ce5c49308e95497c8c2bd7",
        ),
        (
            "algorithm=MD5-sess, qop=\"auth\"",
            "ef7837c1c3ce8d2607c143114e5edce5",
            "2f55f36d1ef17a2b5472b9fb9e894bf7",
        ),
        (
            "algorithm=SHA-256, qop=\"auth\"",
            "aa95c909607bd66100adea45ec94dd50bc8f07b28faddb85b78c2746c0376461",
            "14b30c25cfd1c15465f5631b885b63c0b6740e8bffe7dd249cea54811970d264",
        ),
        (
            "algorithm=SHA-256-sess, qop=\"auth\"",
            "5b1dfb67e0e37873968bdc35e53721e6c74260abd21838de8bf850c63b32ab6a",
            "147378b6f5b37dc29995d71d10f071d1f8292408cc9fc261811334b924f1bef6",
        ),
        ("opaque=\"x\"", "4bdbe76c717bb4a80feb70fe9c1cc51c", "4bdbe76c717bb4a80feb70fe9c1cc51c"),
    ];

    #[test]
    fn responses_are_what_another_program_reckons() {
        for (rest, first, second) in GOLDEN {
            let challenge = format!("Digest realm=\"MOBOTIX Camera User\", nonce=\"abc\", {rest}");
            assert_eq!(responses(&challenge), [first, second], "{rest}");
        }
    }
}
