//! What of a blueprint's properties is surely a mistake, though each schema by itself is one.

use super::{Blueprint, computed::ComputedError, property::Property};
use crate::{
    document::escaped,
    text::{cut, nearest},
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Formats of texts that Port's blueprints have.
pub const PORT_FORMATS: [&str; 14] = [
    "url",
    "email",
    "idn-email",
    "date-time",
    "timer",
    "user",
    "team",
    "ipv4",
    "ipv6",
    "markdown",
    "yaml",
    "proto",
    "entity",
    "labeled-url",
];
/// Further ones that JSON Schema knows.
pub const JSON_SCHEMA_FORMATS: [&str; 14] = [
    "date",
    "time",
    "duration",
    "hostname",
    "idn-hostname",
    "uri",
    "uri-reference",
    "iri",
    "iri-reference",
    "uri-template",
    "uuid",
    "json-pointer",
    "relative-json-pointer",
    "regex",
];
/// Colours that Port's blueprints have for options.
pub const COLORS: [&str; 16] = [
    "blue",
    "turquoise",
    "orange",
    "purple",
    "pink",
    "yellow",
    "green",
    "red",
    "bronze",
    "gold",
    "silver",
    "lightGray",
    "darkGray",
    "paleBlue",
    "lime",
    "olive",
];
/// The least and the most of one thing.
const RANGES: [(&str, &str); 6] = [
    ("minimum", "maximum"),
    ("exclusiveMinimum", "exclusiveMaximum"),
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
    ("minContains", "maxContains"),
];

fn at(pointer: String, message: impl Into<String>) -> ComputedError {
    ComputedError {
        pointer,
        message: message.into(),
    }
}

/// A property's schema, or one within it, and where it stands.
type Place<'a> = (String, &'a Value);

/// The schemas of all properties, and those of lists' entries and objects' members.
fn schemas(blueprint: &Blueprint) -> Vec<Place<'_>> {
    let own = blueprint.schema.properties.iter();
    let mut todo: Vec<Place<'_>> = own
        .map(|(name, schema)| (format!("/schema/properties/{}", escaped(name)), schema))
        .collect();
    let calculated = blueprint.other.get("calculationProperties").and_then(Value::as_object);
    todo.extend(
        calculated
            .into_iter()
            .flatten()
            .map(|(name, schema)| (format!("/calculationProperties/{}", escaped(name)), schema)),
    );
    let mut out = Vec::new();
    while let Some((pointer, schema)) = todo.pop() {
        if schema["items"].is_object() {
            todo.push((format!("{pointer}/items"), &schema["items"]));
        }
        let members = schema["properties"].as_object().into_iter().flatten();
        todo.extend(members.map(|(name, member)| (format!("{pointer}/properties/{}", escaped(name)), member)));
        out.push((pointer, schema));
    }
    out.sort_by(|a, b| a.0.cmp(&b.0));
    out
}

fn known_format(format: &str) -> bool {
    PORT_FORMATS.contains(&format) || JSON_SCHEMA_FORMATS.contains(&format)
}

fn meant(format: &str) -> Option<&'static str> {
    nearest(format, PORT_FORMATS.into_iter().chain(JSON_SCHEMA_FORMATS))
}

/// What no entity could ever come up to, and what is misspelt: each with its place and what to write.
pub(super) fn mistakes(blueprint: &Blueprint, properties: &BTreeMap<String, Property>) -> Vec<ComputedError> {
    let mut out = Vec::new();
    for (pointer, schema) in schemas(blueprint) {
        out.extend(misspelt_format(&pointer, schema));
        out.extend(RANGES.iter().filter_map(|range| empty_range(&pointer, schema, *range)));
    }
    for (name, property) in properties {
        let default = literal_default(&blueprint.schema.properties[name]);
        if let Some(Err(misfit)) = default.map(|default| property.fit(&mut default.clone())) {
            let pointer = format!("/schema/properties/{}/default", escaped(name));
            out.push(at(
                pointer,
                format!("the default {}", misfit.why.replace("the mapping", "it")),
            ));
        }
    }
    out
}

/// The default of a property that is a value. Where Port's forms write an object with `jqQuery`, it is worked out when the form is
/// shown.
pub(super) fn literal_default(schema: &Value) -> Option<&Value> {
    let default = &schema["default"];
    let is_object = schema["type"] == "object";
    match default {
        Value::Null => None,
        Value::Object(fields) if fields.contains_key("jqQuery") || !is_object => None,
        value => Some(value),
    }
}

