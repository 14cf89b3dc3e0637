//! Which headers are the host's alone. The runtime goes by these lists; names are lower case.

use crate::manifest::Attach;

/// Headers that say where a request goes, how its body is framed or who is connected to whom. The host writes them itself, so
/// the guest's own are dropped: a forged one could lead a request past the door or smuggle a second one.
pub const HOST_OWNED: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// Headers by which some servers let a client overrule the address, the host, the path or the method that was judged. A
/// request that holds one is refused.
pub const OVERRIDING: &[&str] = &[
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-prefix",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
];

/// Headers by which a guest could ask for the echo of a credential in a form that the host does not recognise: in pieces, or
/// compressed. Dropped from requests that a credential is attached to.
const RESHAPING: &[&str] = &["accept-encoding", "if-range", "range"];

/// Headers by which a guest could speak to a tool as somebody else than the credential that is attached and on record: a
/// session of its own. Dropped from requests that a credential is attached to.
const IMPERSONATING: &[&str] = &["cookie", "cookie2"];

/// Headers of a tool's answer that carry a session which the credential opened, and which would do in its place.
const SESSION: &[&str] = &["set-cookie", "set-cookie2"];

/// Whether a header of a tool's answer to a request with a credential is kept from the guest.
pub fn kept_from_guest(name: &str) -> bool {
    SESSION.iter().any(|session| session.eq_ignore_ascii_case(name))
}

/// Headers that a credential may not be attached in besides [`HOST_OWNED`] and [`OVERRIDING`]: they carry sessions or framing,
/// or every cache on the way keeps them.
const NO_CREDENTIAL: &[&str] = &[
    "cookie",
    "set-cookie",
    "content-type",
    "content-encoding",
    "accept-encoding",
    "range",
];

/// What the host does with a header of the guest's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestHeader {
    /// It is sent.
    Sent,
    /// It is left out, and the request is sent.
    Dropped,
    /// The request is refused.
    Refused,
}

/// Judges a header of the guest's own by its name; `attached` is what will be attached to the request.
pub fn guest_header(name: &str, attached: Option<&Attach>) -> GuestHeader {
    let name = name.to_ascii_lowercase();
    if OVERRIDING.contains(&name.as_str()) {
        GuestHeader::Refused
    } else if HOST_OWNED.contains(&name.as_str())
        || name.starts_with("proxy-")
        || attached.is_some() && (RESHAPING.contains(&name.as_str()) || IMPERSONATING.contains(&name.as_str()))
        || attached
            .and_then(attached_header)
            .is_some_and(|own| own.eq_ignore_ascii_case(&name))
    {
        GuestHeader::Dropped
    } else {
        GuestHeader::Sent
    }
}

/// The header that a credential sets.
pub fn attached_header(attach: &Attach) -> Option<&str> {
    match attach {
        Attach::Bearer | Attach::Basic => Some("authorization"),
        Attach::Header { name, .. } => Some(name),
        Attach::Query { .. } => None,
    }
}

/// Why a credential may not be attached in a header of this name: what was found.
pub(crate) fn no_credential_header(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        Some("which is no header name")
    } else if HOST_OWNED.contains(&lower.as_str()) || lower.starts_with("proxy-") {
        Some("which the host writes itself")
    } else if OVERRIDING.contains(&lower.as_str()) {
        Some("which overrules where a request goes")
    } else if NO_CREDENTIAL.contains(&lower.as_str()) {
        Some("which is not kept for credentials")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_cannot_write_what_the_host_writes() {
        let header = Attach::Header {
            name: "X-Api-Key".to_owned(),
            prefix: String::new(),
        };
        for (name, attached, expect) in [
            ("Host", None, GuestHeader::Dropped),
            ("Transfer-Encoding", None, GuestHeader::Dropped),
            ("PROXY-anything", None, GuestHeader::Dropped),
            ("Authorization", None, GuestHeader::Sent),
            ("Authorization", Some(&Attach::Bearer), GuestHeader::Dropped),
            ("x-api-key", Some(&header), GuestHeader::Dropped),
            ("x-api-key", None, GuestHeader::Sent),
            ("X-Original-URL", None, GuestHeader::Refused),
            ("X-HTTP-Method-Override", None, GuestHeader::Refused),
            ("Accept", Some(&Attach::Basic), GuestHeader::Sent),
            ("Range", None, GuestHeader::Sent),
            ("Range", Some(&Attach::Bearer), GuestHeader::Dropped),
            ("Accept-Encoding", Some(&Attach::Bearer), GuestHeader::Dropped),
            ("Cookie", None, GuestHeader::Sent),
            ("Cookie", Some(&Attach::Bearer), GuestHeader::Dropped),
        ] {
            assert_eq!(guest_header(name, attached), expect, "{name}");
        }
    }

    #[test]
    fn credentials_keep_away_from_framing() {
        for name in [
            "Host",
            "cookie",
            "Proxy-Authorization",
            "Connection",
            "content-length",
            "",
            "a b",
            "x\r\ny",
            "X-Forwarded-For",
        ] {
            assert!(no_credential_header(name).is_some(), "{name}");
        }
        for name in ["Authorization", "X-Vault-Token", "PRIVATE-TOKEN"] {
            assert_eq!(no_credential_header(name), None);
        }
    }
}
