//! Hosts as the URL standard reads them, refused where a reader could be misled.

use super::Refusal;
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// A host in its one normal form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A name in lower-case ASCII (IDNA A-labels), without trailing dot.
    Name(String),
    /// An IPv4 address, however it was written.
    V4(Ipv4Addr),
    /// An IPv6 address. One that holds an IPv4 address stays what it is; [`super::AddressPolicy`] looks inside.
    V6(Ipv6Addr),
}

/// As it stands in a URL: an IPv6 address in brackets.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(ip) => ip.fmt(f),
            Self::V6(ip) => write!(f, "[{ip}]"),
        }
    }
}

impl Host {
    /// The address, where it is one.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::V4(ip) => Some((*ip).into()),
            Self::V6(ip) => Some((*ip).into()),
        }
    }

    /// Reads the host part of an authority: a name, an IPv4 address in any of the URL standard's forms
    /// (`127.1`, `0x7f.1`, `2130706433`), or an IPv6 address in brackets.
    ///
    /// # Errors
    /// [`Refusal`] for anything that the standard refuses, and for what it would silently rewrite into another name:
    /// percent escapes, and letters that only look like ASCII.
    pub fn parse(raw: &str) -> Result<Self, Refusal> {
        let refuse = |what: &str, why: &'static str| {
            Err(Refusal::Host {
                host: what.to_owned(),
                why,
            })
        };
        if raw.is_empty() {
            return refuse(raw, "it is empty");
        }
        if let Some(inner) = raw.strip_prefix('[') {
            let Some(inner) = inner.strip_suffix(']') else {
                return refuse(raw, "its bracket is not closed");
            };
            if inner.contains('%') {
                return refuse(
                    raw,
                    "zone identifiers name an interface of the host's and are not taken",
                );
            }
            return match inner.parse() {
                Ok(ip) => Ok(Self::V6(ip)),
                Err(_) => refuse(raw, "what is in brackets is no IPv6 address"),
            };
        }
        let odd = |c: char| c.is_control() || c.is_whitespace() || "%\\/?#@:[]<>^|`{}\"'".contains(c);
        if let Some(c) = raw.chars().find(|c| odd(*c)) {
            return refuse(
                raw,
                match c {
                    '%' => "percent escapes do not belong in a host",
                    '\\' => "a backslash does not belong in a host",
                    ':' if is_port_behind(raw) => "a port is no part of a host",
                    ':' => "an IPv6 address has to stand in brackets",
                    '/' => "what is behind a `/` is no part of a host",
                    _ => "it holds a character that no host has",
                },
            );
        }
        match url::Host::parse(raw) {
            Ok(url::Host::Domain(name)) => Self::name(raw, &name),
            Ok(url::Host::Ipv4(_)) if !raw.is_ascii() => refuse(raw, LOOKALIKE),
            Ok(url::Host::Ipv4(ip)) => Ok(Self::V4(ip)),
            Ok(url::Host::Ipv6(ip)) => Ok(Self::V6(ip)),
            Err(url::ParseError::InvalidIpv4Address) => refuse(raw, "it ends in a number and is no IPv4 address"),
            Err(_) => refuse(raw, "it is no host name"),
        }
    }

    fn name(raw: &str, ascii: &str) -> Result<Self, Refusal> {
        let refuse = |why: &'static str| {
            Err(Refusal::Host {
                host: raw.to_owned(),
                why,
            })
        };
        let name = ascii.strip_suffix('.').unwrap_or(ascii);
        if name.is_empty() || name.split('.').any(str::is_empty) {
            return refuse("one of its labels is empty");
        }
        // The URL standard lets more characters through; no resolver serves them, and `*` would read as a wildcard.
        if name
            .bytes()
            .any(|b| !(b.is_ascii_alphanumeric() || b"-_.".contains(&b)))
        {
            return refuse("it holds a character that no host has");
        }
        if name.len() > 253 || name.split('.').any(|label| label.len() > 63) {
            return refuse("it is longer than names may be (63 bytes a label, 253 in all)");
        }
        // `ｅxample.com` is a way of writing `example.com` that no honest client uses.
        let disguised = |label: &str| !label.is_ascii() && is_ascii_after_mapping(label);
        if raw.split('.').any(disguised) {
            return refuse(LOOKALIKE);
        }
        Ok(Self::Name(name.to_owned()))
    }
}

