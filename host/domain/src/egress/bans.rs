//! What a policy forbids to every request, whatever is asked and granted.

use super::{
    Host, Target,
    place::{HostPattern, Place, placeholders, resolve},
};
use std::collections::HashSet;

/// Hosts and methods that no request may have. The default forbids nothing.
#[derive(Debug, Clone, Default)]
pub struct Bans {
    hosts: Vec<HostPattern>,
    methods: HashSet<String>,
}

impl Bans {
    /// Forbids these.
    pub fn new(hosts: Vec<HostPattern>, methods: impl IntoIterator<Item = String>) -> Self {
        Self {
            hosts,
            methods: methods.into_iter().collect(),
        }
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
        self.hosts.is_empty() && self.methods.is_empty()
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
