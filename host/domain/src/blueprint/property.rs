//! One property's checker: the common cases by hand, the rest of JSON Schema by the `jsonschema` crate.

use super::{moment, sanitize::json_schema};
use crate::text::{cut, nearest};
use jsonschema::{PatternOptions, Validator};
use serde_json::{Number, Value};

/// Bytes of what a schema says against a value.
const SAID: usize = 200;

/// Keywords that [`Property`] looks after itself.
const OWN: [&str; 2] = ["type", "enum"];

/// A compiled property.
#[derive(Debug)]
pub(super) struct Property {
    shape: Shape,
    format: Option<Format>,
    options: Option<Vec<Value>>,
    items: Option<Box<Property>>,
    rest: Option<Validator>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Any,
    Text,
    Number,
    Integer,
    Boolean,
    List,
    Object,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Moment,
    Url,
}

/// Why a value does not fit.
#[derive(Debug)]
pub(super) struct Misfit {
    /// The rule, such as `type: number`.
    pub(super) rule: String,
    /// What is the matter and what to do, as the end of a sentence about the value.
    pub(super) why: String,
}

/// Why a property's schema is none.
pub(super) struct Wrong {
    /// The field of the schema that is wrong; empty where it is the whole.
    pub(super) field: &'static str,
    /// What is wrong, and what to do.
    pub(super) reason: String,
}

impl From<String> for Wrong {
    fn from(reason: String) -> Self {
        Self { field: "", reason }
    }
}

/// Types that a property may have: Port's, and JSON Schema's whole numbers.
const TYPES: [&str; 6] = ["string", "number", "boolean", "object", "array", "integer"];

/// What says something of values and would be passed over where it cannot be understood: a type that is none, options that
/// are no list, a default that the property itself refuses.
fn sensible(schema: &Value) -> Result<(), Wrong> {
    let wrong = |field, expected: &str| {
        let found = schema[field].to_string();
        let reason = format!("expected {expected}, found {}", cut(&found, 60));
        Err(Wrong { field, reason })
    };
    match &schema["type"] {
        Value::Null => {}
        Value::String(given) if TYPES.contains(&given.as_str()) => {}
        // So do some of Port's own blueprints, which mean the options beside it.
        Value::String(given) if given == "enum" && schema["enum"].is_array() => {}
        other => {
            let meant = nearest(other.as_str().unwrap_or_default(), TYPES);
            let meant = meant.map(|m| format!(" (did you mean `{m}`?)")).unwrap_or_default();
            return wrong("type", &format!("one of {}{meant}", TYPES.join(", ")));
        }
    }
    match &schema["enum"] {
        Value::Null => {}
        Value::Array(options) if !options.is_empty() => {}
        // Where Port's forms write an object, the options are worked out when the form is shown.
        Value::Object(_) => {}
        _ => return wrong("enum", "a list of the values that are allowed"),
    }
    let default = &schema["default"];
    let fits = match schema["type"].as_str() {
        Some("string") => default.is_string(),
        Some("number") => default.is_number(),
        Some("integer") => default.is_i64() || default.is_u64(),
        Some("boolean") => default.is_boolean(),
        Some("array") => default.is_array(),
        _ => true,
    };
    // Where Port's forms write an object, it is an expression that is worked out when the form is shown.
    if default.is_null() || default.is_object() {
        return Ok(());
    }
    if !fits {
        let kind = schema["type"].as_str().unwrap_or_default();
        return wrong("default", &format!("a default of the property's type, {kind}"));
    }
    match schema["enum"].as_array() {
        Some(options) if !default.is_array() && !options.contains(default) => {
            wrong("default", "a default that `enum` allows")
        }
        _ => Ok(()),
    }
}

impl Property {
    /// Compiles a property's schema.
    pub(super) fn new(schema: &Value) -> Result<Self, Wrong> {
        if !schema.is_object() {
            let shown = schema.to_string();
            return Err(Wrong::from(format!(
                "its schema is {}; write an object such as `{{\"type\": \"string\"}}`",
                cut(&shown, 60)
            )));
        }
        sensible(schema)?;
        let shape = match schema["type"].as_str() {
            Some("string") => Shape::Text,
            Some("number") => Shape::Number,
            Some("integer") => Shape::Integer,
            Some("boolean") => Shape::Boolean,
            Some("array") => Shape::List,
            Some("object") => Shape::Object,
            _ => Shape::Any,
        };
        let format = match schema["format"].as_str() {
            Some("date-time" | "timer") => Some(Format::Moment),
            Some("url") => Some(Format::Url),
            _ => None,
        };
        let items = match &schema["items"] {
            items @ Value::Object(_) if shape == Shape::List => {
                let items = Self::new(items).map_err(|e| format!("`items`: {}", e.reason))?;
                Some(Box::new(items))
            }
            _ => None,
        };
        let options = schema["enum"].as_array().cloned();
        let mut rest = json_schema(schema);
        if let Value::Object(map) = &mut rest {
            map.retain(|key, _| {
                !(OWN.contains(&key.as_str()) && (key != "type" || shape != Shape::Any)
                    || (key == "format" && (format.is_some() || shape != Shape::Text))
                    || (key == "items" && items.is_some()))
            });
        }
        let rest = if rest.as_object().is_some_and(serde_json::Map::is_empty) {
            None
        } else {
            Some(validator(&rest)?)
        };
        Ok(Self {
            shape,
            format,
            options,
            items,
            rest,
        })
    }