/// Whether a host and a port were given, and no IPv6 address.
fn is_port_behind(raw: &str) -> bool {
    raw.split_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

const LOOKALIKE: &str = "it is written with letters that only look like ASCII";

fn is_ascii_after_mapping(label: &str) -> bool {
    idna::domain_to_ascii(label).is_ok_and(|ascii| !ascii.split('.').any(|part| part.starts_with("xn--")))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, expect: &str) {
        assert_eq!(Host::parse(raw).unwrap().to_string(), expect, "{raw}");
    }

    #[track_caller]
    fn refuses(raw: &str) {
        let host = Host::parse(raw);
        assert!(host.is_err(), "{raw:?} became {host:?}");
    }

    #[test]
    fn names_have_one_form() {
        check("EXAMPLE.com", "example.com");
        check("example.com.", "example.com");
        check("BÜCHER.example", "xn--bcher-kva.example");
        check("faß.de", "xn--fa-hia.de");
        check("xn--bcher-kva.example", "xn--bcher-kva.example");
        check("my_service", "my_service");
        check("例え。jp", "xn--r8jz45g.jp");
        check("localhost", "localhost");
        check("0x7f.example", "0x7f.example");
    }

    #[test]
    fn homographs_are_names_of_their_own() {
        // The first letter is Cyrillic.
        check("еxample.com", "xn--xample-2of.com");
        check("аpple.com", "xn--pple-43d.com");
    }

    #[test]
    fn all_forms_of_an_address_are_that_address() {
        for raw in [
            "127.0.0.1",
            "127.1",
            "0x7f.1",
            "0X7F000001",
            "2130706433",
            "0177.0.0.1",
            "017700000001",
            "127.0.1",
        ] {
            check(raw, "127.0.0.1");
        }
        // Three numbers are an address by the standard: the last one fills two bytes.
        check("1.2.3", "1.2.0.3");
        check("127.0.0.1.", "127.0.0.1");
        check("0", "0.0.0.0");
        check("[::1]", "[::1]");
        check("[::FFFF:127.0.0.1]", "[::ffff:127.0.0.1]");
        check("[2001:DB8:0:0:0:0:0:1]", "[2001:db8::1]");
    }

    #[test]
    fn says_what_is_no_part_of_a_host() {
        let why = |raw: &str| Host::parse(raw).unwrap_err().to_string();
        for with_port in ["api.github.com:443", "127.0.0.1:17801", "a:"] {
            assert!(why(with_port).contains("a port is no part"), "{}", why(with_port));
        }
        for address in ["::1", "fe80::1:2", "a:b"] {
            assert!(why(address).contains("in brackets"), "{}", why(address));
        }
        assert!(why("10.0.0.0/8").contains("behind a `/`"), "{}", why("10.0.0.0/8"));
    }

    #[test]
    fn what_has_two_readings_is_refused() {
        for raw in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "example.com..",
            "a b",
            "a\tb",
            "a\0b",
            "a%2eb",
            "%31%32%37.1",
            "a\\b",
            "a/b",
            "a?b",
            "a#b",
            "a@b",
            "::1",
            "[::1",
            "::1]",
            "[fe80::1%eth0]",
            "[fe80::1%25eth0]",
            "[::ffff:127.1]",
            "[1.2.3.4]",
            "[]",
            "1.2.3.4.5",
            "256.256.256.256",
            "0x100000000",
            "09.1.1.1",
            "a.0x",
            "ｅxample.com",
            "１２７.0.0.1",
            "①②⑦.1",
            "exam\u{ad}ple.com",
            "exam\u{200b}ple.com",
            "ex＠mple",
            "a／b",
            "{x}",
            "a*b",
            "a&b",
            "*",
            "a=b",
            "a,b",
            "xn--",
            "xn--a",
        ] {
            refuses(raw);
        }
        refuses(&"a".repeat(64));
        refuses(&vec!["a".repeat(60); 5].join("."));
    }
}
