//! Whom a security team trusts to publish plugins: keys, registries, and which key has to have signed which plugin.

use crate::{
    Digest, PluginName,
    policy::Objection,
    provenance::{FILE, Provenance},
    signature::PublicKey,
    text::nearest,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// See the module. The default trusts everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trust {
    /// Public keys as PEM, by the name that people know them by.
    pub keys: BTreeMap<String, String>,
    /// Whether every plugin has to be signed by one of the keys.
    pub require_signature: bool,
    /// Where plugins may come from: `ghcr.io/acme/*`, `registry.example.com/plugins/unleash`, `file`. Empty, which is left
    /// out: from anywhere.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "somewhere")]
    pub registries: Vec<String>,
    /// Which keys may sign plugins of a name: one of them has to have. `*` stands for any characters.
    pub publishers: BTreeMap<String, Vec<String>>,
}

/// An empty list reads as nowhere, and would be anywhere.
fn somewhere<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    crate::policy::some(
        deserializer,
        "expected where plugins may come from, such as [\"ghcr.io/acme/*\"], found an empty list; leave `registries` out to take \
         them from anywhere",
    )
}

/// A key whose signature was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// Its name in the policy.
    pub name: String,
    /// SHA-256 of its DER: another key of the same name is another one.
    pub fingerprint: Digest,
}

impl Trust {
    /// What is wrong with it, each with a JSON Pointer into the policy.
    pub(crate) fn wrong(&self) -> Vec<Objection> {
        let mut wrong = Vec::new();
        for (name, pem) in &self.keys {
            if let Err(why) = PublicKey::from_pem(pem) {
                wrong.push((format!("/trust/keys/{}", escaped(name)), why));
            }
        }
        if self.require_signature && self.keys.is_empty() {
            let why = "nothing could be installed: there are no `keys` to have signed it; add one, as in \
                       `keys: {acme: \"-----BEGIN PUBLIC KEY-----…\"}`";
            wrong.push(("/trust/require_signature".to_owned(), why.to_owned()));
        }
        for (i, pattern) in self.registries.iter().enumerate() {
            if let Err(why) = source(pattern) {
                wrong.push((format!("/trust/registries/{i}"), why));
            }
        }
        for (pattern, names) in &self.publishers {
            let pointer = format!("/trust/publishers/{}", escaped(pattern));
            let is_fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '*';
            if pattern.is_empty() || !pattern.chars().all(is_fine) {
                let why = format!("expected a plugin's name, or a pattern such as `acme-*`, found `{pattern}`");
                wrong.push((pointer.clone(), why));
            }
            if names.is_empty() {
                let why = "expected the name of at least one of `keys`, found none: no such plugin could be installed";
                wrong.push((pointer.clone(), why.to_owned()));
            }
            for (i, name) in names
                .iter()
                .enumerate()
                .filter(|(_, name)| !self.keys.contains_key(*name))
            {
                let known = self.keys.keys().map(String::as_str);
                let hint = match nearest(name, known.clone()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if self.keys.is_empty() => "there are no `keys`".to_owned(),
                    None => format!("there are: {}", known.collect::<Vec<_>>().join(", ")),
                };
                wrong.push((
                    format!("{pointer}/{i}"),
                    format!("there is no key `{name}` in `keys`; {hint}"),
                ));
            }
        }
        wrong
    }

    /// Which key a name stands for.
    pub fn fingerprint(&self, name: &str) -> Option<Digest> {
        let key = PublicKey::from_pem(self.keys.get(name)?).ok()?;
        Some(key.fingerprint().clone())
    }

    /// The keys that signed it. Whether what was signed is about the component is [`Provenance::check`]'s to say.
    pub fn signers(&self, provenance: &Provenance) -> Vec<Signer> {
        let signed = |(name, pem): (&String, &String)| {
            let key = PublicKey::from_pem(pem).ok()?;
            let signed = provenance.signatures.iter().any(|signature| signature.is_by(&key));
            signed.then(|| Signer {
                name: name.clone(),
                fingerprint: key.fingerprint().clone(),
            })
        };
        self.keys.iter().filter_map(signed).collect()
    }

