//! Reads an address as a person writes it. A password in it is refused: command lines and histories are read by others.

use std::net::Ipv6Addr;
use std::str::FromStr;

use super::Address;

/// Why an address was refused. The text itself is not repeated, since it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// It names a user.
    #[error(
        "an address holds no user or password; give the user with --user and the password in a file"
    )]
    User,
    /// It has a path, a query or a fragment.
    #[error(
        "an address is https://HOST or http://HOST, with :PORT if need be, and nothing behind it"
    )]
    Path,
    /// Another scheme.
    #[error("an address begins with https:// or http://, or with the host, which means https://")]
    Scheme,
    /// No host, or characters that no host has.
    #[error("the host is a name, an IPv4 address, or an IPv6 address in brackets")]
    Host,
    /// No port number.
    #[error("the port is a number from 1 to 65535")]
    Port,
}

impl FromStr for Address {
    type Err = BadAddress;

    /// Reads `https://HOST[:PORT]`, `http://HOST[:PORT]` or `HOST[:PORT]`, which means HTTPS. An IPv6 address stands in
    /// brackets where a port follows.
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let (tls, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some(_) => return Err(BadAddress::Scheme),
            None => (true, text),
        };
        if rest.contains('@') {
            return Err(BadAddress::User);
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '\\']) {
            return Err(BadAddress::Path);
        }
        let (host, port) = split(rest)?;
        let port = match port {
            Some(port) => number(port)?,
            None if tls => 443,
            None => 80,
        };
        Ok(Self { tls, host: host.to_ascii_lowercase(), port })
    }
}

/// Host without brackets, and what stands behind the colon.
fn split(text: &str) -> Result<(&str, Option<&str>), BadAddress> {
    if text.parse::<Ipv6Addr>().is_ok() {
        return Ok((text, None));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (host, behind) = rest.split_once(']').ok_or(BadAddress::Host)?;
        host.parse::<Ipv6Addr>().map_err(|_| BadAddress::Host)?;
        return match (behind, behind.strip_prefix(':')) {
            ("", _) => Ok((host, None)),
            (_, Some(port)) => Ok((host, Some(port))),
            _ => Err(BadAddress::Host),
        };
    }
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let starts_well = host.starts_with(|c: char| c.is_ascii_alphanumeric());
    let good = starts_well && host.len() <= 253 && host.chars().all(plain);
    if good { Ok((host, port)) } else { Err(BadAddress::Host) }
}

fn number(text: &str) -> Result<u16, BadAddress> {
    let digits = text.chars().all(|c| c.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0).ok_or(BadAddress::Port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, BadAddress> {
        text.parse::<Address>().map(|address| address.to_string())
    }

    #[test]
    fn a_bare_host_means_https() {
        assert_eq!(read("cam.example"), Ok("https://cam.example:443".to_owned()));
        assert_eq!(read("10.1.2.3:8443"), Ok("https://10.1.2.3:8443".to_owned()));
        assert_eq!(read("http://Cam/"), Ok("http://cam:80".to_owned()));
        assert_eq!(read("HTTPS://cam:444"), Ok("https://cam:444".to_owned()));
    }

    #[test]
    fn an_ipv6_address_stands_in_brackets_before_a_port() {
        assert_eq!(read("http://[fe80::1]:8080"), Ok("http://[fe80::1]:8080".to_owned()));
        assert_eq!(read("[::1]"), Ok("https://[::1]:443".to_owned()));
        assert_eq!(read("::1"), Ok("https://[::1]:443".to_owned()));
        assert_eq!(read("[::1]x"), Err(BadAddress::Host));
        assert_eq!(read("[cam]"), Err(BadAddress::Host));
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        let refused = read("https://admin:s3cret@cam").unwrap_err();
        assert_eq!(refused, BadAddress::User);
        assert!(refused.to_string().contains("--user") && !refused.to_string().contains("s3cret"));
        assert_eq!(read("admin:s3cret@cam"), Err(BadAddress::User));
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for (text, why) in [
            ("https://cam/admin", BadAddress::Path),
            ("cam?x=1", BadAddress::Path),
            ("ftp://cam", BadAddress::Scheme),
            ("", BadAddress::Host),
            ("http://", BadAddress::Host),
            ("-x", BadAddress::Host),
            ("a b", BadAddress::Host),
            ("cam:", BadAddress::Port),
            ("cam:0", BadAddress::Port),
            ("cam:+80", BadAddress::Port),
            ("cam:99999", BadAddress::Port),
        ] {
            assert_eq!(read(text), Err(why), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_reads_back_the_same(text in "(https?://)?[a-z0-9.:@/\\[\\]-]{0,40}") {
            if let Ok(address) = text.parse::<Address>() {
                assert_eq!(address.to_string().parse(), Ok(address));
            }
        }
    }
}