    /// Makes `value` fit where that loses nothing; gives the number of conversions.
    pub(super) fn fit(&self, value: &mut Value) -> Result<u64, Misfit> {
        let mut converted = u64::from(self.convert(value)?);
        if let (Some(items), Value::Array(all)) = (&self.items, &mut *value) {
            for (i, item) in all.iter_mut().enumerate() {
                converted += items.fit(item).map_err(|m| Misfit {
                    rule: format!("items: {}", m.rule),
                    why: format!("its entry {i} {}", m.why),
                })?;
            }
        }
        if let (Some(format), Some(text)) = (self.format, value.as_str())
            && let Some(better) = format.check(text)?
        {
            *value = better.into();
            converted += 1;
        }
        if let Some(options) = &self.options {
            converted += u64::from(choose(options, value)?);
        }
        if let Some(rest) = &self.rest {
            rest.validate(value).map_err(|error| {
                let rule = error.schema_path().to_string();
                let rule = rule.trim_start_matches('/').replace('/', ".");
                let what = if rule == "format" {
                    format!("format: {}", error.to_string().rsplit('"').nth(1).unwrap_or_default())
                } else {
                    rule
                };
                let at = error.instance_path().to_string();
                let at = if at.is_empty() {
                    String::new()
                } else {
                    format!(" at `{at}`")
                };
                let said = error.to_string();
                // A long value would take the place of what is wrong with it.
                let said = if said.len() > SAID {
                    error.masked_with("it").to_string()
                } else {
                    said
                };
                Misfit {
                    rule: what,
                    why: format!("breaks the schema{at}: {}", cut(&said, SAID)),
                }
            })?;
        }
        Ok(converted)
    }

    fn convert(&self, value: &mut Value) -> Result<bool, Misfit> {
        let better = match (self.shape, &*value) {
            (Shape::Any, _)
            | (Shape::Text, Value::String(_))
            | (Shape::Number, Value::Number(_))
            | (Shape::Boolean, Value::Bool(_))
            | (Shape::List, Value::Array(_))
            | (Shape::Object, Value::Object(_)) => return Ok(false),
            (Shape::Integer, Value::Number(n)) if n.is_i64() || n.is_u64() => return Ok(false),
            (Shape::Integer, Value::Number(n)) => whole(n).map(Value::Number),
            (Shape::Text, Value::Number(n)) => Some(n.to_string().into()),
            (Shape::Text, Value::Bool(b)) => Some(b.to_string().into()),
            (Shape::Number, Value::String(s)) => number(s).map(Value::Number),
            (Shape::Integer, Value::String(s)) => number(s).and_then(|n| whole(&n)).map(Value::Number),
            (Shape::Boolean, Value::String(s)) => match s.as_str() {
                "true" => Some(true.into()),
                "false" => Some(false.into()),
                _ => None,
            },
            _ => None,
        };
        match better {
            Some(better) => {
                *value = better;
                Ok(true)
            }
            None => Err(self.wrong_type(value)),
        }
    }

