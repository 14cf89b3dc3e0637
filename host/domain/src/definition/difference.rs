//! What changes from one definition to another, field by field.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// As people write it: `config.base_url`.
    pub field: String,
    /// What is there; null where nothing is.
    pub before: Value,
    /// What is wanted; null where nothing is.
    pub after: Value,
}

/// The fields that differ, in the order of their names. Lists are compared as wholes, and null is absent.
pub fn differences(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut out = Vec::new();
    walk(before, after, &mut String::new(), &mut out);
    out
}

fn walk(before: &Value, after: &Value, field: &mut String, out: &mut Vec<FieldChange>) {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        if before != after {
            out.push(FieldChange {
                field: field.clone(),
                before: before.clone(),
                after: after.clone(),
            });
        }
        return;
    };
    let mut names: Vec<&String> = old
        .keys()
        .chain(new.keys().filter(|name| !old.contains_key(*name)))
        .collect();
    names.sort_unstable();
    let base = field.len();
    for name in names {
        if !field.is_empty() {
            field.push('.');
        }
        field.push_str(name);
        let get = |map: &serde_json::Map<String, Value>| map.get(name).cloned().unwrap_or_default();
        walk(&get(old), &get(new), field, out);
        field.truncate(base);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_the_innermost_fields_that_differ() {
        let before = json!({"a": {"b": 1, "c": [1]}, "same": null, "gone": "x"});
        let after = json!({"a": {"b": 2, "c": [1]}, "new": {"d": true}});
        let found: Vec<_> = differences(&before, &after)
            .into_iter()
            .map(|change| (change.field, change.before, change.after))
            .collect();
        assert_eq!(
            found,
            [
                ("a.b".to_owned(), json!(1), json!(2)),
                ("gone".to_owned(), json!("x"), json!(null)),
                ("new".to_owned(), json!(null), json!({"d": true})),
            ]
        );
    }
}
