//! JSON on the lines that people read best. Only white space between its tokens is changed: a number keeps its digits and a
//! name that is there twice stays so, which reading and writing it as values would not do.

use serde_json::value::RawValue;

/// What fits on a line stays on one.
const WIDTH: usize = 100;
const STEP: usize = 2;

/// `text` on several lines; none where it is no JSON object or list. What is `"a text"` or `5` alone is text as well.
pub(super) fn layout(text: &str) -> Option<String> {
    let trimmed = text.trim_start();
    if !trimmed.starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str::<&RawValue>(text).ok()?;
    let tokens = tokens(trimmed);
    let mut out = String::with_capacity(text.len() * 2);
    let mut at = 0;
    value(&tokens, &mut at, 0, &mut out);
    Some(out)
}

/// Without white space between tokens: as most tools send it.
pub(super) fn compact(text: &str) -> String {
    tokens(text).concat()
}

/// Brackets, commas, colons, and everything else as it stands.
fn tokens(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let from = at;
        match bytes[at] {
            b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            b'{' | b'}' | b'[' | b']' | b',' | b':' => at += 1,
            b'"' => {
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            _ => {
                while at < bytes.len() && !b" \t\n\r{}[],:\"".contains(&bytes[at]) {
                    at += 1;
                }
            }
        }
        at = at.min(bytes.len());
        out.push(&text[from..at]);
    }
    out
}

/// Where the value that begins at `at` ends.
fn end_of(tokens: &[&str], at: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, token) in tokens[at..].iter().enumerate() {
        match *token {
            "{" | "[" => depth += 1,
            "}" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + offset + 1;
        }
    }
    tokens.len()
}

/// The value on one line, unless it is longer than a line.
fn on_one_line(tokens: &[&str], room: usize) -> Option<String> {
    let mut line = String::new();
    for token in tokens {
        line.push_str(token);
        if matches!(*token, "," | ":") {
            line.push(' ');
        }
        if line.len() > room {
            return None;
        }
    }
    Some(line)
}

fn value(tokens: &[&str], at: &mut usize, indent: usize, out: &mut String) {
    let Some(first) = tokens.get(*at) else { return };
    let end = end_of(tokens, *at);
    let closing = match *first {
        "{" => "}",
        "[" => "]",
        plain => {
            out.push_str(plain);
            *at += 1;
            return;
        }
    };
    let used = out.len() - out.rfind('\n').map_or(0, |line| line + 1);
    if let Some(line) = on_one_line(&tokens[*at..end], WIDTH.saturating_sub(used)) {
        out.push_str(&line);
        *at = end;
        return;
    }
    out.push_str(first);
    *at += 1;
    while *at < end && tokens[*at] != closing {
        out.push('\n');
        out.push_str(&" ".repeat(indent + STEP));
        if closing == "}" {
            out.push_str(tokens[*at]);
            out.push_str(": ");
            *at += 2;
        }
        value(tokens, at, indent + STEP, out);
        if tokens.get(*at) == Some(&",") {
            out.push(',');
            *at += 1;
        }
    }
    out.push('\n');
    out.push_str(&" ".repeat(indent));
    out.push_str(closing);
    *at = end;
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn short_values_stay_on_a_line_and_long_ones_are_opened() {
        let long = "x".repeat(90);
        let text = format!(r#"{{"b":[1.0,1e400,12345678901234567890123],"a":{{"name":"{long}","n":null}},"a":[]}}"#);
        // 1e400 is no number that a program can hold, and RawValue does not ask for one.
        let expected = format!(
            "{{\n  \"b\": [1.0, 1e400, 12345678901234567890123],\n  \"a\": {{\n    \"name\": \"{long}\",\n    \"n\": null\n  }},\n  \"a\": []\n}}"
        );
        assert_eq!(layout(&text).unwrap(), expected);
    }

    #[test]
    fn what_is_no_object_or_list_is_left_alone() {
        for text in ["5", "\"a\"", "{\"a\":", "[1] 2", "{'a': 1}", "<html>"] {
            assert_eq!(layout(text), None, "{text}");
        }
        assert_eq!(layout(" [ ] ").unwrap(), "[]");
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,40}[\"\\\\\n\t,:{}]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map("[a-z\"]{0,5}", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_says_what_it_said(value in json()) {
            for text in [value.to_string(), format!("{value:#}")] {
                if let Some(laid) = layout(&text) {
                    prop_assert_eq!(serde_json::from_str::<Value>(&laid).unwrap(), value.clone());
                    prop_assert_eq!(compact(&laid), value.to_string());
                    prop_assert_eq!(layout(&laid).unwrap(), laid);
                }
            }
        }
    }
}
