//! A list of network rules, resolved with a config and indexed by host.

use super::{
    DoorError, Host, Scheme, Target,
    door::Source,
    pattern::{Segment, Tree, segments},
    place::{HostPattern, Place, resolve},
};
use crate::{
    CredentialName,
    manifest::{METHODS, NetworkRule},
};
use serde_json::Value;
use std::collections::HashMap;

/// One rule, resolved.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) to: String,
    /// None when the config leaves out a property that `to` names.
    pub(super) place: Option<Place>,
    pub(super) methods: Methods,
    /// Patterns with the base path before them.
    pub(super) templates: Vec<String>,
    /// The same without it.
    pub(super) patterns: Vec<String>,
    pub(super) credential: Option<CredentialName>,
}

/// A set of the methods of [`METHODS`]. Others are in no set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Methods(u32);

impl Methods {
    pub(super) fn of<'a>(methods: impl IntoIterator<Item = &'a str>) -> Self {
        let bit = |method: &str| {
            METHODS
                .iter()
                .position(|known| *known == method)
                .map_or(0, |at| 1 << at)
        };
        Self(methods.into_iter().map(bit).fold(0, |all, one| all | one))
    }

    pub(super) fn holds(self, method: Self) -> bool {
        self.0 & method.0 != 0
    }
}

/// A rule that matched, with the pattern that did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) rule: usize,
    pub(super) template: usize,
}

/// All rules of a manifest or a grant.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) list: Vec<Rule>,
    exact: HashMap<Host, Vec<Origin>>,
    below: HashMap<String, Vec<Origin>>,
    any: Vec<Origin>,
    /// What the numbers in the trees stand for.
    numbers: Vec<Match>,
}

#[derive(Debug)]
struct Origin {
    scheme: Scheme,
    port: u16,
    paths: Tree,
}

impl Rules {
    /// `source` says what list of the manifest they come from.
    pub(super) fn compile(
        of: &'static str,
        source: Source,
        asked: &[NetworkRule],
        config: &Value,
    ) -> Result<Self, DoorError> {
        let mut rules = Self {
            list: Vec::new(),
            exact: HashMap::new(),
            below: HashMap::new(),
            any: Vec::new(),
            numbers: Vec::new(),
        };
        for (index, rule) in asked.iter().enumerate() {
            let fail = |found: String| DoorError {
                of,
                at: source.field(index),
                to: rule.to.clone(),
                found,
            };
            let place = resolve(&rule.to, config).map_err(fail)?;
            for pattern in &rule.paths {
                super::check_pattern(pattern).map_err(|why| fail(format!("the path `{pattern}`; expected {why}")))?;
            }
            let base = place.as_ref().map(Place::base_path).unwrap_or_default();
            let templates = rule.paths.iter().map(|pattern| format!("{base}{pattern}")).collect();
            if let Some(place) = &place {
                rules.index(index, place, &rule.paths);
            }
            let methods = Methods::of(rule.methods.iter().map(String::as_str));
            rules.list.push(Rule {
                to: rule.to.clone(),
                place,
                methods,
                templates,
                patterns: rule.paths.clone(),
                credential: rule.credential.clone(),
            });
        }
        Ok(rules)
    }

    fn index(&mut self, rule: usize, place: &Place, patterns: &[String]) {
        let origins = match &place.host {
            HostPattern::Exact(host) => self.exact.entry(host.clone()).or_default(),
            HostPattern::Below(name) => self.below.entry(name.clone()).or_default(),
            HostPattern::Any => &mut self.any,
        };
        let found = origins
            .iter()
            .position(|o| o.scheme == place.scheme && o.port == place.port);
        let at = found.unwrap_or(origins.len());
        if found.is_none() {
            origins.push(Origin {
                scheme: place.scheme,
                port: place.port,
                paths: Tree::default(),
            });
        }
        for (template, pattern) in patterns.iter().enumerate() {
            let base = place.base.iter().map(|segment| Segment::Literal(segment));
            origins[at]
                .paths
                .insert(base.chain(segments(pattern)), self.numbers.len());
            self.numbers.push(Match { rule, template });
        }
    }

    /// Whether a rule's host is `*`.
    pub(super) fn is_any_host(&self, rule: usize) -> bool {
        let place = self.list[rule].place.as_ref();
        place.is_some_and(|place| place.host == HostPattern::Any)
    }

    /// The rules that match, in the order of the list, each with the first of its patterns that does.
    pub(super) fn matching(&self, method: Methods, target: &Target, path: &[&str]) -> Vec<Match> {
        let mut found = Vec::new();
        let mut look = |origins: &[Origin]| {
            for origin in origins
                .iter()
                .filter(|o| o.scheme == target.scheme && o.port == target.port)
            {
                let numbers = origin
                    .paths
                    .matching(path)
                    .into_iter()
                    .map(|number| self.numbers[number]);
                found.extend(numbers.filter(|found| self.list[found.rule].methods.holds(method)));
            }
        };
        if let Some(origins) = self.exact.get(&target.host) {
            look(origins);
        }
        if let Host::Name(name) = &target.host
            && !self.below.is_empty()
        {
            let mut rest = name.as_str();
            while let Some((_, parent)) = rest.split_once('.') {
                if let Some(origins) = self.below.get(parent) {
                    look(origins);
                }
                rest = parent;
            }
        }
        look(&self.any);
        found.sort_unstable_by_key(|m| (m.rule, m.template));
        found.dedup_by_key(|m| m.rule);
        found
    }
}
