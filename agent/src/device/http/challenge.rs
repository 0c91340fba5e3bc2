//! The challenges of a 401 (RFC 9110, section 11.6.1): several, in one header or in many, in any order.

use std::collections::BTreeSet;

use http_auth::digest::{Algorithm, Qop};
use http_auth::{ChallengeParser, DigestClient};
use http_auth::{ChallengeRef, ParamValue};
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// Headers that are read, and bytes of each.
const MAX_HEADERS: usize = 8;
const MAX_LENGTH: usize = 4096;

/// What a device demands before it lets anyone in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenges(Vec<Challenge>);

/// One challenge, its values without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Scheme in lower case.
    pub scheme: String,
    /// Names in lower case, and values.
    params: Vec<(String, String)>,
}

impl Challenges {
    /// Reads them from an answer's headers. What cannot be read is passed over.
    pub fn read(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(WWW_AUTHENTICATE).iter().take(MAX_HEADERS);
        let texts =
            lines.filter_map(|line| line.to_str().ok()).filter(|text| text.len() <= MAX_LENGTH);
        Self(texts.flat_map(parse).collect())
    }

    /// Their schemes in lower case.
    pub fn schemes(&self) -> BTreeSet<String> {
        self.0.iter().map(|challenge| challenge.scheme.clone()).collect()
    }

    /// Their realms.
    pub fn realms(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|challenge| challenge.param("realm"))
    }

    /// Whether Basic is offered.
    pub fn basic(&self) -> bool {
        self.0.iter().any(|challenge| challenge.scheme == "basic")
    }

    /// Whether the device says that only the nonce was wrong (RFC 7616, section 3.3).
    pub fn stale(&self) -> bool {
        self.digest().is_some_and(|(_, client)| client.stale())
    }

    /// The strongest Digest challenge that can be answered; of equals, the first.
    pub fn digest(&self) -> Option<(Challenge, DigestClient)> {
        let usable = self.0.iter().filter_map(|challenge| Some((challenge, challenge.digest()?)));
        let mut best: Option<(&Challenge, DigestClient)> = None;
        for (challenge, client) in usable {
            let rank = |client: &DigestClient| match client.algorithm() {
                Algorithm::Md5 => 1,
                Algorithm::Sha256 => 2,
                Algorithm::Sha512Trunc256 => 3,
                _ => 0,
            };
            if best.as_ref().is_none_or(|(_, strongest)| rank(&client) > rank(strongest)) {
                best = Some((challenge, client));
            }
        }
        best.map(|(challenge, client)| (challenge.clone(), client))
    }
}

impl Challenge {
    /// The value of a parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The same challenge with another nonce.
    pub fn with_nonce(mut self, nonce: &str) -> Self {
        for (name, value) in &mut self.params {
            if name == "nonce" {
                nonce.clone_into(value);
            }
        }
        self
    }

    /// What answers it, if it is a Digest challenge that can be answered.
    pub fn digest(&self) -> Option<DigestClient> {
        if self.scheme != "digest" {
            return None;
        }
        let escaped: Vec<(&str, String)> = self
            .params
            .iter()
            .map(|(name, value)| match name.as_str() {
                "algorithm" => (name.as_str(), canonical(value)),
                _ => (name.as_str(), value.replace('\\', "\\\\").replace('"', "\\\"")),
            })
            .collect();
        let mut challenge = ChallengeRef::new("Digest");
        for (name, value) in &escaped {
            challenge.params.push((name, ParamValue::try_from_escaped(value).ok()?));
        }
        let client = DigestClient::try_from(&challenge).ok()?;
        // Without `qop` there is no client nonce on the wire (RFC 2069), without which a session key cannot be
        // reckoned, and no algorithm, so that anything but MD5 would be misread.
        let old = client.rfc2069_compat();
        let fits = !old || (client.algorithm() == Algorithm::Md5 && !client.session());
        // The crate reckons `auth-int` over the body instead of its hash, so that only `auth` is answered.
        (fits && client.qop() & Qop::Auth).then_some(client)
    }
}

