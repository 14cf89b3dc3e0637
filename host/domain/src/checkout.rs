//! Checkouts that a plugin asks for and is granted, with an integration's config put in.

use crate::{
    CredentialName,
    egress::repository,
    grant::{Grant, fill},
    integration::with_defaults,
    manifest::{GitRule, Manifest},
};
use serde_json::Value;

/// One checkout of an integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// The manifest's rule, by index.
    pub rule: usize,
    /// Where the plugin sees it.
    pub at: String,
    /// The repository's address, normalised, without a slash at its end: `https://git.example.com/shop.git`.
    pub url: String,
    /// A branch, a tag, or a whole name such as `refs/heads/main`; none: what the repository's HEAD is.
    pub reference: Option<String>,
    /// The manifest's credential, where the grant has it.
    pub credential: Option<CredentialName>,
}

/// A checkout that cannot be made with this config.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` of capabilities.git[{rule}].{field}: expected {expected}, found {found}; for example `{example}`")]
pub struct CheckoutError {
    /// The manifest's rule, by index.
    pub rule: usize,
    /// `from` or `ref`.
    pub field: &'static str,
    /// What the manifest has there.
    pub text: String,
    /// What it has to be.
    pub expected: &'static str,
    /// What it became.
    pub found: String,
    /// One that is right.
    pub example: &'static str,
}

impl Grant {
    /// The checkouts that are asked for and granted (the same `at`, `from`, `ref` and credential), with the config's values put
    /// in, the schema's defaults filled in. A rule whose `from` names a property that the config leaves out gives none.
    ///
    /// # Errors
    /// [`CheckoutError`] where a value makes no address of a repository, or no name of a branch or a tag.
    pub fn checkouts(&self, manifest: &Manifest, config: &Value) -> Result<Vec<Checkout>, CheckoutError> {
        let config = with_defaults(&manifest.config, config);
        let mut all = Vec::new();
        for (number, rule) in manifest.capabilities.git.iter().enumerate() {
            if !self.capabilities.git.iter().any(|own| own.is_same(rule)) {
                continue;
            }
            let Some(url) = repository(&rule.from, &config).map_err(|found| from(number, rule, found))? else {
                continue;
            };
            let named = rule.reference.as_deref().map(|text| fill(text, &config));
            let named = named
                .transpose()
                .map_err(|found| wrong_ref(number, rule, found))?
                .flatten();
            if let Some(found) = named.as_deref().and_then(no_reference) {
                return Err(wrong_ref(number, rule, found));
            }
            all.push(Checkout {
                rule: number,
                at: rule.at.clone(),
                url,
                reference: named,
                credential: rule.credential.clone().filter(|name| self.credentials.contains(name)),
            });
        }
        Ok(all)
    }

    /// What the manifest asks for and this does not have, by index, with the repository that the config leads to.
    pub fn refused_checkouts(&self, manifest: &Manifest, config: &Value) -> Vec<(usize, String)> {
        let config = with_defaults(&manifest.config, config);
        let asked = manifest.capabilities.git.iter().enumerate();
        let refused = asked.filter(|(_, rule)| !self.capabilities.git.iter().any(|own| own.is_same(rule)));
        refused
            .filter_map(|(number, rule)| Some((number, repository(&rule.from, &config).ok()??)))
            .collect()
    }
}

fn from(rule: usize, asked: &GitRule, found: String) -> CheckoutError {
    CheckoutError {
        rule,
        field: "from",
        text: asked.from.clone(),
        expected: EXPECTED_FROM,
        found,
        example: EXAMPLE_FROM,
    }
}

fn wrong_ref(rule: usize, asked: &GitRule, found: String) -> CheckoutError {
    CheckoutError {
        rule,
        field: "ref",
        text: asked.reference.clone().unwrap_or_default(),
        expected: EXPECTED_REF,
        found,
        example: "main",
    }
}

/// What `from` has to be.
pub(crate) const EXPECTED_FROM: &str =
    "a repository's address over https or http, or a value of the config (a credential comes from `credentials`)";
/// Such an address.
pub(crate) const EXAMPLE_FROM: &str = "https://git.example.com/shop/platform.git";
/// What `ref` has to be.
pub(crate) const EXPECTED_REF: &str = "a branch, a tag, or a whole name such as `refs/heads/main`";

