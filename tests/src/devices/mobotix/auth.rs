//! Basic and Digest (RFC 7617, RFC 7616): what is offered, and whether an answer to it holds.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use proto::Secret;
use sha2::Sha256;
use tokio::time::Instant;

use super::access::User;

/// The realm of the Basic challenge, by which vulnerability scanners know these cameras. That Digest uses the same
/// is INVENTED.
pub const REALM: &str = "MOBOTIX Camera User";

/// A digest algorithm. Which of them real cameras use is unknown: INVENTED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// `MD5`.
    Md5,
    /// `MD5-sess`.
    Md5Sess,
    /// `SHA-256`, which needs [`DigestSettings::known_passwords`]: the camera's file holds no such hash.
    Sha256,
}

/// Whether several challenges share a header field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// One `WWW-Authenticate` each.
    Separate,
    /// One `WWW-Authenticate` for all, with commas.
    Joined,
}

/// Which challenge comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Basic before Digest.
    BasicFirst,
    /// Digest before Basic.
    DigestFirst,
}

/// Which schemes are offered: `httpd/AUTHTYPE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// `basic`.
    Basic,
    /// `digest`.
    Digest,
    /// `auto`, and everything else.
    Both,
}

/// How challenges look.
#[derive(Clone, Debug)]
pub struct DigestSettings {
    /// The algorithms offered, in order.
    pub algorithms: Vec<Algorithm>,
    /// Whether challenges share a header field.
    pub placement: Placement,
    /// Which comes first.
    pub order: Order,
    /// After how long a nonce is stale.
    pub nonce_lifetime: Duration,
    /// The realm of its Digest challenges.
    pub realm: &'static str,
    /// Passwords in clear by user, for [`Algorithm::Sha256`] only.
    pub known_passwords: Vec<(String, Secret)>,
}

impl Default for DigestSettings {
    fn default() -> Self {
        Self {
            algorithms: vec![Algorithm::Md5],
            placement: Placement::Separate,
            order: Order::DigestFirst,
            nonce_lifetime: Duration::from_secs(300),
            realm: REALM,
            known_passwords: Vec::new(),
        }
    }
}

/// What a request claims about who sent it.
#[derive(Clone, Debug)]
pub enum Claim {
    /// Nothing.
    Nothing,
    /// Name and password in Base64.
    Basic(String, Secret),
    /// An answer to a challenge.
    Digest(Box<DigestAnswer>),
    /// Something unreadable.
    Nonsense,
}

/// The parameters of an `Authorization: Digest` (RFC 7616 section 3.4).
#[derive(Clone, Debug, Default)]
pub struct DigestAnswer {
    fields: Vec<(String, String)>,
}

impl DigestAnswer {
    fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }
}

impl Claim {
    /// Reads the value of an `Authorization` field.
    pub fn read(field: Option<&str>) -> Self {
        let Some(field) = field else { return Self::Nothing };
        let (scheme, rest) = field.split_once(' ').unwrap_or((field, ""));
        match scheme.to_ascii_lowercase().as_str() {
            "basic" => {
                let bytes = STANDARD.decode(rest.trim()).unwrap_or_default();
                let text = String::from_utf8_lossy(&bytes);
                match text.split_once(':') {
                    Some((name, password)) => Self::Basic(name.to_owned(), Secret::new(password)),
                    None => Self::Nonsense,
                }
            }
            "digest" => Self::Digest(Box::new(DigestAnswer { fields: parameters(rest) })),
            _ => Self::Nonsense,
        }
    }

    /// The name claimed.
    pub fn user(&self) -> Option<&str> {
        match self {
            Self::Basic(name, _) => Some(name),
            Self::Digest(answer) => Some(answer.field("username")),
            Self::Nothing | Self::Nonsense => None,
        }
    }
}

/// What came of an answer to a digest challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Right,
    /// It does not.
    Wrong,
    /// It might hold, but the nonce is too old or its count was used before: the same client may try again.
    Stale,
}

