//! What a policy forbids to every request, whatever is asked and granted.

use super::{
    Host, Target,
    place::{HostPattern, Place, placeholders, resolve},
};
use std::collections::HashSet;

/// Hosts and methods that no request may have, and whether a rule whose host is `*` holds. The default forbids nothing.
#[derive(Debug, Clone, Default)]
pub struct Bans {
    hosts: Vec<HostPattern>,
    methods: HashSet<String>,
    any_host: bool,
}

impl Bans {
    /// Forbids these.
    pub fn new(hosts: Vec<HostPattern>, methods: impl IntoIterator<Item = String>) -> Self {
        Self {
            hosts,
            methods: methods.into_iter().collect(),
            any_host: false,
        }
    }

    /// The same, and rules whose host is `*` hold no longer.
    #[must_use]
    pub fn without_any_host(self) -> Self {
        Self { any_host: true, ..self }
    }

    /// Whether a rule for these hosts holds for none of them.
    pub(super) fn closes(&self, host: &HostPattern) -> bool {
        self.covers(host) || (self.any_host && *host == HostPattern::Any)
    }

    /// Why a request is forbidden that only rules whose host is `*` let through; none where it is not.
    pub(super) fn forbids_any_host(&self, target: &Target) -> Option<String> {
        self.any_host.then(|| {
            format!(
                "the policy never allows every host (`never.any_host`), and no other rule leads to `{}`",
                target.host
            )
        })
    }

    /// Whether a method is forbidden.
    pub fn has_method(&self, method: &str) -> bool {
        self.methods.contains(method)
    }

    /// Whether a host is forbidden, or each of those that a wildcard stands for.
    pub fn covers(&self, host: &HostPattern) -> bool {
        self.hosts.iter().any(|own| match (own, host) {
            (own, HostPattern::Exact(host)) => own.matches(host),
            (HostPattern::Below(own), HostPattern::Below(name)) => {
                own == name || name.strip_suffix(own.as_str()).is_some_and(|rest| rest.ends_with('.'))
            }
            (HostPattern::Any, _) => true,
            (HostPattern::Exact(_), HostPattern::Below(_)) | (_, HostPattern::Any) => false,
        })
    }

    /// Why a request is forbidden; none where it is not.
    pub fn forbids(&self, method: &str, target: &Target) -> Option<String> {
        if self.has_method(method) {
            return Some(format!("the policy never allows the method {method}"));
        }
        let own = self.hosts.iter().find(|own| own.matches(&target.host))?;
        Some(format!("the policy never allows the host `{}` (`{own}`)", target.host))
    }

    /// Whether nothing is forbidden.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.methods.is_empty() && !self.any_host
    }
}

/// The host of a rule's `to` that no config decides.
pub(crate) fn fixed_place(to: &str) -> Option<HostPattern> {
    if placeholders(to).is_ok_and(|names| names.is_empty()) {
        let place = resolve(to, &serde_json::Value::Null).ok().flatten();
        return place.map(|Place { host, .. }| host);
    }
    None
}

impl From<Host> for HostPattern {
    fn from(host: Host) -> Self {
        Self::Exact(host)
    }
}