/// Why a text names no branch and no tag: what was found. By the rules of `git check-ref-format`; names of objects are none.
pub(crate) fn no_reference(text: &str) -> Option<String> {
    let shown = || format!("`{}`", crate::text::cut(&text.escape_debug().to_string(), 80));
    let is_forbidden = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    let is_wrong_part = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    if text.is_empty() {
        Some("nothing".to_owned())
    } else if text.len() > 250 {
        Some(format!("{}, which is too long", shown()))
    } else if text.chars().any(is_forbidden)
        || text.split('/').any(is_wrong_part)
        || text.contains("..")
        || text.contains("@{")
        || text == "@"
        || text.starts_with('-')
        || text.ends_with('.')
    {
        Some(format!("{}, which git takes for no name", shown()))
    } else {
        None
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::{Digest, manifest};
    use serde_json::json;

    fn manifest() -> Manifest {
        let yaml = "name: a\nversion: 0.1.0\nroles: [ingestor]\nkinds: {f: {}}\ncredentials: {token: {attach: basic}}\nconfig:\n  \
                    type: object\n  properties:\n    repository: {type: string}\n    branch: {type: string}\ncapabilities:\n  git:\n    \
                    - {at: /a, from: '{repository}', ref: '{branch}', credential: token}\n    \
                    - {at: /b, from: 'https://git.example.com/b.git/', ref: v1}\n";
        manifest::parse("plugin.yaml", yaml).unwrap()
    }

    fn show(grant: &Grant, config: Value) -> Result<String, String> {
        let all = grant.checkouts(&manifest(), &config).map_err(|e| e.to_string())?;
        let one = |c: Checkout| {
            let with = c.credential.map(|name| format!(" with {name}")).unwrap_or_default();
            format!("{}={}@{}{with}", c.at, c.url, c.reference.unwrap_or_default())
        };
        Ok(all.into_iter().map(one).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn checkouts_are_asked_granted_and_addresses_of_repositories() {
        let mut grant = Grant::as_asked(Digest::of(b""), &manifest());
        let second = "/b=https://git.example.com/b.git@v1";
        let config = json!({"repository": "HTTPS://Git.example.com:8443/Shop/a b.git/", "branch": "feature/x"});
        let first = "/a=https://git.example.com:8443/Shop/a%20b.git@feature/x with token";
        assert_eq!(show(&grant, config.clone()), Ok(format!("{first} {second}")));
        assert_eq!(show(&grant, json!({})), Ok(second.to_owned()));
        let head = show(&grant, json!({"repository": "http://127.0.0.1:3000/a"})).unwrap();
        assert!(head.starts_with("/a=http://127.0.0.1:3000/a@ with token "), "{head}");
        grant.credentials.clear();
        assert!(!show(&grant, config.clone()).unwrap().contains("token"));
        grant.capabilities.git[0].from = "https://elsewhere.example.com/a".to_owned();
        assert_eq!(
            show(&grant, config.clone()),
            Ok(second.to_owned()),
            "a grant cannot lead elsewhere"
        );
        let refused = grant.refused_checkouts(&manifest(), &config);
        assert_eq!(refused, [(0, "https://git.example.com:8443/Shop/a%20b.git".to_owned())]);
        assert_eq!(grant.refused_checkouts(&manifest(), &json!({})), []);
    }

    #[test]
    fn what_is_no_repository_and_no_branch_is_refused_in_words() {
        let grant = Grant::as_asked(Digest::of(b""), &manifest());
        for (repository, says) in [
            (
                "git@github.com:acme/shop.git",
                "https://git.example.com/shop/platform.git",
            ),
            ("ssh://git@example.com/a.git", "http"),
            ("https://user:secret@example.com/a.git", "user information"),
            ("https://example.com", "no path"),
            ("https://example.com/a/../b.git", "dot segment"),
            ("https://example.com/a.git?x=1", "no query"),
            ("https://*.example.com/a.git", "`*`"),
            ("file:///srv/a.git", "http"),
        ] {
            let why = show(&grant, json!({"repository": repository})).unwrap_err();
            assert!(why.contains(says), "{repository}: {why}");
            assert!(
                why.contains("capabilities.git[0].from") && !why.contains("secret"),
                "{why}"
            );
        }
        for branch in [
            "", "a b", "a..b", "-x", "a/.b", "x.lock", "a:b", "HEAD^", "a@{1}", "a//b", "/a", "a/", "*",
        ] {
            let config = json!({"repository": "https://example.com/a.git", "branch": branch});
            let why = show(&grant, config).unwrap_err();
            assert!(why.contains("capabilities.git[0].ref"), "{branch}: {why}");
        }
    }
}
