//! What an operator allows. Effective capability = asked for in the manifest and granted.

use crate::{
    Digest, Millis,
    manifest::{Capabilities, Manifest},
};
use serde::{Deserialize, Serialize};

/// What the operator allows one digest of a plugin to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The component.
    pub digest: Digest,
    /// What is allowed, in the manifest's own form. A request must match a rule here and one of the manifest.
    pub capabilities: Capabilities,
    /// Names of the manifest's credentials that may be attached.
    #[serde(default)]
    pub credentials: Vec<crate::CredentialName>,
    /// Private, loopback or link-local ranges that may be reached all the same.
    #[serde(default)]
    pub private_ranges: Vec<ipnet::IpNet>,
    /// Whether a credential may be attached to plain HTTP, and then to loopback only.
    #[serde(default)]
    pub plaintext_to_loopback: bool,
    /// When it ends; none: when it is revoked.
    #[serde(default)]
    pub expires_at: Option<Millis>,
}

impl Grant {
    /// A grant of all that `manifest` asks, without private ranges.
    pub fn as_asked(digest: Digest, manifest: &Manifest) -> Self {
        Self {
            digest,
            capabilities: manifest.capabilities.clone(),
            credentials: manifest.credentials.keys().cloned().collect(),
            private_ranges: Vec::new(),
            plaintext_to_loopback: false,
            expires_at: None,
        }
    }

    /// Whether it still holds at `now`. It ends with the millisecond that `expires_at` names.
    pub fn is_active(&self, now: Millis) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// A decision about a plugin's digest, kept for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Granted.
    Approved,
    /// Taken back or refused.
    Revoked,
}

/// Who decided what about a digest, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The component.
    pub digest: Digest,
    /// What was decided.
    pub verdict: Verdict,
    /// What was granted; none for a revocation.
    pub grant: Option<Grant>,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: Millis,
}