/// The registered spelling of an algorithm, since devices write `md5` as well.
fn canonical(algorithm: &str) -> String {
    let names = ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"];
    let known = names.into_iter().find(|name| name.eq_ignore_ascii_case(algorithm));
    known.unwrap_or(algorithm).to_owned()
}

/// The challenges in one header line, up to the first that cannot be read.
fn parse(text: &str) -> Vec<Challenge> {
    let read = ChallengeParser::new(text).map_while(Result::ok);
    read.map(|challenge| Challenge {
        scheme: challenge.scheme.to_ascii_lowercase(),
        params: challenge
            .params
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_unescaped()))
            .collect(),
    })
    .collect()
}

/// The `nextnonce` of an `Authentication-Info` header (RFC 7616, section 3.5).
pub fn next_nonce(header: &str) -> Option<String> {
    if header.len() > MAX_LENGTH {
        return None;
    }
    let challenges = parse(&format!("Digest {header}"));
    challenges.first()?.param("nextnonce").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenges(lines: &[&str]) -> Challenges {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(WWW_AUTHENTICATE, line.parse().unwrap());
        }
        Challenges::read(&headers)
    }

    #[test]
    fn several_challenges_are_read_from_one_line_or_many_in_any_order() {
        let (basic, digest) =
            (r#"Basic realm="MOBOTIX Camera User""#, r#"Digest realm="M", nonce="1", qop="auth""#);
        for lines in [
            vec![basic, digest],
            vec![digest, basic],
            vec![&*format!("{basic}, {digest}")],
            vec![&*format!("{digest}, {basic}")],
        ] {
            let read = challenges(&lines);
            assert_eq!(read.schemes().into_iter().collect::<Vec<_>>(), ["basic", "digest"]);
            assert_eq!(read.digest().unwrap().0.param("nonce"), Some("1"));
        }
    }

    #[test]
    fn the_strongest_digest_is_preferred_wherever_it_stands() {
        let md5 = r#"Digest realm="m", nonce="5", qop="auth", algorithm=md5"#;
        let sha = r#"Digest realm="m", nonce="2", qop="auth", algorithm="SHA-256-sess""#;
        let odd = r#"Digest realm="m", nonce="9", qop="auth", algorithm=NEW"#;
        for lines in [[md5, sha, odd], [odd, sha, md5]] {
            assert_eq!(challenges(&lines).digest().unwrap().0.param("nonce"), Some("2"));
        }
        assert_eq!(challenges(&[odd, md5]).digest().unwrap().1.algorithm(), Algorithm::Md5);
    }

    #[test]
    fn a_challenge_that_cannot_be_answered_right_is_not_answered() {
        assert!(
            challenges(&[r#"Digest realm="m", nonce="1", algorithm=MD5-sess"#]).digest().is_none()
        );
        assert!(
            challenges(&[r#"Digest realm="m", nonce="1", algorithm=SHA-256"#]).digest().is_none()
        );
        assert!(challenges(&[r#"Digest realm="m", nonce="1""#]).digest().is_some());
        assert!(challenges(&[r#"Digest realm="m""#]).digest().is_none());
        let integrity = r#"Digest realm="m", nonce="1", qop="auth-int""#;
        assert!(challenges(&[integrity]).digest().is_none());
    }

    #[test]
    fn quotes_in_values_survive() {
        let read = challenges(&[r#"Digest realm="a\"b\\c", nonce="1", qop="auth""#]);
        assert_eq!(read.digest().unwrap().1.realm(), r#"a"b\c"#);
    }

    #[test]
    fn the_next_nonce_is_read_and_takes_the_place_of_the_old_one() {
        let next = next_nonce(r#"qop=auth, nextnonce="two", nc=00000001"#).unwrap();
        let read = challenges(&[r#"Digest realm="m", nonce="one", qop="auth""#]);
        let renewed = read.digest().unwrap().0.with_nonce(&next);
        assert_eq!(renewed.digest().unwrap().nonce(), "two");
        assert_eq!(next_nonce("rspauth=\"x\""), None);
    }

    proptest::proptest! {
        #[test]
        fn no_header_makes_the_reader_panic(text in "[ -~]{0,200}") {
            let _ = parse(&text).iter().map(Challenge::digest).count();
            let _ = next_nonce(&text);
        }
    }
}
