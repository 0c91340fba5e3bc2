//! Addresses as people write them: `https://10.1.2.3`, `http://camera.example:8080`, `https://[fd00::7]`.

use std::net::Ipv6Addr;

use proto::text::printable;

use crate::device::Address;

/// The text is no address of a device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{shown} is no device address: {why}; write it like https://10.1.2.3 or http://camera.example:8080"
)]
pub struct BadAddress {
    shown: String,
    why: &'static str,
}

/// Reads scheme, host and port; the port is 443 or 80 where none is written.
///
/// # Errors
/// No `http://` or `https://`, a login, path or query in it, an impossible host or port. A login is not repeated in
/// the message.
pub fn parse_address(text: &str) -> Result<Address, BadAddress> {
    let shown = if text.contains('@') {
        "the address".to_owned()
    } else {
        format!("{:?}", printable(text, 80))
    };
    let bad = |why| BadAddress { shown: shown.clone(), why };
    let (scheme, rest) =
        text.split_once("://").ok_or_else(|| bad("it does not begin with http:// or https://"))?;
    let tls = match scheme.to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => false,
        _ => return Err(bad("it does not begin with http:// or https://")),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains('@') {
        return Err(bad("it holds a login, which belongs into user and password_file"));
    }
    if rest.contains(['/', '?', '#', '\\']) {
        return Err(bad("something follows the host and port"));
    }
    let (host, port) = match rest.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or_else(|| bad("a bracket is missing"))?;
            host.parse::<Ipv6Addr>()
                .map_err(|_| bad("what stands in brackets is no IPv6 address"))?;
            let port =
                if rest.is_empty() { None } else { Some(rest.strip_prefix(':').unwrap_or("?")) };
            (host, port)
        }
        None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
    };
    if !host.contains(':') && !is_host(host) {
        return Err(bad("the host is no name or address"));
    }
    let port = match port {
        None => {
            if tls {
                443
            } else {
                80
            }
        }
        Some(digits) => {
            let digits = digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits);
            let port = digits.and_then(|digits| digits.parse().ok()).filter(|port| *port != 0);
            port.ok_or_else(|| bad("the port is not 1 to 65535"))?
        }
    };
    Ok(Address { tls, host: host.to_owned(), port })
}

fn is_host(host: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let ends = |c: char| c.is_ascii_alphanumeric();
    // Four numbers that are no address would be looked up as a name.
    let numeric = host.chars().all(|c| c.is_ascii_digit() || c == '.');
    (1..=253).contains(&host.len())
        && host.chars().all(plain)
        && host.starts_with(ends)
        && host.ends_with(ends)
        && (!numeric || host.parse::<std::net::Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_read_and_ports_are_filled_in() {
        for (text, shown) in [
            ("https://10.1.2.3", "https://10.1.2.3:443"),
            ("HTTP://10.1.2.3/", "http://10.1.2.3:80"),
            ("http://cam-1.example:8080", "http://cam-1.example:8080"),
            ("https://[fd00::7]", "https://[fd00::7]:443"),
            ("https://[fd00::7]:4433", "https://[fd00::7]:4433"),
        ] {
            assert_eq!(parse_address(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "10.1.2.3",
            "ftp://10.1.2.3",
            "https://",
            "https://10.1.2",
            "https://10.1.2.300",
            "https://10.1.2.3:0",
            "https://10.1.2.3:65536",
            "https://10.1.2.3:+80",
            "https://10.1.2.3:",
            "https://10.1.2.3/admin",
            "https://10.1.2.3?x",
            "https://[fd00::7",
            "https://[10.1.2.3]",
            "https://[fd00::7]8",
            "https://fd00::7",
            "https://a b",
            "https://-a",
            "https://\u{e9}",
        ] {
            assert!(parse_address(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_login_in_an_address_is_refused_and_not_repeated() {
        let error = parse_address("https://admin:s3cret@10.1.2.3").unwrap_err().to_string();
        assert!(error.contains("password_file") && !error.contains("s3cret"), "{error}");
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_so_that_it_reads_back(text in "(https?://)?[a-z0-9.:\\[\\]/@-]{0,20}") {
            if let Ok(address) = parse_address(&text) {
                prop_assert_eq!(parse_address(&address.to_string()), Ok(address));
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(?s).{0,60}") {
            let _ = parse_address(&text);
        }
    }
}
