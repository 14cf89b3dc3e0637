//! Typed identifiers. Each is a short string that was checked once, where it came in.

use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// Why a string is no identifier of its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is no {what}: expected {expected}, such as `{example}`")]
pub struct BadId {
    /// The type of identifier that was wanted.
    pub what: &'static str,
    /// What was given, cut to 100 characters.
    pub value: String,
    /// The rule it breaks.
    pub expected: &'static str,
    /// A value that would be accepted.
    pub example: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:path, $expected:literal, $example:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `value`.
            ///
            /// # Errors
            /// [`BadId`] with the rule and an example.
            pub fn new(value: impl AsRef<str>) -> Result<Self, BadId> {
                let value = value.as_ref();
                if $check(value) {
                    Ok(Self(value.into()))
                } else {
                    Err(BadId {
                        what: $what,
                        value: crate::text::cut(value, 100).into_owned(),
                        expected: $expected,
                        example: $example,
                    })
                }
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(value: String) -> Result<Self, BadId> {
                Self::new(value)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(value: &str) -> Result<Self, BadId> {
                Self::new(value)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0.to_string()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

/// Lower-case letters, digits and dashes, starting with a letter, 1 to 63 of them (a DNS label, RFC 1123).
fn is_slug(s: &str) -> bool {
    (1..=63).contains(&s.len())
        && s.as_bytes()[0].is_ascii_lowercase()
        && !s.ends_with('-')
        && s.bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// 1 to 1,000 bytes without control characters, no white space at either end.
fn is_name(s: &str) -> bool {
    (1..=1000).contains(&s.len()) && s.trim() == s && !s.chars().any(char::is_control)
}

fn is_digest(s: &str) -> bool {
    s.strip_prefix("sha256:")
        .is_some_and(|h| h.len() == 64 && h.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
}

id!(
    /// Names a blueprint.
    BlueprintId, "blueprint identifier", is_name, "1 to 1,000 bytes without control characters or outer spaces", "service");
id!(
    /// Names an entity within its blueprint.
    EntityId, "entity identifier", is_name, "1 to 1,000 bytes without control characters or outer spaces", "payments-api");
id!(
    /// Names a plugin.
    PluginName, "plugin name", is_slug, "lower-case letters, digits and dashes, starting with a letter, at most 63", "prometheus");
id!(
    /// Names an integration.
    IntegrationName, "integration name", is_slug, "lower-case letters, digits and dashes, starting with a letter, at most 63", "prometheus-main");
id!(
    /// Names a credential.
    CredentialName, "credential name", is_slug, "lower-case letters, digits and dashes, starting with a letter, at most 63", "unleash-token");
id!(
    /// Names a subscription.
    SubscriptionName, "subscription name", is_slug, "lower-case letters, digits and dashes, starting with a letter, at most 63", "deploy-bot");
id!(
    /// Names a kind of item, an operation or a rule in a manifest.
    KindName, "kind", is_name, "1 to 1,000 bytes without control characters or outer spaces", "pull-request");
id!(
    /// The SHA-256 of a component's bytes, as OCI writes digests.
    Digest, "digest", is_digest, "`sha256:` and 64 lower-case hexadecimal digits",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self::of_parts([bytes])
    }

    /// The digest of bytes that are in several places, one after another.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        use sha2::Digest as _;
        let mut hasher = sha2::Sha256::new();
        parts.into_iter().for_each(|part| hasher.update(part));
        Self(format!("sha256:{}", hex::encode(hasher.finalize())).into())
    }

    /// The first 12 hexadecimal digits, for people.
    pub fn short(&self) -> &str {
        &self.0[7..19]
    }
}