    /// Why a plugin of this name may not be used; none where nothing is against it. `signers` are those of
    /// [`Trust::signers`], `before` those that were known when it was installed.
    pub fn objection(
        &self,
        name: &PluginName,
        provenance: &Provenance,
        signers: &[Signer],
        before: &[Signer],
    ) -> Option<String> {
        let from = provenance.source();
        if !self.registries.is_empty() && !self.registries.iter().any(|pattern| comes_from(pattern, from)) {
            let from = if from == FILE { "a file" } else { from };
            return Some(format!(
                "the policy lets plugins come from {}, and `{name}` comes from {from}",
                self.registries.join(", ")
            ));
        }
        if self.require_signature && signers.is_empty() {
            let keys: Vec<_> = self.keys.keys().map(String::as_str).collect();
            let found = found(provenance, signers, before);
            return Some(format!(
                "the policy wants a signature by {}, and {found}",
                keys.join(" or ")
            ));
        }
        for (pattern, names) in self
            .publishers
            .iter()
            .filter(|(pattern, _)| matches(pattern, name.as_str()))
        {
            if !signers.iter().any(|signer| names.contains(&signer.name)) {
                let found = found(provenance, signers, before);
                return Some(format!(
                    "the policy wants plugins named `{pattern}` to be signed by {}, and {found}",
                    names.join(" or ")
                ));
            }
        }
        None
    }
}

/// How a plugin is signed, where that is not enough.
fn found(provenance: &Provenance, signers: &[Signer], before: &[Signer]) -> String {
    let names = |signers: &[Signer]| signers.iter().map(|s| s.name.clone()).collect::<Vec<_>>().join(", ");
    if !signers.is_empty() {
        return format!("it is signed by {} alone", names(signers));
    }
    if !before.is_empty() {
        return format!(
            "it was signed by {} when it was installed, which the policy does not trust any more",
            names(before)
        );
    }
    match provenance.signatures.len() {
        0 => "it is not signed; sign it with `seawall plugin sign` or `seawall plugin push --key`".to_owned(),
        1 => "its signature is by none of the keys that the policy names".to_owned(),
        n => format!("its {n} signatures are by none of the keys that the policy names"),
    }
}

/// Whether a name is meant by a pattern, in which `*` stands for any characters.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(name) = name.strip_prefix(head) else {
        return false;
    };
    (0..=name.len()).any(|at| name.is_char_boundary(at) && matches(rest, &name[at..]))
}

/// Whether a reference, or `file`, is meant by one of `registries`. Tag and digest do not count.
fn comes_from(pattern: &str, from: &str) -> bool {
    let repository = from.split_once('@').map_or(from, |(before, _)| before);
    // A colon behind the last slash begins a tag; one before it a port.
    let slash = repository.rfind('/').unwrap_or(0);
    let repository = match repository[slash..].find(':') {
        Some(colon) => &repository[..slash + colon],
        None => repository,
    };
    match pattern.strip_suffix("/*") {
        Some(folder) => repository
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/')),
        None => pattern == repository,
    }
}

