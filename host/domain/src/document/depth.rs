//! How deep documents may be nested: one bound at every door, so that what is taken at one is taken at the others.

use super::push;
use serde_json::Value;

/// Objects and lists of a definition or an entity, one within another, may not be more, the outermost among them. Below what JSON's
/// readers take by themselves (128), since answers put lists and objects around it.
pub const MAX_DEPTH: usize = 100;

/// The place of the first object or list that is nested deeper than so many levels, as a JSON Pointer.
pub fn too_deep(value: &Value, most: usize) -> Option<String> {
    let mut pointer = String::new();
    found(value, most, &mut pointer).then_some(pointer)
}

/// Whether there is one; then `pointer` leads to it.
fn found(value: &Value, left: usize, pointer: &mut String) -> bool {
    let end = pointer.len();
    let mut below = |name: &str, value: &Value| {
        push(pointer, name);
        let deep = found(value, left.saturating_sub(1), pointer);
        if !deep {
            pointer.truncate(end);
        }
        deep
    };
    match value {
        Value::Array(_) | Value::Object(_) if left == 0 => true,
        Value::Array(all) => all.iter().enumerate().any(|(i, value)| below(&i.to_string(), value)),
        Value::Object(all) => all.iter().any(|(name, value)| below(name, value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_value_that_is_too_deep_is_named() {
        let value = json!({"a": 1, "b": [{}, {"c/d": []}]});
        assert_eq!(too_deep(&value, 4), None);
        assert_eq!(too_deep(&value, 3).as_deref(), Some("/b/1/c~1d"));
        assert_eq!(too_deep(&value, 2).as_deref(), Some("/b/0"));
        assert_eq!(too_deep(&value, 0).as_deref(), Some(""));
        assert_eq!(too_deep(&json!("text"), 0), None);
    }
}