/// What properties have that no source says anything of, by name. A default that does not fit its own property is none.
pub fn defaults(properties: &BTreeMap<String, Value>) -> Map<String, Value> {
    let each = properties.iter().filter_map(|(name, schema)| {
        let mut default = literal_default(schema)?.clone();
        let property = Property::new(schema).ok()?;
        property.fit(&mut default).ok()?;
        Some((name.clone(), default))
    });
    each.collect()
}

fn misspelt_format(pointer: &str, schema: &Value) -> Option<ComputedError> {
    let format = schema["format"].as_str().filter(|format| !known_format(format))?;
    let near = meant(format)?;
    Some(at(
        format!("{pointer}/format"),
        format!("there is no format `{}`; did you mean `{near}`?", cut(format, 60)),
    ))
}

fn empty_range(pointer: &str, schema: &Value, (least, most): (&str, &str)) -> Option<ComputedError> {
    let (from, to) = (schema[least].as_f64()?, schema[most].as_f64()?);
    let is_empty = if least.starts_with("exclusive") {
        from >= to
    } else {
        from > to
    };
    is_empty.then(|| {
        let message = format!(
            "nothing is at least {} and at most {}; swap `{least}` and `{most}`, or take one away",
            schema[least], schema[most]
        );
        at(format!("{pointer}/{least}"), message)
    })
}

/// What is probably a mistake, and does no harm but to who meant something by it.
pub fn warnings(blueprint: &Blueprint) -> Vec<ComputedError> {
    let mut out = Vec::new();
    for (pointer, schema) in schemas(blueprint) {
        out.extend(strange_format(&pointer, schema));
        out.extend(options_of_another_type(&pointer, schema));
        out.extend(stray_colors(&pointer, schema));
    }
    out
}

fn strange_format(pointer: &str, schema: &Value) -> Option<ComputedError> {
    let format = schema["format"].as_str()?;
    let pointer = format!("{pointer}/format");
    if !known_format(format) && meant(format).is_none() {
        let message = format!(
            "no format `{}` is known, and values are not checked by it; there are: {}",
            cut(format, 60),
            PORT_FORMATS.join(", ")
        );
        return Some(at(pointer, message));
    }
    let kind = schema["type"].as_str()?;
    let texts = !matches!(kind, "number" | "integer" | "boolean");
    (!texts && known_format(format)).then(|| {
        let message = format!(
            "`{format}` is a format of texts, and says nothing of a {kind}; take it away, or write `type: string`"
        );
        at(pointer, message)
    })
}

fn options_of_another_type(pointer: &str, schema: &Value) -> Option<ComputedError> {
    let kind = schema["type"].as_str()?;
    let fits = |value: &Value| match kind {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        _ => true,
    };
    let options = schema["enum"].as_array()?;
    let (i, option) = options.iter().enumerate().find(|(_, option)| !fits(option))?;
    let shown = option.to_string();
    let message = format!("{} is no {kind}, so no value can ever be it", cut(&shown, 60));
    Some(at(format!("{pointer}/enum/{i}"), message))
}

