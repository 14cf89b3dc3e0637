//! Which headers of a conversation are kept.

use std::collections::BTreeMap;

/// Headers that are new with every answer, are about the connection, or speak to browsers: they would make a difference in
/// every recording, and say nothing to a plugin. A name that ends with `*` stands for all that begin so.
const NOISE: &[&str] = &[
    "accept-ranges",
    "access-control-*",
    "age",
    "alt-svc",
    "cache-control",
    "cf-*",
    "connection",
    "content-encoding",
    "content-length",
    "content-security-policy*",
    "cross-origin-*",
    "date",
    "etag",
    "expect-ct",
    "expires",
    "keep-alive",
    "nel",
    "origin-agent-cluster",
    "permissions-policy",
    "pragma",
    "referrer-policy",
    "report-to",
    "server",
    "server-timing",
    "strict-transport-security",
    "transfer-encoding",
    "vary",
    "via",
    "x-content-type-options",
    "x-correlation-id",
    "x-dns-prefetch-control",
    "x-download-options",
    "x-envoy-*",
    "x-frame-options",
    "x-permitted-cross-domain-policies",
    "x-powered-by",
    "x-request-id",
    "x-runtime",
    "x-xss-protection",
];

/// What a request says without telling one from another.
const USUAL: &[&str] = &["accept-encoding", "host", "user-agent"];

/// A name with one of these in it may carry a secret or a session.
const SECRETIVE: &[&str] = &[
    "auth",
    "api-key",
    "apikey",
    "cookie",
    "credential",
    "password",
    "secret",
    "session",
    "signature",
    "token",
];

/// Secretive names that only name: `www-authenticate` asks for a credential.
const HARMLESS: &[&str] = &["www-authenticate"];

fn is_noise(name: &str) -> bool {
    NOISE.iter().any(|noise| match noise.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *noise,
    })
}

/// Whether a header may be in a cassette, whatever it says.
pub(super) fn is_secretive(name: &str) -> bool {
    !HARMLESS.contains(&name) && SECRETIVE.iter().any(|part| name.contains(part))
}

/// Those that are kept, by their names in small letters; of a name that is there several times all values, as RFC 9110
/// joins them.
pub(super) fn kept(headers: &[(String, String)], of_request: bool) -> BTreeMap<String, String> {
    let mut kept: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        let usual = of_request && (USUAL.contains(&name.as_str()) || name == "accept" && value == "*/*");
        if usual || is_noise(&name) || is_secretive(&name) {
            continue;
        }
        let all = kept.entry(name).or_default();
        if !all.is_empty() {
            all.push_str(", ");
        }
        all.push_str(value);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_and_what_may_be_secret_are_left_out() {
        let headers = [
            ("Content-Type", "application/json"),
            ("Date", "today"),
            ("Set-Cookie", "sid=1"),
            ("X-Auth-Token", "t"),
            ("X-Vault-Token", "t"),
            ("Access-Control-Allow-Origin", "*"),
            ("WWW-Authenticate", "Bearer"),
            ("Link", "<a>; rel=next"),
            ("link", "<b>; rel=last"),
            ("X-Total", "7"),
            ("User-Agent", "x"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let names = |of_request| kept(&headers, of_request).into_keys().collect::<Vec<_>>();
        assert_eq!(
            names(false),
            ["content-type", "link", "user-agent", "www-authenticate", "x-total"]
        );
        assert_eq!(names(true), ["content-type", "link", "www-authenticate", "x-total"]);
        assert_eq!(kept(&headers, false)["link"], "<a>; rel=next, <b>; rel=last");
    }
}
