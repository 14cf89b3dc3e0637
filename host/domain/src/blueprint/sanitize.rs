//! Port's property schemas as JSON Schema: what is no keyword of it is dropped.

use serde_json::{Map, Value};

const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "array", "object", "null"];
/// Keywords whose value is kept as it is.
const PLAIN: [&str; 22] = [
    "const",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minContains",
    "maxContains",
    "minProperties",
    "maxProperties",
    "required",
    "dependentRequired",
    "format",
    "$ref",
    "$schema",
];
/// Keywords that hold a schema, a list of schemas, or schemas by name.
const ONE: [&str; 9] = [
    "items",
    "contains",
    "additionalProperties",
    "propertyNames",
    "not",
    "if",
    "then",
    "else",
    "additionalItems",
];
const LIST: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
const NAMED: [&str; 5] = [
    "properties",
    "patternProperties",
    "dependentSchemas",
    "$defs",
    "definitions",
];

/// The JSON Schema in `schema`. A type that JSON Schema does not know constrains nothing, and neither does an `enum` that is
/// computed.
pub(super) fn json_schema(schema: &Value) -> Value {
    let Value::Object(map) = schema else {
        // `true` and `false` are schemas; anything else says nothing.
        return if schema.is_boolean() {
            schema.clone()
        } else {
            Value::Bool(true)
        };
    };
    let mut out = Map::new();
    for (key, value) in map {
        let key_str = key.as_str();
        let kept = if key_str == "type" {
            types(value)
        } else if matches!(key_str, "enum" | "required") && !value.is_array() {
            None
        } else if PLAIN.contains(&key_str) {
            Some(value.clone())
        } else if ONE.contains(&key_str) {
            match value {
                Value::Array(all) => Some(all.iter().map(json_schema).collect()),
                one => Some(json_schema(one)),
            }
        } else if LIST.contains(&key_str) {
            value.as_array().map(|all| all.iter().map(json_schema).collect())
        } else if NAMED.contains(&key_str) {
            value
                .as_object()
                .map(|all| all.iter().map(|(k, v)| (k.clone(), json_schema(v))).collect())
        } else {
            None
        };
        if let Some(kept) = kept {
            out.insert(key.clone(), kept);
        }
    }
    Value::Object(out)
}

fn types(value: &Value) -> Option<Value> {
    let known = |v: &Value| v.as_str().is_some_and(|t| TYPES.contains(&t));
    match value {
        Value::Array(all) if !all.is_empty() && all.iter().all(known) => Some(value.clone()),
        one if known(one) => Some(value.clone()),
        _ => None,
    }
}
