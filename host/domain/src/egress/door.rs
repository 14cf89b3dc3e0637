//! Step 2 of the door: is this request asked for, and granted?

use super::{
    Bans, Host, Target,
    place::{HostPattern, Place},
    rules::{Match, Methods, Rule, Rules},
    suggest,
};
use crate::{
    CredentialName,
    grant::Grant,
    manifest::{GitRule, METHODS, Manifest, NetworkRule},
};
use serde_json::Value;
use std::{collections::HashSet, net::IpAddr};

/// The compiled rules of one integration: its manifest's and its grant's, with its config's values put in.
#[derive(Debug)]
pub struct Door {
    pub(super) asked: Rules,
    granted: Rules,
    credentials: HashSet<CredentialName>,
    bans: Bans,
    source: Source,
}

/// Which list of the manifest a door's rules come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// `capabilities.network`, rule by rule: what the plugin sends itself.
    Network,
    /// `capabilities.git`, each of which is two requests: what the host sends to make a checkout.
    Git,
}

impl Source {
    /// The manifest's rule, by index.
    pub(super) fn rule(self, index: usize) -> usize {
        match self {
            Self::Network => index,
            Self::Git => index / REQUESTS,
        }
    }

    fn list(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Git => "git",
        }
    }

    /// `network[0]`.
    fn label(self, index: usize) -> String {
        format!("{}[{}]", self.list(), self.rule(index))
    }

    /// `capabilities.network[0].to`.
    pub(super) fn field(self, index: usize) -> String {
        let field = match self {
            Self::Network => "to",
            Self::Git => "from",
        };
        format!("capabilities.{}.{field}", self.label(index))
    }
}

/// Requests that a checkout takes.
const REQUESTS: usize = 2;

/// What the host sends to bring a checkout up to date, by git's smart protocol over HTTP
/// (<https://git-scm.com/docs/gitprotocol-http>): what there is, and give it to me. Nothing that pushes.
fn requests(rule: &GitRule) -> [NetworkRule; REQUESTS] {
    [("GET", "/info/refs"), ("POST", "/git-upload-pack")].map(|(method, path)| NetworkRule {
        to: rule.from.clone(),
        methods: vec![method.to_owned()],
        paths: vec![path.to_owned()],
        credential: rule.credential.clone(),
        reason: rule.reason.clone(),
    })
}

/// A rule that cannot be resolved with this config.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{of} {at} (`{to}`): expected an http or https URL, found {found}; \
     for example `https://tool.example.com`"
)]
pub struct DoorError {
    /// Whose rule: `manifest` or `grant`.
    pub of: &'static str,
    /// Which: `capabilities.network[0].to`.
    pub at: String,
    /// What it says.
    pub to: String,
    /// What is wrong, with the config's property where its value is.
    pub found: String,
}