    fn wrong_type(&self, value: &Value) -> Misfit {
        let (wanted, words) = match self.shape {
            Shape::Any => ("any", "anything"),
            Shape::Text => ("string", "a text"),
            Shape::Number => ("number", "a number"),
            Shape::Integer => ("integer", "a whole number"),
            Shape::Boolean => ("boolean", "`true` or `false`"),
            Shape::List => ("array", "a list"),
            Shape::Object => ("object", "an object"),
        };
        let (found, advice) = match (value, self.shape) {
            (Value::Null, _) => ("null", "drop it in the mapping, as `map(select(. != null))` does"),
            (Value::Bool(_), _) => ("a boolean", "change the mapping, or the property's type to `boolean`"),
            (Value::Number(_), Shape::Boolean) => ("a number", "compare it in the mapping, as `. != 0` does"),
            (Value::Number(_), _) => ("a number", "change the mapping, or the property's type to `number`"),
            (Value::String(_), Shape::List) => ("a text", "make it a list in the mapping: `[…]` or `split(\",\")`"),
            (Value::String(_), _) => ("a text", "change the mapping, or the property's type to `string`"),
            (Value::Array(_), Shape::Text) => (
                "a list",
                "join it in the mapping with `join(\", \")`, or change the property's type to `array`",
            ),
            (Value::Array(_), Shape::Number | Shape::Integer) => (
                "a list",
                "count it in the mapping with `length`, or change the property's type to `array`",
            ),
            (Value::Array(_), _) => ("a list", "change the mapping, or the property's type to `array`"),
            (Value::Object(_), Shape::Text) => (
                "an object",
                "name one of its fields in the mapping, or write it as text with `tojson`",
            ),
            (Value::Object(_), _) => (
                "an object",
                "name one of its fields in the mapping, or change the property's type to `object`",
            ),
        };
        Misfit {
            rule: format!("type: {wanted}"),
            why: format!("is {found} where {words} is wanted; {advice}"),
        }
    }
}

impl Format {
    /// A better way to write `text`, if it needs one.
    fn check(self, text: &str) -> Result<Option<String>, Misfit> {
        match self {
            Self::Moment => match moment::rfc3339(text) {
                Some(same) if same == text => Ok(None),
                Some(better) => Ok(Some(better)),
                None => Err(Misfit {
                    rule: "format: date-time".into(),
                    why: "is no date with time and offset, such as `2024-01-31T10:00:00Z`; change the mapping, \
                          or take the format from the property"
                        .into(),
                }),
            },
            Self::Url => match url::Url::parse(text) {
                Ok(_) => Ok(None),
                Err(_) => Err(Misfit {
                    rule: "format: url".into(),
                    why: "is no absolute URL, such as `https://example.com/a`; put scheme and host before it in the \
                          mapping, or take the format from the property"
                        .into(),
                }),
            },
        }
    }
}

/// Whether `value` had to be converted to be one of `options`.
fn choose(options: &[Value], value: &mut Value) -> Result<bool, Misfit> {
    let same = |a: &Value, b: &Value| a == b || (a.is_number() && b.is_number() && a.as_f64() == b.as_f64());
    if options.iter().any(|o| same(o, value)) {
        return Ok(false);
    }
    // A property whose only rule is `enum` tells its type by its options.
    let text = match &*value {
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    };
    if let Some(found) = text.and_then(|t| options.iter().find(|o| o.as_str() == Some(t.as_str()))) {
        *value = found.clone();
        return Ok(true);
    }
    let words: Vec<&str> = options.iter().filter_map(Value::as_str).collect();
    let given = value.as_str().unwrap_or_default();
    let near = words
        .iter()
        .copied()
        .find(|w| w.eq_ignore_ascii_case(given))
        .or_else(|| nearest(given, words.iter().copied()));
    let all: Vec<String> = options
        .iter()
        .take(12)
        .map(|o| o.as_str().map_or_else(|| o.to_string(), str::to_owned))
        .collect();
    let more = if options.len() > 12 { ", …" } else { "" };
    let meant = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
    Err(Misfit {
        rule: "enum".into(),
        why: format!(
            "is none of {}{more}{meant}; change the mapping, or add it to the property's `enum`",
            all.join(", ")
        ),
    })
}

/// A number that JSON would write as `text` and that this process can hold exactly.
fn number(text: &str) -> Option<Number> {
    let n: Number = serde_json::from_str(text).ok()?;
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    // 15 digits survive a 64-bit float both ways.
    let exact = n.is_i64() || n.is_u64() || (digits <= 15 && n.as_f64().is_some_and(f64::is_finite));
    (exact && text.trim() == text).then_some(n)
}

/// 1.0 as 1.
fn whole(n: &Number) -> Option<Number> {
    if n.is_i64() || n.is_u64() {
        return Some(n.clone());
    }
    let f = n.as_f64()?;
    (f.fract() == 0.0 && f.abs() <= 9_007_199_254_740_992.0).then(|| (f as i64).into())
}

fn validator(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .offline()
        .should_validate_formats(true)
        .should_ignore_unknown_formats(true)
        .with_format("url", |s: &str| url::Url::parse(s).is_ok())
        .with_format("timer", |s: &str| moment::rfc3339(s).is_some())
        .with_pattern_options(
            PatternOptions::fancy_regex()
                .backtrack_limit(100_000)
                .size_limit(1 << 20),
        )
        .build(schema)
        .map_err(|e| {
            let at = e.instance_path().to_string();
            format!(
                "its schema is no JSON Schema{}: {}",
                if at.is_empty() { at } else { format!(" at `{at}`") },
                cut(&e.to_string(), 300)
            )
        })
}
