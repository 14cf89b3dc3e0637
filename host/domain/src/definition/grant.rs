//! Grants as documents: what is granted of what a plugin's manifest asks.

use crate::{
    Digest,
    grant::Grant,
    manifest::{Capabilities, NetworkRule},
};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A grant as its document says it. Without `rules` it is all that the manifest asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantDefinition {
    /// The plugin: its name (the newest version), or `name@version`.
    pub plugin: String,
    /// Private, loopback or link-local ranges that may be reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub private_ranges: Vec<IpNet>,
    /// Whether a credential may go without TLS to loopback.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub plaintext_to_loopback: bool,
    /// Whether a rule whose host is `*` holds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub any_host: bool,
    /// When it ends (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The manifest's network rules that are granted, by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<RuleDefinition>>,
    /// The manifest's checkouts that are granted, by number; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<Vec<usize>>,
    /// The manifest's directories that are granted, by number; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<usize>>,
    /// Whether the catalog may be read; absent: as the manifest asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<bool>,
    /// Why, for those who look later. Not compared: it is of the decision, and no part of what is granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A rule of the manifest, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "the number of a rule, or an object such as {\"rule\": 0, \"methods\": [\"GET\"]}"
)]
pub enum RuleDefinition {
    /// All of it.
    Whole(usize),
    /// Some of its methods and paths.
    Part {
        /// Its number.
        rule: usize,
        /// Absent: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        methods: Option<Vec<String>>,
        /// Absent: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        paths: Option<Vec<String>>,
    },
}

/// What a document grants, in the form in which [`of_grant`] says what is granted: equal where they say the same. `asked` is
/// what the manifest asks.
pub fn granted(document: &GrantDefinition, asked: &Capabilities) -> Value {
    let cut = |rule: &RuleDefinition| {
        let (number, methods, paths) = match rule {
            RuleDefinition::Whole(number) => (*number, None, None),
            RuleDefinition::Part { rule, methods, paths } => (*rule, methods.clone(), paths.clone()),
        };
        let whole = asked.network.get(number)?;
        Some(NetworkRule {
            methods: methods.unwrap_or_else(|| whole.methods.clone()),
            paths: paths.unwrap_or_else(|| whole.paths.clone()),
            ..whole.clone()
        })
    };
    let network: Vec<NetworkRule> = match &document.rules {
        None => asked.network.clone(),
        Some(rules) => rules.iter().filter_map(cut).collect(),
    };
    let capabilities = Capabilities {
        network,
        git: chosen(document.git.as_deref(), &asked.git),
        files: chosen(document.files.as_deref(), &asked.files),
        catalog: asked.catalog && document.catalog != Some(false),
    };
    let end = document
        .expires_at
        .as_deref()
        .and_then(|end| end.parse::<jiff::Timestamp>().ok());
    canonical(
        &document.plugin,
        &Grant {
            digest: Digest::of(b""),
            capabilities,
            credentials: Vec::new(),
            private_ranges: document.private_ranges.clone(),
            plaintext_to_loopback: document.plaintext_to_loopback,
            any_host: document.any_host,
            expires_at: end.map(|end| end.as_millisecond()),
        },
    )
}

/// Some of a list, by number; without numbers all of it.
fn chosen<T: Clone>(numbers: Option<&[usize]>, all: &[T]) -> Vec<T> {
    match numbers {
        None => all.to_vec(),
        Some(numbers) => numbers.iter().filter_map(|number| all.get(*number)).cloned().collect(),
    }
}

/// What is granted.
pub fn of_grant(plugin: &str, grant: &Grant) -> Value {
    canonical(plugin, grant)
}

fn canonical(plugin: &str, grant: &Grant) -> Value {
    let Capabilities {
        network,
        git,
        files,
        catalog,
    } = &grant.capabilities;
    // What is granted is the union, however it is cut into rules.
    let single: Vec<String> = network
        .iter()
        .flat_map(NetworkRule::single)
        .map(|rule| format!("{} {} {}", rule.to, rule.methods.join(","), rule.paths.join(",")))
        .collect();
    let sorted = |mut texts: Vec<String>| {
        texts.sort_unstable();
        texts.dedup();
        texts
    };
    let end = grant
        .expires_at
        .and_then(|end| jiff::Timestamp::from_millisecond(end).ok())
        .map(|end| end.to_string());
    json!({
        "plugin": plugin,
        "network": sorted(single),
        "git": sorted(git.iter().map(|rule| format!("{} {}", rule.at, rule.from)).collect()),
        "files": sorted(files.iter().map(|rule| format!("{} {}", rule.at, rule.from)).collect()),
        "catalog": catalog,
        "private_ranges": sorted(grant.private_ranges.iter().map(ToString::to_string).collect()),
        "plaintext_to_loopback": grant.plaintext_to_loopback,
        "any_host": grant.any_host,
        "expires_at": end,
    })
}

impl GrantDefinition {
    /// The document of a grant: which of the manifest's rules it contains. `asked` is what the manifest asks.
    pub fn of(plugin: &str, grant: &Grant, asked: &Capabilities) -> Self {
        let own: Vec<NetworkRule> = grant
            .capabilities
            .network
            .iter()
            .flat_map(NetworkRule::single)
            .collect();
        let mut rules = Vec::new();
        let mut all = true;
        for (number, rule) in asked.network.iter().enumerate() {
            let parts: Vec<NetworkRule> = rule.single().filter(|one| own.iter().any(|own| one == own)).collect();
            let whole = parts.len() == rule.single().count();
            all &= whole;
            if whole {
                rules.push(RuleDefinition::Whole(number));
                continue;
            }
            // One entry for each path, since a part is all of its methods with all of its paths.
            for path in &rule.paths {
                let methods: Vec<String> = parts
                    .iter()
                    .filter(|part| part.paths.contains(path))
                    .flat_map(|part| part.methods.clone())
                    .collect();
                if !methods.is_empty() {
                    rules.push(RuleDefinition::Part {
                        rule: number,
                        methods: Some(methods),
                        paths: Some(vec![path.clone()]),
                    });
                }
            }
        }
        let end = grant
            .expires_at
            .and_then(|end| jiff::Timestamp::from_millisecond(end).ok());
        Self {
            plugin: plugin.to_owned(),
            private_ranges: grant.private_ranges.clone(),
            plaintext_to_loopback: grant.plaintext_to_loopback,
            expires_at: end.map(|end| end.to_string()),
            any_host: grant.any_host,
            rules: (!all).then_some(rules),
            git: left(&asked.git, |rule| {
                grant.capabilities.git.iter().any(|own| own.is_same(rule))
            }),
            files: left(&asked.files, |rule| {
                grant.capabilities.files.iter().any(|own| own.is_same(rule))
            }),
            catalog: (asked.catalog && !grant.capabilities.catalog).then_some(false),
            reason: None,
        }
    }
}

/// The numbers of those that are granted; none where all are.
fn left<T>(asked: &[T], is_granted: impl Fn(&T) -> bool) -> Option<Vec<usize>> {
    let granted: Vec<_> = (0..asked.len()).filter(|number| is_granted(&asked[*number])).collect();
    (granted.len() < asked.len()).then_some(granted)
}
