//! What can go wrong, by what the caller can do about it.

use seawall_domain::Digest;

/// A result of this crate.
pub type Result<T, E = RegistryError> = std::result::Result<T, E>;

/// Why a registry, or what it holds, was of no use.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// What was given is wrong: a reference, a key.
    #[error("{0}")]
    Usage(String),
    /// Nobody answers, or not in time.
    #[error("{registry} does not answer: {why}")]
    Unreachable {
        /// Host and port.
        registry: String,
        /// What went wrong.
        why: String,
    },
    /// The registry does not let us.
    #[error("{registry} does not let you {what}: {why}")]
    Unauthorized {
        /// Host and port.
        registry: String,
        /// `pull acme/unleash`.
        what: String,
        /// In its words.
        why: String,
    },
    /// There is nothing of that name.
    #[error("there is no `{0}`")]
    NotFound(String),
    /// It asks to be left alone.
    #[error("{registry} takes no more requests for now{}", after(.seconds))]
    TooMany {
        /// Host and port.
        registry: String,
        /// How long it wants to be left alone, where it says so.
        seconds: Option<u64>,
    },
    /// It answers something that is against the protocol.
    #[error("{registry} answered {what}; is it an OCI registry?")]
    Garbage {
        /// Host and port.
        registry: String,
        /// What.
        what: String,
    },
    /// It refuses, for another reason.
    #[error("{registry} answered {status}{}", words(.why))]
    Refused {
        /// Host and port.
        registry: String,
        /// The HTTP status.
        status: u16,
        /// In its words; may be empty.
        why: String,
    },
    /// What came is not what was asked for.
    #[error("{0}")]
    Tampered(String),
    /// A tag points somewhere else than it did.
    #[error(
        "the tag `{tag}` of {repository} was moved: it is {found} now, and {expected} was asked for. Find out who moved it and \
         why; `{repository}@{expected}` still names what you pinned"
    )]
    Moved {
        /// Registry and path.
        repository: String,
        /// Which.
        tag: String,
        /// Where it points now.
        found: Digest,
        /// What was pinned.
        expected: Digest,
    },
    /// A reference is pinned to a digest that the registry does not have.
    #[error(
        "{repository} has no `{expected}`, which was asked for: its tag `{tag}` is {found}. The digest is another artifact's or \
         misspelt, or what it named was removed"
    )]
    NoSuchDigest {
        /// Registry and path.
        repository: String,
        /// Which tag was asked for.
        tag: String,
        /// Where it points.
        found: Digest,
        /// What was pinned.
        expected: Digest,
    },
    /// No signature is by the key.
    #[error("{0}")]
    Unsigned(String),
    /// A file.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

fn after(seconds: &Option<u64>) -> String {
    seconds
        .map(|n| format!("; try again in {n} seconds"))
        .unwrap_or_default()
}

fn words(why: &str) -> String {
    if why.is_empty() {
        String::new()
    } else {
        format!(": {why}")
    }
}
