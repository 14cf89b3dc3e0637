//! Relations that a mapping gives by a search: Port's rules, every value of which is an expression over the item.
//!
//! ```yaml
//! relations:
//!   owner:
//!     combinator: '"and"'
//!     rules: [{property: '"login"', operator: '"="', value: .owner.login}]
//! ```

use crate::{BlueprintId, EntityId};
use serde_json::Value;
use std::fmt;

/// Targets that one search may give.
pub const MOST_FOUND: usize = 500;

/// Answers the searches of a mapping.
pub trait Find: fmt::Debug + Sync {
    /// Entities of `blueprint` that pass Port's JSON rules, by identifier, at most [`MOST_FOUND`] and one more.
    ///
    /// # Errors
    /// Where the rules are wrong, or nobody can say now.
    fn find(&self, blueprint: &BlueprintId, rules: &Value) -> Result<Vec<EntityId>, FindError>;
}

/// Why a search has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// The rules are wrong: the relation is left out, with a report.
    #[error("{0}")]
    Rules(String),
    /// The catalog cannot be asked now: the item is not mapped, since its relation would seem to have gone.
    #[error("the catalog could not be searched: {0}")]
    Unanswered(String),
}

/// The rules that can hold. One whose value the item does not have (null, a list of nothing else) holds for nothing, and so does
/// a group that needs it: an item without an owner is not related to all that have none.
pub(super) fn askable(rules: Value) -> Option<Value> {
    let Value::Object(mut rule) = rules else {
        return Some(rules);
    };
    if let Some(Value::Array(all)) = rule.get_mut("rules") {
        let before = all.len();
        let left: Vec<Value> = std::mem::take(all).into_iter().filter_map(askable).collect();
        let is_or = rule.get("combinator").and_then(Value::as_str) == Some("or");
        if (!is_or && left.len() < before) || (before > 0 && left.is_empty()) {
            return None;
        }
        rule.insert("rules".into(), left.into());
        return Some(rule.into());
    }
    match rule.get_mut("value") {
        Some(Value::Null) => return None,
        Some(Value::Array(all)) => {
            all.retain(|value| !value.is_null());
            if all.is_empty() {
                return None;
            }
        }
        _ => {}
    }
    Some(rule.into())
}

#[cfg(test)]
mod tests {
    use super::askable;
    use serde_json::json;

    #[test]
    fn what_the_item_does_not_have_is_not_asked_for() {
        let rule = |value| json!({"property": "p", "operator": "=", "value": value});
        let group = |combinator, rules| json!({"combinator": combinator, "rules": rules});
        let empty = json!({"property": "p", "operator": "isEmpty"});
        for (rules, asked) in [
            (
                group("and", json!([rule(json!(1))])),
                Some(group("and", json!([rule(json!(1))]))),
            ),
            (group("and", json!([rule(json!(1)), rule(json!(null))])), None),
            (
                group("or", json!([rule(json!(1)), rule(json!(null))])),
                Some(group("or", json!([rule(json!(1))]))),
            ),
            (group("or", json!([rule(json!(null))])), None),
            (group("and", json!([rule(json!([null]))])), None),
            (
                group("and", json!([rule(json!(["a", null]))])),
                Some(group("and", json!([rule(json!(["a"]))]))),
            ),
            (
                group("and", json!([group("or", json!([rule(json!(null))])), rule(json!(1))])),
                None,
            ),
            (group("and", json!([empty])), Some(group("and", json!([empty])))),
        ] {
            assert_eq!(askable(rules.clone()), asked, "{rules}");
        }
    }
}