/// The nonces that were handed out since the last reboot.
#[derive(Debug)]
pub struct Nonces {
    seed: RandomState,
    made: u64,
    /// Nonce, when it was made, the highest count seen with it; oldest first.
    known: VecDeque<(String, Instant, u32)>,
}

impl Default for Nonces {
    fn default() -> Self {
        Self { seed: RandomState::new(), made: 0, known: VecDeque::new() }
    }
}

impl Nonces {
    const MAX: usize = 256;

    fn fresh(&mut self) -> String {
        self.made += 1;
        let nonce = format!("{:016x}{:016x}", self.seed.hash_one(self.made), self.made);
        if self.known.len() >= Self::MAX {
            self.known.pop_front();
        }
        self.known.push_back((nonce.clone(), Instant::now(), 0));
        nonce
    }

    /// Whether the nonce is ours, young enough, and its count above those seen before (RFC 7616 section 3.4: a
    /// replay is told by the count).
    fn accept(&mut self, nonce: &str, count: u32, lifetime: Duration) -> bool {
        let Some((_, made, seen)) = self.known.iter_mut().find(|(known, ..)| known == nonce) else {
            return false;
        };
        let fits = made.elapsed() < lifetime && count > *seen;
        *seen = count.max(*seen);
        fits
    }
}

/// The `WWW-Authenticate` fields of a 401.
pub fn challenges(
    offer: Offer,
    settings: &DigestSettings,
    nonces: &mut Nonces,
    stale: bool,
) -> Vec<String> {
    let mut all = Vec::new();
    let basic = format!("Basic realm=\"{REALM}\"");
    if offer != Offer::Digest && settings.order == Order::BasicFirst {
        all.push(basic.clone());
    }
    if offer != Offer::Basic {
        let nonce = nonces.fresh();
        for algorithm in &settings.algorithms {
            let name = match algorithm {
                Algorithm::Md5 => "MD5",
                Algorithm::Md5Sess => "MD5-sess",
                Algorithm::Sha256 => "SHA-256",
            };
            let stale = if stale { ", stale=true" } else { "" };
            all.push(format!(
                "Digest realm=\"{}\", nonce=\"{nonce}\", algorithm={name}, qop=\"auth\"{stale}",
                settings.realm
            ));
        }
    }
    if offer != Offer::Digest && settings.order == Order::DigestFirst {
        all.push(basic);
    }
    match settings.placement {
        Placement::Separate => all,
        Placement::Joined => vec![all.join(", ")],
    }
}

/// Whether the password is the user's. Crypt is slow on purpose, so what held once is remembered, for all cameras of
/// this process together and as a digest only.
pub fn basic_holds(user: &User, password: &Secret) -> bool {
    static PROVEN: LazyLock<Mutex<VecDeque<[u8; 32]>>> = LazyLock::new(Mutex::default);
    let proof: [u8; 32] =
        Sha256::digest(format!("{}\0{}", user.hash, password.expose()).as_bytes()).into();
    let proven = || PROVEN.lock().unwrap_or_else(PoisonError::into_inner);
    if proven().contains(&proof) {
        return true;
    }
    let holds = pwhash::unix::verify(password.expose(), &user.hash);
    if holds {
        let mut proven = proven();
        proven.push_back(proof);
        if proven.len() > 64 {
            proven.pop_front();
        }
    }
    holds
}

