//! Grants as documents: what is granted of what a plugin's manifest asks.

use crate::{grant::Grant, manifest::NetworkRule};
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
    /// When it ends (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The manifest's network rules that are granted, by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<RuleDefinition>>,
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

/// What a document grants, in the form in which [`of_grant`] says what is granted: equal where they say the same. `asked` are
/// the manifest's network rules.
pub fn granted(document: &GrantDefinition, asked: &[NetworkRule]) -> Value {
    let cut = |rule: &RuleDefinition| {
        let (number, methods, paths) = match rule {
            RuleDefinition::Whole(number) => (*number, None, None),
            RuleDefinition::Part { rule, methods, paths } => (*rule, methods.clone(), paths.clone()),
        };
        let whole = asked.get(number)?;
        Some(NetworkRule {
            methods: methods.unwrap_or_else(|| whole.methods.clone()),
            paths: paths.unwrap_or_else(|| whole.paths.clone()),
            ..whole.clone()
        })
    };
    let network: Vec<NetworkRule> = match &document.rules {
        None => asked.to_vec(),
        Some(rules) => rules.iter().filter_map(cut).collect(),
    };
    let end = document
        .expires_at
        .as_deref()
        .and_then(|end| end.parse::<jiff::Timestamp>().ok());
    canonical(
        &document.plugin,
        &network,
        &document.private_ranges,
        document.plaintext_to_loopback,
        end.map(|end| end.as_millisecond()),
    )
}

/// What is granted.
pub fn of_grant(plugin: &str, grant: &Grant) -> Value {
    canonical(
        plugin,
        &grant.capabilities.network,
        &grant.private_ranges,
        grant.plaintext_to_loopback,
        grant.expires_at,
    )
}

fn canonical(plugin: &str, network: &[NetworkRule], ranges: &[IpNet], plaintext: bool, end: Option<i64>) -> Value {
    // What is granted is the union, however it is cut into rules.
    let mut single: Vec<String> = network
        .iter()
        .flat_map(NetworkRule::single)
        .map(|rule| format!("{} {} {}", rule.to, rule.methods.join(","), rule.paths.join(",")))
        .collect();
    single.sort_unstable();
    single.dedup();
    let mut ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
    ranges.sort_unstable();
    ranges.dedup();
    let end = end
        .and_then(|end| jiff::Timestamp::from_millisecond(end).ok())
        .map(|end| end.to_string());
    json!({
        "plugin": plugin,
        "network": single,
        "private_ranges": ranges,
        "plaintext_to_loopback": plaintext,
        "expires_at": end,
    })
}

impl GrantDefinition {
    /// The document of a grant: which of the manifest's rules it contains.
    pub fn of(plugin: &str, grant: &Grant, asked: &[NetworkRule]) -> Self {
        let own: Vec<NetworkRule> = grant
            .capabilities
            .network
            .iter()
            .flat_map(NetworkRule::single)
            .collect();
        let mut rules = Vec::new();
        let mut all = true;
        for (number, rule) in asked.iter().enumerate() {
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
            rules: (!all).then_some(rules),
            reason: None,
        }
    }
}
