//! Equality of values, and the way into objects.

use super::num::Num;
use serde_json::Value;
use std::borrow::Cow;

/// Numbers by value, texts exactly, lists entry by entry, objects whatever the order of their members.
pub fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => Num::new(a) == Num::new(b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(name, value)| b.get(name).is_some_and(|other| equal(value, other)))
        }
        _ => a == b,
    }
}

/// What is found at a path in a value: member by member; through a list, all that its entries have there, as one list. None
/// where there is nothing but null.
pub fn along<'a>(value: &'a Value, path: &[String]) -> Option<Cow<'a, Value>> {
    let Some((first, rest)) = path.split_first() else {
        return (!value.is_null()).then_some(Cow::Borrowed(value));
    };
    match value {
        Value::Object(members) => along(members.get(first)?, rest),
        Value::Array(entries) => {
            let mut found = Vec::new();
            for at in entries.iter().filter_map(|entry| along(entry, path)) {
                match at.into_owned() {
                    Value::Array(more) => found.extend(more),
                    one => found.push(one),
                }
            }
            (!found.is_empty()).then_some(Cow::Owned(Value::Array(found)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_goes_through_objects_and_lists() {
        let value = json!({"a": {"b": 1}, "l": [{"u": "x"}, {"u": ["y", "z"]}, 3, {"u": null}], "n": null});
        let at = |path: &str| {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            along(&value, &path).map(Cow::into_owned)
        };
        assert_eq!(at("a.b"), Some(json!(1)));
        assert_eq!(at("l.u"), Some(json!(["x", "y", "z"])));
        for nothing in ["n", "a.c", "a.b.c", "l.w", "l.u.v"] {
            assert_eq!(at(nothing), None, "{nothing}");
        }
    }
}
