//! What an operator allows. Effective capability = asked for in the manifest and granted.

use crate::{
    Digest, Millis,
    manifest::{Capabilities, FilesRule, Manifest},
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

    /// The directories that are asked for and granted (same `at`, same `from`), with the config's values put into `from`, the
    /// schema's defaults filled in. A rule that names a property which the config leaves out gives no directory.
    ///
    /// # Errors
    /// [`DirectoryError`] when a value makes no absolute path without `.` and `..`.
    pub fn directories(
        &self,
        manifest: &Manifest,
        config: &serde_json::Value,
    ) -> Result<Vec<Directory>, DirectoryError> {
        let config = crate::integration::with_defaults(&manifest.config, config);
        let mut directories = Vec::new();
        for rule in &manifest.capabilities.files {
            let same = |own: &FilesRule| own.at == rule.at && own.from == rule.from;
            if !self.capabilities.files.iter().any(same) {
                continue;
            }
            let fail = |found: String| DirectoryError {
                from: rule.from.clone(),
                found,
            };
            let Some(from) = fill(&rule.from, &config).map_err(fail)? else {
                continue;
            };
            let climbs = from.split('/').any(|segment| segment == ".." || segment == ".");
            if !from.starts_with('/') || climbs || from.chars().any(char::is_control) {
                return Err(fail(format!(
                    "`{}`",
                    crate::text::cut(&from.escape_debug().to_string(), 200)
                )));
            }
            directories.push(Directory {
                at: rule.at.clone(),
                from,
            });
        }
        Ok(directories)
    }

    /// Whether it still holds at `now`. It ends with the millisecond that `expires_at` names.
    pub fn is_active(&self, now: Millis) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// A directory that a plugin may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Where the plugin sees it.
    pub at: String,
    /// Its absolute path on the host.
    pub from: String,
}

/// A directory that cannot be given with this config.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{from}` of capabilities.files: expected an absolute path without `.` and `..`, found {found}; for example `/srv/checkout`"
)]
pub struct DirectoryError {
    /// The rule's `from`.
    pub from: String,
    /// What it became.
    pub found: String,
}

/// Puts the config's texts in; none when one is absent.
fn fill(text: &str, config: &serde_json::Value) -> Result<Option<String>, String> {
    let mut out = text.to_owned();
    for name in crate::egress::placeholders(text)? {
        match &config[name] {
            serde_json::Value::Null => return Ok(None),
            serde_json::Value::String(value) if value.contains(['{', '}']) => {
                return Err(format!("braces in `{{{name}}}`"));
            }
            serde_json::Value::String(value) => out = out.replace(&format!("{{{name}}}"), value),
            _ => return Err(format!("a value of `{{{name}}}` that is no text")),
        }
    }
    Ok(Some(out))
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::json;

    fn manifest() -> Manifest {
        let yaml = "name: files\nversion: 0.1.0\nroles: [ingestor]\nkinds: {f: {}}\nconfig:\n  type: object\n  properties:\n    \
                    dir: {type: string}\n    more: {type: string, default: /srv/more}\ncapabilities:\n  files:\n    \
                    - {at: /a, from: \"{dir}\"}\n    - {at: /b, from: \"{more}/x\"}\n";
        crate::manifest::parse("plugin.yaml", yaml).unwrap()
    }

    #[test]
    fn directories_are_asked_granted_and_absolute() {
        let manifest = manifest();
        let mut grant = Grant::as_asked(Digest::of(b""), &manifest);
        let show = |grant: &Grant, config| {
            let all = grant.directories(&manifest, &config)?;
            Ok(all
                .into_iter()
                .map(|d| format!("{}={}", d.at, d.from))
                .collect::<Vec<_>>()
                .join(" "))
        };
        let all = |text: &str| Ok::<_, DirectoryError>(text.to_owned());
        assert_eq!(show(&grant, json!({"dir": "/srv/a"})), all("/a=/srv/a /b=/srv/more/x"));
        assert_eq!(show(&grant, json!({})), all("/b=/srv/more/x"));
        for dir in [
            json!("a"),
            json!("/a/../etc"),
            json!(""),
            json!("/a\0b"),
            json!(5),
            json!(["/a"]),
        ] {
            show(&grant, json!({"dir": dir})).unwrap_err();
        }
        grant.capabilities.files[0].from = "/".to_owned();
        assert_eq!(
            show(&grant, json!({"dir": "/srv/a"})),
            all("/b=/srv/more/x"),
            "a grant cannot lead elsewhere"
        );
        grant.capabilities.files.clear();
        assert_eq!(show(&grant, json!({"dir": "/srv/a"})), all(""));
    }
}