fn source(pattern: &str) -> Result<(), String> {
    let wrong = |found: String| {
        Err(format!(
            "expected a repository or all below a path, such as `ghcr.io/acme/unleash` or `ghcr.io/acme/*`, or `{FILE}`, found {found}"
        ))
    };
    if pattern == FILE {
        return Ok(());
    }
    let path = pattern.strip_suffix("/*").unwrap_or(pattern);
    let host = path.split('/').next().unwrap_or_default();
    if pattern.contains("://") {
        return wrong(format!("`{pattern}`; write it without a scheme"));
    }
    if path.contains('*') {
        return wrong(format!("`{pattern}`: a `*` stands at the end alone, behind a `/`"));
    }
    if path.contains('@') || path.rfind('/').is_some_and(|slash| path[slash..].contains(':')) {
        return wrong(format!("`{pattern}`; leave out tag and digest"));
    }
    if path.ends_with('/') || !(host.contains('.') || host.contains(':') || host == "localhost") {
        return wrong(format!("`{pattern}`, which begins with no registry"));
    }
    if pattern.chars().any(|c| c.is_ascii_uppercase() || c.is_whitespace()) || path == host && path == pattern {
        return wrong(format!("`{pattern}`"));
    }
    Ok(())
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn trust(value: Value) -> Trust {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn registries_are_whole_parts_of_paths() {
        for (pattern, from, expected) in [
            ("ghcr.io/acme/*", "ghcr.io/acme/unleash:1@sha256:ab", true),
            ("ghcr.io/acme/*", "ghcr.io/acme/deep/er", true),
            ("ghcr.io/acme/*", "ghcr.io/acme-evil/unleash", false),
            ("ghcr.io/acme/*", "ghcr.io.evil.example/acme/unleash", false),
            ("ghcr.io/acme/*", "ghcr.io/acme", false),
            ("ghcr.io/acme/a", "ghcr.io/acme/a:1", true),
            ("ghcr.io/acme/a", "ghcr.io/acme/ab", false),
            ("127.0.0.1:5000/*", "127.0.0.1:5000/a:1", true),
            ("127.0.0.1:5000/*", "127.0.0.1:50001/a:1", false),
            ("file", "file", true),
            ("ghcr.io/*", "file", false),
        ] {
            assert_eq!(comes_from(pattern, from), expected, "{pattern} {from}");
        }
    }

    #[test]
    fn says_where_it_is_wrong_and_what_to_write() {
        let wrong = trust(json!({
            "keys": {"acme": "-----BEGIN PRIVATE KEY-----"}, "publishers": {"A b": ["acme"], "x": [], "y": ["acne"]},
            "registries": ["file", "ghcr.io/*/a", "https://ghcr.io/a", "acme/a", "ghcr.io/a:1", "ghcr.io", "ghcr.io/*"],
        }));
        let found: Vec<_> = wrong.wrong().into_iter().map(|(pointer, _)| pointer).collect();
        let registries = (1..=5).map(|i| format!("/trust/registries/{i}"));
        let mut expected = vec!["/trust/keys/acme".to_owned()];
        expected.extend(registries);
        expected.extend(["/trust/publishers/A b", "/trust/publishers/x", "/trust/publishers/y/0"].map(str::to_owned));
        assert_eq!(found, expected);
        let none = trust(json!({"require_signature": true}));
        assert_eq!(none.wrong()[0].0, "/trust/require_signature");
        assert!(Trust::default().wrong().is_empty());
    }

    #[test]
    fn a_publisher_is_held_to_by_name() {
        let trust = trust(json!({"keys": {}, "publishers": {"acme-*": ["acme"], "*-ops": ["ops"]}}));
        let signer = |name: &str| Signer {
            name: name.into(),
            fingerprint: Digest::of(name.as_bytes()),
        };
        let judge = |name: &str, signers: &[Signer]| {
            let name = PluginName::new(name).unwrap();
            trust.objection(&name, &Provenance::file(), signers, &[])
        };
        assert_eq!(judge("other", &[]), None);
        assert_eq!(judge("acme-a", &[signer("acme")]), None);
        assert!(
            judge("acme-a", &[signer("ops")])
                .unwrap()
                .ends_with("it is signed by ops alone")
        );
        assert!(judge("acme-ops", &[signer("acme")]).unwrap().contains("`*-ops`"));
        assert_eq!(judge("acme-ops", &[signer("acme"), signer("ops")]), None);
    }
}
