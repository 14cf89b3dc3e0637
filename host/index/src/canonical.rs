//! Arrays and objects as text: canonical JSON (members sorted, whole floats as integers), without the outer brackets
//! and with [`SEPARATOR`] between the outer parts. JSON text holds no raw control character, so the separator cannot
//! occur in a part, and since it is below every other character a shorter array comes before its continuation.

use seawall_domain::query::Num;
use serde_json::{Map, Value};

/// Between an array's elements and between an object's members.
pub(crate) const SEPARATOR: char = '\u{1}';

/// The text of an array, and how many bytes of it are whole leading elements within `cap`.
pub(crate) fn array(elements: &[Value], cap: usize) -> (String, usize) {
    join(elements.iter(), cap, write)
}

/// The text of an array of strings, and how many bytes of it are whole leading elements within `cap`.
pub(crate) fn strings<'a>(elements: impl Iterator<Item = &'a str>, cap: usize) -> (String, usize) {
    join(elements, cap, write_string)
}

/// The text of an object, and how many bytes of it are whole leading members within `cap`.
pub(crate) fn object(members: &Map<String, Value>, cap: usize) -> (String, usize) {
    join(sorted(members).into_iter(), cap, |(name, value), out| {
        write_member(name, value, out)
    })
}

/// Reads the text of an array back.
pub(crate) fn parse_array(text: &str) -> Value {
    parse(&format!("[{}]", text.replace(SEPARATOR, ",")))
}

/// Reads the text of an object back.
pub(crate) fn parse_object(text: &str) -> Value {
    parse(&format!("{{{}}}", text.replace(SEPARATOR, ",")))
}

/// Only ever given what this module wrote.
fn parse(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|_| Value::String(json.to_owned()))
}

fn join<T>(parts: impl Iterator<Item = T>, cap: usize, mut write: impl FnMut(T, &mut String)) -> (String, usize) {
    let mut text = String::with_capacity(64);
    let mut whole = 0;
    let mut fits = true;
    for (number, part) in parts.enumerate() {
        if number > 0 {
            text.push(SEPARATOR);
        }
        write(part, &mut text);
        fits &= text.len() <= cap;
        if fits {
            whole = text.len();
        }
    }
    (text, whole)
}

fn sorted(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    members
}

fn write_member(name: &str, value: &Value, out: &mut String) {
    write_string(name, out);
    out.push(':');
    write(value, out);
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Number(number) => out.push_str(&Num::new(number).to_value().to_string()),
        Value::Array(elements) => {
            out.push('[');
            for (number, element) in elements.iter().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                write(element, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (number, (name, value)) in sorted(members).into_iter().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                write_member(name, value, out);
            }
            out.push('}');
        }
        Value::String(text) => write_string(text, out),
        Value::Null | Value::Bool(_) => out.push_str(&value.to_string()),
    }
}

fn write_string(text: &str, out: &mut String) {
    // Most strings need no escapes, and there are two or three in every entity.
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&Value::from(text).to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_are_sorted_and_whole_floats_are_integers() {
        let value = json!({"b": [1.0, {"d": 1, "c": "x\u{1}\"y"}], "a": null});
        let (text, whole) = object(value.as_object().unwrap_or(&Map::new()), 256);
        assert_eq!(text, "\"a\":null\u{1}\"b\":[1,{\"c\":\"x\\u0001\\\"y\",\"d\":1}]");
        assert_eq!(whole, text.len());
        assert_eq!(
            parse_object(&text),
            json!({"a": null, "b": [1, {"c": "x\u{1}\"y", "d": 1}]})
        );
    }

    #[test]
    fn the_cap_falls_between_elements() {
        let (text, whole) = array(&[json!("aaaa"), json!("bbbb")], 8);
        assert_eq!((&text[..whole], text.len()), ("\"aaaa\"", 13));
        assert_eq!(parse_array(&text), json!(["aaaa", "bbbb"]));
        assert_eq!(array(&[json!("too long for it")], 8).1, 0);
    }
}
