//! Step 1 of the door: what a request asks for, in one form, or a refusal where it could be read in two ways.

use super::{Host, path};
use std::fmt;

/// Longest path and query together, in bytes.
pub(super) const MAX_PATH: usize = 64 << 10;

/// How a request travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// Plain.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// As it stands in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that is meant when none is given.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    pub(super) fn parse(raw: &str) -> Result<Self, Refusal> {
        if raw.eq_ignore_ascii_case("https") {
            Ok(Self::Https)
        } else if raw.eq_ignore_ascii_case("http") {
            Ok(Self::Http)
        } else {
            Err(Refusal::Scheme(raw.to_owned()))
        }
    }
}

/// What a request asks for, in its one normal form. Rules are matched against this, and this is what is sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// How it travels.
    pub scheme: Scheme,
    /// To whom.
    pub host: Host,
    /// To which port, never 0.
    pub port: u16,
    /// The path, decoded once. Starts with `/`, holds no dot segment, empty segment (but a last one), backslash or `;`.
    pub path: String,
    /// The query as it was given, without `?`; what is not ASCII is percent-encoded.
    pub query: Option<String>,
}

impl Target {
    /// Path and query as they are to be sent: the path encoded afresh from its decoded form, so that what was judged and
    /// what is sent cannot differ.
    pub fn path_and_query(&self) -> String {
        let mut text = path::encode(&self.path);
        if let Some(query) = &self.query {
            text.push('?');
            text.push_str(query);
        }
        text
    }

    /// Host, and the port where it is not the scheme's own: the `Host` header's value.
    pub fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// The URL, encoded afresh.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}{}",
            self.scheme.as_str(),
            self.authority(),
            self.path_and_query()
        )
    }
}

/// Why a request cannot be judged, whatever is granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A scheme other than http and https.
    #[error("the scheme `{0}` is refused: write `https` or `http`")]
    Scheme(String),
    /// `user:password@` before the host. Its text is not repeated, since it may be a secret.
    #[error("user information before the host is refused: declare a credential in the manifest")]
    UserInfo,
    /// No host, or one with two readings.
    #[error("the host `{host}` is refused: {why}")]
    Host {
        /// As it was given.
        host: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A port that is none.
    #[error("the port `{0}` is refused: write a number from 1 to 65535, without leading zeros")]
    Port(String),
    /// A path with two readings.
    #[error("the path is refused: {why} (at byte {at})")]
    Path {
        /// What is wrong with it.
        why: &'static str,
        /// Where, in bytes from its start.
        at: usize,
    },
    /// A query with characters that no query has.
    #[error("the query is refused: {0}")]
    Query(&'static str),
}

/// Makes a [`Target`] of what a guest gave: `https`, `api.example.com:8443`, `/v1/things?page=2`.
///
/// Follows the URL standard for hosts (<https://url.spec.whatwg.org/#host-parsing>), and is stricter: what a server, a
/// proxy and this function could read differently is refused, not repaired.
///
/// # Errors
/// [`Refusal`] with the reason.
pub fn normalise(scheme: &str, authority: &str, path_and_query: &str) -> Result<Target, Refusal> {
    let scheme = Scheme::parse(scheme)?;
    let (host, port) = parse_authority(authority)?;
    if path_and_query.len() > MAX_PATH {
        return Err(Refusal::Path {
            why: "path and query are longer than 64 KiB",
            at: MAX_PATH,
        });
    }
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(normalise_query(query)?)),
        None => (path_and_query, None),
    };
    Ok(Target {
        scheme,
        host,
        port: port.unwrap_or(scheme.default_port()),
        path: path::decode(path)?,
        query,
    })
}

/// Host and, where it is given, port.
pub(super) fn parse_authority(raw: &str) -> Result<(Host, Option<u16>), Refusal> {
    if raw.contains('@') {
        return Err(Refusal::UserInfo);
    }
    let cut = match raw.rfind(']') {
        Some(bracket) => raw[bracket..].find(':').map(|colon| bracket + colon),
        None => raw.find(':'),
    };
    let Some(cut) = cut else {
        return Ok((Host::parse(raw)?, None));
    };
    let (host, port) = (&raw[..cut], &raw[cut + 1..]);
    if port.contains(':') {
        return Err(Refusal::Host {
            host: raw.to_owned(),
            why: "an IPv6 address has to stand in brackets",
        });
    }
    Ok((Host::parse(host)?, Some(parse_port(port)?)))
}

fn parse_port(raw: &str) -> Result<u16, Refusal> {
    let digits = !raw.is_empty() && raw.len() <= 5 && raw.bytes().all(|b| b.is_ascii_digit()) && !raw.starts_with('0');
    raw.parse()
        .ok()
        .filter(|_| digits)
        .ok_or_else(|| Refusal::Port(crate::text::cut(raw, 20).into_owned()))
}