/// Whether a digest answer holds for the user and the request.
pub fn digest_verdict(
    answer: &DigestAnswer,
    user: &User,
    request: (&str, &str),
    settings: &DigestSettings,
    nonces: &mut Nonces,
) -> Verdict {
    let (method, target) = request;
    let named = match answer.field("algorithm").to_ascii_uppercase().as_str() {
        "" | "MD5" => Algorithm::Md5,
        "MD5-SESS" => Algorithm::Md5Sess,
        "SHA-256" => Algorithm::Sha256,
        _ => return Verdict::Wrong,
    };
    let count = u32::from_str_radix(answer.field("nc"), 16).unwrap_or(0);
    let known = settings.algorithms.contains(&named);
    if !known || answer.field("realm") != settings.realm || answer.field("uri") != target {
        return Verdict::Wrong;
    }
    let hash = if named == Algorithm::Sha256 { hex::<Sha256> } else { hex::<Md5> };
    let (nonce, cnonce) = (answer.field("nonce"), answer.field("cnonce"));
    let mut ha1 = match named {
        Algorithm::Md5 | Algorithm::Md5Sess => user.ha1.clone(),
        Algorithm::Sha256 => {
            let known = settings.known_passwords.iter().find(|(name, _)| *name == user.name);
            let Some((name, password)) = known else { return Verdict::Wrong };
            hash(&format!("{name}:{}:{}", settings.realm, password.expose()))
        }
    };
    if named == Algorithm::Md5Sess {
        ha1 = hash(&format!("{ha1}:{nonce}:{cnonce}"));
    }
    let ha2 = hash(&format!("{method}:{target}"));
    let expected = hash(&format!("{ha1}:{nonce}:{}:{cnonce}:auth:{ha2}", answer.field("nc")));
    if answer.field("qop") != "auth" || expected != answer.field("response") {
        return Verdict::Wrong;
    }
    if nonces.accept(nonce, count, settings.nonce_lifetime) {
        Verdict::Right
    } else {
        Verdict::Stale
    }
}

/// What the fourth field of a `usr=` line is taken for. Over which realm real cameras take it is unknown: INVENTED.
pub fn ha1(user: &str, realm: &str, password: &str) -> String {
    hex::<Md5>(&format!("{user}:{realm}:{password}"))
}

fn hex<D: md5::Digest>(text: &str) -> String {
    D::digest(text.as_bytes()).iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Reads `key=value, key="quoted \" value"`.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut rest = text.trim();
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim_matches([' ', ',', '\t']).to_ascii_lowercase();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let (value, next) = after.split_once(',').unwrap_or((after, ""));
                (value.trim().to_owned(), next)
            }
        };
        fields.push((key, value));
        rest = next;
    }
    fields
}

fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(letters.next().map(|(_, next)| next)),
            _ => value.push(letter),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_authorization_makes_the_reader_panic(rest in "[ -~]{0,40}", odd: String) {
            for field in [format!("Digest {rest}"), format!("Basic {rest}"), odd] {
                let _ = Claim::read(Some(&field)).user().map(str::len);
            }
        }
    }

    #[test]
    fn quoted_parameters_may_hold_commas_and_quotes() {
        let read = parameters(r#"username="a\"b,c", nc=00000001,uri="/x?y=1",qop=auth"#);
        let expected =
            [("username", "a\"b,c"), ("nc", "00000001"), ("uri", "/x?y=1"), ("qop", "auth")];
        assert_eq!(read, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn all_three_crypt_forms_hold_and_placeholders_never_do() {
        let hashes = ["$1$Qx7mRt2B", "$6$Qx7mRt2B", "Zk"]
            .map(|salt| pwhash::unix::crypt("meinsm", salt).unwrap());
        let user = |hash: &str| User {
            name: "admin".into(),
            group: "admins".into(),
            hash: hash.into(),
            ha1: String::new(),
        };
        for hash in &hashes {
            assert!(basic_holds(&user(hash), &Secret::new("meinsm")), "{hash}");
            assert!(!basic_holds(&user(hash), &Secret::new("meinsn")), "{hash}");
        }
        for placeholder in ["*", "", "ABCDEFGHIJKLM"] {
            assert!(!basic_holds(&user(placeholder), &Secret::new("")), "{placeholder}");
        }
    }

    #[test]
    fn the_published_example_of_a_digest_reproduces() {
        // RFC 7616 section 3.9.1, MD5.
        let ha1 = hex::<Md5>("Mufasa:http-auth@example.org:Circle of Life");
        let ha2 = hex::<Md5>("GET:/dir/index.html");
        let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let response = hex::<Md5>(&format!("{ha1}:{nonce}:00000001:{cnonce}:auth:{ha2}"));
        assert_eq!(response, "8ca523f5e9506fed4657c9700eebdbec");
    }
}
