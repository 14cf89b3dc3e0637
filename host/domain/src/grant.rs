//! What an operator allows. Effective capability = asked for in the manifest and granted.

use crate::{
    Digest, Millis,
    manifest::{Capabilities, FilesRule, GitRule, Manifest, NetworkRule},
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
    /// Whether a rule whose host is `*` holds: without this it leads nowhere, whatever the capabilities have.
    #[serde(default, skip_serializing_if = "is_false")]
    pub any_host: bool,
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
            any_host: false,
            expires_at: None,
        }
    }

    /// This grant for another version of the plugin, whose manifest is `asked`: what both this grant and that manifest have.
    #[must_use]
    pub fn carried_to(&self, digest: Digest, asked: &Manifest) -> Self {
        let mine = &self.capabilities.network;
        // Rule by rule of what is asked, so that each part is known as one of its rule, by its number.
        let of_rule = |rule: &NetworkRule| -> Vec<NetworkRule> {
            let asked = rule.single().filter(|one| mine.iter().any(|own| one.is_part_of(own)));
            let mut both: Vec<NetworkRule> = asked.collect();
            let narrower = mine.iter().flat_map(NetworkRule::single);
            let narrower = narrower.filter(|one| one.is_part_of(rule) && !both.iter().any(|has| one.is_part_of(has)));
            let narrower: Vec<_> = narrower.collect();
            both.extend(narrower);
            together(both)
        };
        let same = |rule: &&FilesRule| asked.capabilities.files.iter().any(|other| other.is_same(rule));
        let asked_still = |rule: &&GitRule| asked.capabilities.git.iter().any(|other| other.is_same(rule));
        Self {
            digest,
            capabilities: Capabilities {
                network: asked.capabilities.network.iter().flat_map(of_rule).collect(),
                files: self.capabilities.files.iter().filter(same).cloned().collect(),
                git: self.capabilities.git.iter().filter(asked_still).cloned().collect(),
                catalog: self.capabilities.catalog && asked.capabilities.catalog,
            },
            credentials: self
                .credentials
                .iter()
                .filter(|name| asked.credentials.contains_key(*name))
                .cloned()
                .collect(),
            private_ranges: self.private_ranges.clone(),
            plaintext_to_loopback: self.plaintext_to_loopback,
            any_host: self.any_host,
            expires_at: self.expires_at,
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
        for (number, rule) in manifest.capabilities.files.iter().enumerate() {
            if !self.capabilities.files.iter().any(|own| own.is_same(rule)) {
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
                rule: number,
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Rules of one method and one path each, put together where they differ in nothing else: first by path, then by method.
fn together(single: Vec<NetworkRule>) -> Vec<NetworkRule> {
    let mut by_method: Vec<NetworkRule> = Vec::new();
    for rule in single {
        let same = |other: &&mut NetworkRule| {
            other.to == rule.to && other.credential == rule.credential && other.methods == rule.methods
        };
        match by_method.iter_mut().find(same) {
            Some(other) if other.paths.contains(&rule.paths[0]) => {}
            Some(other) => other.paths.extend(rule.paths),
            None => by_method.push(rule),
        }
    }
    let mut all: Vec<NetworkRule> = Vec::new();
    for rule in by_method {
        let same = |other: &&mut NetworkRule| {
            other.to == rule.to && other.credential == rule.credential && other.paths == rule.paths
        };
        match all.iter_mut().find(same) {
            Some(other) => other.methods.extend(rule.methods),
            None => all.push(rule),
        }
    }
    all
}

/// A directory that a plugin may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The manifest's rule, by number.
    pub rule: usize,
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
pub(crate) fn fill(text: &str, config: &serde_json::Value) -> Result<Option<String>, String> {
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
    /// Where it gives nothing beyond what a person approved before: how it came about, and that approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rests_on: Option<RestsOn>,
}

impl Decision {
    /// What was decided, in a word: `approved`, `tightened`, `carried-over`, `rolled-back` or `revoked`.
    pub fn word(&self) -> &'static str {
        match (self.verdict, &self.rests_on) {
            (Verdict::Revoked, _) => "revoked",
            (Verdict::Approved, None) => "approved",
            (Verdict::Approved, Some(rests)) => match rests.how {
                How::Tightened => "tightened",
                How::CarriedOver => "carried-over",
                How::RolledBack => "rolled-back",
            },
        }
    }

    /// Who approved what it gives: this decision's own person, or the one whose approval it rests on.
    pub fn approval(&self) -> Approval {
        match &self.rests_on {
            Some(rests) => rests.approval.clone(),
            None => Approval {
                by: self.by.clone(),
                reason: self.reason.clone(),
                at: self.at,
            },
        }
    }

    /// What a decision rests on that gives nothing beyond this one.
    pub fn carries(&self, how: How) -> RestsOn {
        RestsOn {
            how,
            approval: self.approval(),
        }
    }
}

/// The approval that a later decision rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestsOn {
    /// How the later one came about.
    pub how: How,
    /// The approval.
    pub approval: Approval,
}

/// How a decision comes about that gives nothing beyond another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// What was never used was taken off.
    Tightened,
    /// It was taken over to a version that asks for no more.
    CarriedOver,
    /// The version was put in force again, on the terms that it had.
    RolledBack,
}

/// A person's approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
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
    fn a_grant_is_carried_to_what_another_version_asks_of_it() {
        let asks = |network: &str| {
            let yaml = format!(
                "name: a\nversion: 1.0.0\nroles: [ingestor]\nkinds: {{item: {{}}}}\ncredentials: {{token: {{attach: bearer}}}}\n\
                 capabilities:\n  network:\n{network}"
            );
            crate::manifest::parse("plugin.yaml", &yaml).unwrap()
        };
        let old = asks(
            "    - {to: 'https://a.example.com', methods: [GET, POST], paths: [/items, /items/*], credential: token}\n",
        );
        let mut grant = Grant::as_asked(Digest::of(b"old"), &old);
        grant.private_ranges = vec!["10.0.0.0/8".parse().unwrap()];
        grant.expires_at = Some(5);
        let digest = Digest::of(b"new");
        assert_eq!(
            grant.carried_to(digest.clone(), &old),
            Grant {
                digest: digest.clone(),
                ..grant.clone()
            }
        );
        let network = |grant: &Grant| {
            let rules = grant.capabilities.network.iter();
            rules
                .map(|r| format!("{} {} {}", r.methods.join(","), r.to, r.paths.join(",")))
                .collect::<Vec<_>>()
        };
        // What it asks beyond is not carried; what it no longer asks is gone.
        let new = asks(
            "    - {to: 'https://a.example.com', methods: [GET, DELETE], paths: [/items, /other], credential: token}\n    \
             - {to: 'https://b.example.com'}\n",
        );
        let carried = grant.carried_to(digest.clone(), &new);
        assert_eq!(network(&carried), ["GET https://a.example.com /items"]);
        assert_eq!(carried.expires_at, Some(5));
        // A pattern within what is granted is carried as what it is; another credential is another request.
        let wide = asks("    - {to: 'https://a.example.com', methods: [GET]}\n");
        let grant = Grant::as_asked(Digest::of(b"wide"), &wide);
        let narrow = asks("    - {to: 'https://a.example.com', methods: [GET], paths: [/a, /b]}\n");
        assert_eq!(
            network(&grant.carried_to(digest.clone(), &narrow)),
            ["GET https://a.example.com /a,/b"]
        );
        let with = asks("    - {to: 'https://a.example.com', methods: [GET], credential: token}\n");
        assert_eq!(network(&grant.carried_to(digest.clone(), &with)), [""; 0]);
        // Rules that differ in their paths alone stay two, each a part of its own.
        let two = asks(
            "    - {to: 'https://a.example.com', methods: [GET], paths: [/a], reason: one}\n    \
             - {to: 'https://a.example.com', methods: [GET], paths: [/b, /c], reason: other}\n",
        );
        let both = Grant::as_asked(Digest::of(b"two"), &two);
        assert_eq!(both.carried_to(digest.clone(), &two).capabilities, both.capabilities);
        let mut part = both;
        part.capabilities.network.remove(0);
        assert_eq!(part.carried_to(digest, &two).capabilities, part.capabilities);
    }

    #[test]
    fn a_decision_that_gives_no_more_rests_on_the_approval_before_it() {
        let approved = Decision {
            digest: Digest::of(b""),
            verdict: Verdict::Approved,
            grant: None,
            by: "ann".into(),
            reason: Some("SEC-1".into()),
            at: 1,
            rests_on: None,
        };
        let after = |before: &Decision, by: &str, how| Decision {
            by: by.into(),
            reason: None,
            at: before.at + 1,
            rests_on: Some(before.carries(how)),
            ..before.clone()
        };
        let carried = after(&approved, "seawall", How::CarriedOver);
        let tightened = after(&carried, "carl", How::Tightened);
        let back = after(&tightened, "dora", How::RolledBack);
        let words = [&approved, &carried, &tightened, &back].map(Decision::word);
        assert_eq!(words, ["approved", "carried-over", "tightened", "rolled-back"]);
        assert_eq!(back.approval(), approved.approval());
        assert_eq!((back.approval().by.as_str(), back.approval().at), ("ann", 1));
        // One that an earlier version stored has none.
        let stored = serde_json::to_value(&approved).unwrap();
        assert!(stored.get("rests_on").is_none(), "{stored}");
        let read = |value| serde_json::from_value::<Decision>(value).unwrap();
        assert_eq!(read(stored), approved);
        assert_eq!(read(serde_json::to_value(&back).unwrap()), back);
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