fn stray_colors(pointer: &str, schema: &Value) -> Vec<ComputedError> {
    let colors = schema["enumColors"].as_object().into_iter().flatten();
    let options: Option<Vec<String>> = schema["enum"].as_array().map(|all| {
        let text = |option: &Value| option.as_str().map_or_else(|| option.to_string(), str::to_owned);
        all.iter().map(text).collect()
    });
    let mut out = Vec::new();
    for (option, color) in colors {
        let pointer = format!("{pointer}/enumColors/{}", escaped(option));
        // Options that a form works out, or that a list's entries have, are not known here.
        if let Some(options) = options.as_ref().filter(|options| !options.contains(option)) {
            let near = nearest(option, options.iter().map(String::as_str));
            let hint = near.map_or_else(
                || format!("there are: {}", cut(&options.join(", "), 200)),
                |near| format!("did you mean `{near}`?"),
            );
            out.push(at(pointer, format!("`{option}` is not in `enum`; {hint}")));
        } else if let Some(color) = color.as_str().filter(|color| !COLORS.contains(color))
            && let Some(near) = nearest(color, COLORS)
        {
            // One that is like none may be newer than this list.
            out.push(at(
                pointer,
                format!("no colour `{}` is known; did you mean `{near}`?", cut(color, 60)),
            ));
        }
    }
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::blueprint::CompiledBlueprint;
    use serde_json::json;

    fn blueprint(property: &Value) -> Blueprint {
        let whole = json!({"identifier": "service", "schema": {"properties": {"p": property}}});
        serde_json::from_value(whole).unwrap()
    }

    #[track_caller]
    fn check(found: &[ComputedError], property: &Value, wanted: Option<(&str, &str)>) {
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.pointer.as_str(), one.message.as_str()))
            .collect();
        match (wanted, found.as_slice()) {
            (None, []) => {}
            (Some((pointer, words)), [(at, message)]) => {
                assert_eq!(*at, format!("/schema/properties/p{pointer}"), "{property}");
                assert!(message.contains(words), "{property}: {message}");
            }
            _ => panic!("{property}: {found:?}"),
        }
    }

    #[test]
    fn what_no_value_can_come_up_to_and_what_is_misspelt_is_a_fault() {
        for (property, wanted) in [
            (
                json!({"type": "string", "format": "date-tme"}),
                Some(("/format", "`date-time`")),
            ),
            (
                json!({"type": "array", "items": {"type": "string", "format": "emial"}}),
                Some(("/items/format", "`email`")),
            ),
            (
                json!({"type": "number", "minimum": 3, "maximum": 2}),
                Some(("/minimum", "swap")),
            ),
            (
                json!({"type": "number", "exclusiveMinimum": 2, "exclusiveMaximum": 2}),
                Some(("/exclusiveMinimum", "swap")),
            ),
            (
                json!({"type": "string", "minLength": 9, "maxLength": 1}),
                Some(("/minLength", "swap")),
            ),
            (
                json!({"type": "array", "minItems": 9, "maxItems": 1}),
                Some(("/minItems", "swap")),
            ),
            (
                json!({"type": "string", "default": "a", "pattern": "^b"}),
                Some(("/default", "the default")),
            ),
            (
                json!({"type": "number", "default": 7, "maximum": 5}),
                Some(("/default", "the default")),
            ),
            (
                json!({"type": "string", "format": "url", "default": "here"}),
                Some(("/default", "URL")),
            ),
            (
                json!({"type": "array", "items": {"type": "string"}, "default": [1, {}]}),
                Some(("/default", "entry 1")),
            ),
            (json!({"type": "object", "default": {"jqQuery": ".form.a"}}), None),
            (json!({"type": "string", "default": {"jqQuery": ".form.a"}}), None),
            (
                json!({"type": "number", "minimum": 2, "maximum": 2, "default": 2}),
                None,
            ),
            (json!({"type": "string", "format": "x-ticket"}), None),
        ] {
            let compiled = CompiledBlueprint::new(blueprint(&property)).unwrap();
            check(compiled.faults(), &property, wanted);
        }
    }

    #[test]
    fn what_is_probably_a_mistake_is_a_warning() {
        for (property, wanted) in [
            (
                json!({"type": "string", "format": "x-ticket"}),
                Some(("/format", "not checked")),
            ),
            (
                json!({"type": "number", "format": "url"}),
                Some(("/format", "format of texts")),
            ),
            (
                json!({"type": "number", "enum": [1, "2"]}),
                Some(("/enum/1", "no number")),
            ),
            (
                json!({"type": "string", "enum": ["gold"], "enumColors": {"golt": "red"}}),
                Some(("/enumColors/golt", "`gold`")),
            ),
            (
                json!({"type": "string", "enum": ["gold"], "enumColors": {"gold": "rde"}}),
                Some(("/enumColors/gold", "`red`")),
            ),
            (json!({"type": "number", "enum": [1], "enumColors": {"1": "red"}}), None),
            (
                json!({"type": "string", "enum": {"jqQuery": "[]"}, "enumColors": {"a": "red"}}),
                None,
            ),
            (json!({"type": "string", "format": "markdown"}), None),
            (
                json!({"type": "array", "items": {"type": "string", "enum": ["a"], "enumColors": {"a": "blue"}}}),
                None,
            ),
        ] {
            check(&warnings(&blueprint(&property)), &property, wanted);
        }
    }
}