/// Where one rule leads with one method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The list of the manifest's capabilities: `network` or `git`.
    pub list: &'static str,
    /// The rule in that list, by index.
    pub rule: usize,
    /// Scheme, host, port and base path.
    pub place: String,
    /// The address, where the host is one.
    pub address: Option<IpAddr>,
    /// Whether the host is `*`, which leads to no private address.
    pub any_host: bool,
    /// The method.
    pub method: &'static str,
    /// The path patterns, as the manifest has them.
    pub patterns: Vec<String>,
    /// The credential that is attached.
    pub credential: Option<CredentialName>,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may be sent, if its addresses are allowed too.
    Allowed {
        /// The rule, for [`Door::label`].
        rule: usize,
        /// The credential to attach. None when the rule names none, or when the grant leaves it out. Whether it may travel
        /// without TLS is `Grant::plaintext_to_loopback`'s to say, once the address is known.
        credential: Option<CredentialName>,
        /// The rule's pattern that matched, with the base path before it: `/api/v1/projects/*`.
        path_template: String,
        /// That pattern as the manifest has it.
        pattern: String,
        /// Whether only rules whose host is `*` allow it: its addresses are judged by [`AddressPolicy::public`].
        any_host: bool,
    },
    /// It may not.
    Refused {
        /// Why, naming the rule that is nearest.
        reason: String,
        /// The rule that is nearest, for [`Door::label`]; none when no rule comes near.
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
        let granted = grant.capabilities.network.iter();
        let granted: Vec<_> = granted
            .filter(|rule| grant.any_host || !rule.is_any_host())
            .cloned()
            .collect();
        Ok(Self {
            asked: Rules::compile("manifest", Source::Network, &manifest.capabilities.network, &config)?,
            granted: Rules::compile("grant", Source::Network, &granted, &config)?,
            credentials: grant.credentials.iter().cloned().collect(),
            bans: Bans::default(),
            source: Source::Network,
        })
    }

    /// The door of what the host itself sends for the checkouts: the two requests that each rule of `capabilities.git` comes to.
    /// The plugin has no way through it.
    ///
    /// # Errors
    /// As [`Door::compile`].
    pub fn of_checkouts(manifest: &Manifest, grant: &Grant, config: &Value) -> Result<Self, DoorError> {
        let config = crate::integration::with_defaults(&manifest.config, config);
        let (asked, granted) = (&manifest.capabilities.git, &grant.capabilities.git);
        let granted = granted.iter().filter(|own| asked.iter().any(|rule| rule.is_same(own)));
        let asked: Vec<_> = asked.iter().flat_map(requests).collect();
        let granted: Vec<_> = granted.flat_map(requests).collect();
        Ok(Self {
            asked: Rules::compile("manifest", Source::Git, &asked, &config)?,
            granted: Rules::compile("grant", Source::Git, &granted, &config)?,
            credentials: grant.credentials.iter().cloned().collect(),
            bans: Bans::default(),
            source: Source::Git,
        })
    }

    /// How records name a rule that [`Door::decide`] gave: `network[0]`, `git[0]`.
    pub fn label(&self, rule: usize) -> String {
        self.source.label(rule)
    }

    /// The same door under a policy.
    #[must_use]
    pub fn under(self, bans: Bans) -> Self {
        Self { bans, ..self }
    }

    /// The host that the config makes one of the manifest's rules lead to, where the policy is against it: with the rule's `to`.
    pub fn banned_by_config(&self) -> Option<(&str, String)> {
        let configured = self.asked.list.iter().filter(|rule| rule.to.contains('{'));
        configured
            .filter_map(|rule| rule.place.as_ref().map(|place| (rule, place)))
            .find_map(|(rule, place)| {
                self.bans
                    .covers(&place.host)
                    .then(|| (rule.to.as_str(), place.host.to_string()))
            })
    }

    /// Which of the manifest's rules lead to a host, as far as they are granted and no policy is against it: each with the
    /// methods and patterns that are left of it. Without a host: all that lead anywhere.
    pub fn reach(&self, host: Option<&Host>) -> Vec<Reach> {
        let mut all = Vec::new();
        for (number, rule) in self.asked.list.iter().enumerate() {
            let Some(place) = &rule.place else { continue };
            let there = host.is_none_or(|host| place.host.matches(host) && !self.bans.covers(&host.clone().into()));
            if !there || self.bans.closes(&place.host) {
                continue;
            }
            let methods = METHODS
                .iter()
                .filter(|method| rule.methods.holds(Methods::of([**method])));
            for method in methods.filter(|method| !self.bans.has_method(method)) {
                let patterns = self.left_of(rule, place, method);
                if !patterns.is_empty() {
                    all.push(Reach {
                        list: self.source.list(),
                        rule: self.source.rule(number),
                        place: format!(
                            "{}://{}:{}{}",
                            place.scheme.as_str(),
                            place.host,
                            place.port,
                            place.base_path()
                        ),
                        address: place.host.address(),
                        any_host: place.host == HostPattern::Any,
                        method,
                        patterns,
                        credential: rule.credential.clone().filter(|name| self.credentials.contains(name)),
                    });
                }
            }
        }
        all
    }

    /// The path patterns that both a rule of the manifest and the grant have for this method.
    fn left_of(&self, rule: &Rule, place: &Place, method: &str) -> Vec<String> {
        let mut left = Vec::new();
        let all = |patterns: &[String]| patterns.iter().any(|pattern| pattern == "/**");
        for granted in &self.granted.list {
            if granted.place.as_ref() != Some(place) || !granted.methods.holds(Methods::of([method])) {
                continue;
            }
            let (asked, granted) = (&rule.patterns, &granted.patterns);
            left.extend(
                asked
                    .iter()
                    .filter(|own| granted.contains(own) || all(granted))
                    .cloned(),
            );
            left.extend(granted.iter().filter(|own| all(asked) && !asked.contains(own)).cloned());
        }
        left.sort_unstable();
        left.dedup();
        left
    }

    /// Judges a request by what is asked and what is granted; both have to match it. Of several rules of the manifest, the
    /// first one counts whose credential a matching rule of the grant names too, or else the first one, without credential. Those
    /// whose host is `*` count only where no other does, and take no credential along.
    ///
    /// The grant's end is the caller's to check ([`Grant::is_active`]).
    pub fn decide(&self, method: &str, target: &Target) -> Decision {
        if let Some(reason) = self.bans.forbids(method, target) {
            return Decision::Refused {
                reason,
                nearest: None,
                suggestion: String::new(),
            };
        }
        let path: Vec<&str> = target.path.split('/').skip(1).collect();
        let methods = Methods::of([method]);
        let mut asked = self.asked.matching(methods, target, &path);
        if asked.is_empty() {
            return suggest::not_asked(self, method, target, &path);
        }
        let mut granted = self.granted.matching(methods, target, &path);
        if granted.is_empty() {
            return suggest::not_granted(self, method, target, asked[0].rule);
        }
        let named = |rules: &Rules, found: &Match| !rules.is_any_host(found.rule);
        let by_name = asked.iter().any(|m| named(&self.asked, m)) && granted.iter().any(|m| named(&self.granted, m));
        if by_name {
            asked.retain(|m| named(&self.asked, m));
            granted.retain(|m| named(&self.granted, m));
        } else if let Some(reason) = self.bans.forbids_any_host(target) {
            return Decision::Refused {
                reason,
                nearest: Some(asked[0].rule),
                suggestion: String::new(),
            };
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
            .filter(|name| by_name && agreed.is_some() && self.credentials.contains(name));
        Decision::Allowed {
            rule,
            credential,
            path_template: own.templates[template].clone(),
            pattern: own.patterns[template].clone(),
            any_host: !by_name,
        }
    }
}