fn normalise_query(raw: &str) -> Result<String, Refusal> {
    if raw.contains('#') {
        return Err(Refusal::Query("a fragment is not part of a request"));
    }
    if raw.chars().any(|c| c.is_control() || c == ' ') {
        return Err(Refusal::Query(
            "spaces and control characters have to be percent-encoded",
        ));
    }
    Ok(percent_encoding::utf8_percent_encode(raw, percent_encoding::CONTROLS).to_string())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(scheme: &str, authority: &str, path: &str, expect: &str) {
        assert_eq!(normalise(scheme, authority, path).unwrap().to_string(), expect);
    }

    #[test]
    fn one_form_for_one_target() {
        check("HTTPS", "Example.COM.:443", "", "https://example.com/");
        check("http", "example.com:80", "/a?b=c", "http://example.com/a?b=c");
        check("http", "example.com:8080", "/", "http://example.com:8080/");
        check("https", "0x7f.1", "/%61", "https://127.0.0.1/a");
        check("https", "[::1]:8443", "/a b", "https://[::1]:8443/a%20b");
        check("https", "a", "/?", "https://a/?");
        check(
            "https",
            "a",
            "/q?x=/../%2e%2e/&y=ü",
            "https://a/q?x=/../%2e%2e/&y=%C3%BC",
        );
    }

    #[test]
    fn decodes_a_path_once() {
        let target = normalise("https", "a", "/caf%C3%A9/%7Euser/100%25/x%3Fy%23z").unwrap();
        assert_eq!(target.path, "/café/~user/100%/x?y#z");
        assert_eq!(target.path_and_query(), "/caf%C3%A9/~user/100%25/x%3Fy%23z");
    }

    #[test]
    fn attacks_on_the_authority_are_refused() {
        for authority in [
            "a@b",
            "user:pw@example.com",
            "@example.com",
            "a:b@c:80",
            "example.com@",
            "",
            ":80",
            "a:",
            "a:0",
            "a:00080",
            "a:65536",
            "a:-1",
            "a:+80",
            "a:８０",
            "a:80:80",
            "a:80/",
            "::1",
            "::1:80",
            "[::1]x",
            "[::1]:",
            "[::1",
            "a:80@b",
            "a b",
            "a\r\nHost: b",
            "a\\@b",
            "a#b",
            "a?b",
            "a/b",
            "[fe80::1%25en0]:80",
            "\u{202e}a",
        ] {
            let target = normalise("https", authority, "/");
            assert!(target.is_err(), "{authority:?} became {target:?}");
        }
        for scheme in ["", "ftp", "file", "https:", "http ", "HTTPS\n", "gopher", "ws"] {
            assert!(
                matches!(normalise(scheme, "a", "/"), Err(Refusal::Scheme(_))),
                "{scheme:?}"
            );
        }
    }

    #[test]
    fn a_password_is_not_repeated() {
        let refusal = normalise("https", "user:hunter2@example.com", "/").unwrap_err();
        assert!(!refusal.to_string().contains("hunter2"));
    }

    #[test]
    fn attacks_on_the_query_are_refused() {
        for path in ["/?a#b", "/?a b", "/?a\r\nX: y", "/?a\0", "/?\u{85}"] {
            assert!(
                matches!(normalise("https", "a", path), Err(Refusal::Query(_))),
                "{path:?}"
            );
        }
        assert!(matches!(
            normalise("https", "a", &"/a".repeat(40_000)),
            Err(Refusal::Path { .. })
        ));
    }

    proptest! {
                #[test]
        fn its_own_output_is_a_fixed_point(
            authority in "([a-zA-Z0-9.-]{1,12}|[0-9xa-f.]{1,12}|\\[[0-9a-f:.]{2,20}\\]|\\PC{1,8})(:[0-9]{1,5})?",
            path in "(/([a-zA-Z0-9.%;~é \\\\-]|%[0-9a-fA-F]{2}){0,8}){0,4}(\\?\\PC{0,8})?",
        ) {
            if let Ok(target) = normalise("https", &authority, &path) {
                let again = normalise("https", &target.authority(), &target.path_and_query());
                prop_assert_eq!(again.as_ref(), Ok(&target), "{}", target);
            }
        }

        #[test]
        fn no_path_climbs(path in "/([.]|%2[eE]|%25|2e|/|%2[fF]|%5[cC]|\\\\|a|;|%00|%3[bB]){0,10}") {
            if let Ok(target) = normalise("https", "a", &path) {
                let again = percent_encoding::percent_decode_str(&target.path).decode_utf8().unwrap().into_owned();
                for text in [&target.path, &again] {
                    prop_assert!(text.split(['/', '\\']).all(|segment| segment != ".." && segment != "."), "{:?}", text);
                    prop_assert!(!text.contains("//") && !text.contains(['\\', '\0', ';']), "{:?}", text);
                }
            }
        }

        #[test]
        fn nothing_panics(scheme in "\\PC{0,5}", authority in "\\PC{0,20}", path in "\\PC{0,20}") {
            let _ = normalise(&scheme, &authority, &path);
            let _ = normalise("http", &authority, &path);
        }

        /// What is allowed here is what the URL standard's own parser reads too.
        #[test]
        fn agrees_with_the_url_standard(authority in "[a-zA-Z0-9.x-]{1,14}", path in "/[a-z0-9/._~-]{0,12}") {
            if let Ok(target) = normalise("https", &authority, &path) {
                let url = url::Url::parse(&format!("https://{authority}{path}")).unwrap();
                prop_assert_eq!(url.host_str().unwrap().trim_end_matches('.'), target.host.to_string());
                prop_assert_eq!(url.path(), target.path);
            }
        }
    }
}
