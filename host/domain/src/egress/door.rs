//! Step 2 of the door: is this request asked for, and granted?

use super::{
    Target,
    rules::{Match, Methods, Rules},
    suggest,
};
use crate::{CredentialName, grant::Grant, manifest::Manifest};
use serde_json::Value;
use std::collections::HashSet;

/// The compiled rules of one integration: its manifest's and its grant's, with its config's values put in.
#[derive(Debug)]
pub struct Door {
    pub(super) asked: Rules,
    granted: Rules,
    credentials: HashSet<CredentialName>,
}

/// A rule that cannot be resolved with this config.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{of} capabilities.network[{rule}].to (`{to}`): expected an http or https URL, found {found}; \
     for example `https://tool.example.com`"
)]
pub struct DoorError {
    /// Whose rule: `manifest` or `grant`.
    pub of: &'static str,
    /// Its index.
    pub rule: usize,
    /// Its `to`.
    pub to: String,
    /// What is wrong, with the config's property where its value is.
    pub found: String,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may be sent, if its addresses are allowed too.
    Allowed {
        /// The manifest's rule, by index.
        rule: usize,
        /// The credential to attach. None when the rule names none, or when the grant leaves it out. Whether it may travel
        /// without TLS is `Grant::plaintext_to_loopback`'s to say, once the address is known.
        credential: Option<CredentialName>,
        /// The rule's pattern that matched, with the base path before it: `/api/v1/projects/*`.
        path_template: String,
        /// That pattern as the manifest has it.
        pattern: String,
    },
    /// It may not.
    Refused {
        /// Why, naming the rule that is nearest.
        reason: String,
        /// The manifest's rule that is nearest, by index; none when no rule comes near.
        nearest: Option<usize>,
        /// Lines of the manifest that would ask for it, as YAML; empty when none can.
        suggestion: String,
    },
}

impl Door {
    /// Resolves both lists of rules with the config, the schema's defaults filled in. A rule that names a property which
    /// the config leaves out leads nowhere.
    ///
    /// # Errors
    /// [`DoorError`] for the first rule whose place is none with this config.
    pub fn compile(manifest: &Manifest, grant: &Grant, config: &Value) -> Result<Self, DoorError> {
        let config = crate::integration::with_defaults(&manifest.config, config);
        Ok(Self {
            asked: Rules::compile("manifest", &manifest.capabilities.network, &config)?,
            granted: Rules::compile("grant", &grant.capabilities.network, &config)?,
            credentials: grant.credentials.iter().cloned().collect(),
        })
    }

    /// Judges a request by what is asked and what is granted; both have to match it. Of several rules of the manifest, the
    /// first one counts whose credential a matching rule of the grant names too, or else the first one, without credential.
    ///
    /// The grant's end is the caller's to check ([`Grant::is_active`]).
    pub fn decide(&self, method: &str, target: &Target) -> Decision {
        let path: Vec<&str> = target.path.split('/').skip(1).collect();
        let methods = Methods::of([method]);
        let asked = self.asked.matching(methods, target, &path);
        if asked.is_empty() {
            return suggest::not_asked(self, method, target, &path);
        }
        let granted = self.granted.matching(methods, target, &path);
        if granted.is_empty() {
            return suggest::not_granted(self, method, target, asked[0].rule);
        }
        let granted: HashSet<_> = granted
            .iter()
            .map(|m| self.granted.list[m.rule].credential.as_ref())
            .collect();
        let agreed = asked
            .iter()
            .find(|m| granted.contains(&self.asked.list[m.rule].credential.as_ref()));
        let Match { rule, template } = *agreed.unwrap_or(&asked[0]);
        let own = &self.asked.list[rule];
        let credential = own
            .credential
            .clone()
            .filter(|name| agreed.is_some() && self.credentials.contains(name));
        Decision::Allowed {
            rule,
            credential,
            path_template: own.templates[template].clone(),
            pattern: own.patterns[template].clone(),
        }
    }
}
