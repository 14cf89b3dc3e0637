//! What a pass could not take as it was, kept where people see it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How much was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// A value was converted without loss, such as 72 to "72". Counted, not kept.
    Converted,
    /// A property or relation was left out; the entity stands.
    LeftOut,
    /// A whole entity was set aside.
    SetAside,
}

/// One thing that a mapping, a schema or a plugin's item made impossible to take as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What was lost.
    pub severity: Severity,
    /// The item's kind.
    pub kind: String,
    /// The item's key.
    pub key: String,
    /// `blueprint/identifier` of the entity, as far as known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<String>,
    /// The field of the mapping, such as `properties.tier`, `identifier` or `relations.owner`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The jq expression, where one failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// The value that was refused, cut to a size that can be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The rule that it broke, such as `type: number`, `required`, `enum` or `jq`.
    pub rule: String,
    /// The whole in one sentence, with what to do.
    pub message: String,
}

/// How many entities these reports set aside, of each of which several may speak.
pub fn entities_set_aside(reports: &[Report]) -> u64 {
    let aside = reports.iter().filter(|report| report.severity == Severity::SetAside);
    let mut named = std::collections::HashSet::new();
    // One that came to no name is one of its own.
    aside
        .filter(|report| report.entity.as_ref().is_none_or(|entity| named.insert(entity)))
        .count() as u64
}
