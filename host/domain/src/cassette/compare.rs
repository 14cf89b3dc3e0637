//! How two values differ, place by place.

use crate::document::show;
use serde_json::Value;
use std::fmt;

/// One place at which two values differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Names and list places on the way there.
    pub path: Vec<String>,
    /// What was expected there; none where nothing was.
    pub expected: Option<Value>,
    /// What is there; none where nothing is.
    pub found: Option<Value>,
}

/// `pull.flag.entities[unleashFeatureFlag/a].properties.enabled: expected true, found false`
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.place();
        if !path.is_empty() {
            write!(f, "{path}: ")?;
        }
        let words = |value: &Value| match value {
            Value::String(_) | Value::Object(_) => show(value),
            Value::Array(_) => {
                let text = value.to_string();
                if text.len() <= 80 {
                    format!("`{text}`")
                } else {
                    show(value)
                }
            }
            Value::Null => "`null`".to_owned(),
            other => show(other),
        };
        match (&self.expected, &self.found) {
            (Some(expected), Some(found)) => write!(f, "expected {}, found {}", words(expected), words(found)),
            (Some(expected), None) => write!(f, "expected {}, found nothing", words(expected)),
            (None, Some(found)) => write!(f, "expected nothing, found {}", words(found)),
            (None, None) => f.write_str("no difference"),
        }
    }
}

impl Difference {
    /// Where.
    pub fn place(&self) -> String {
        let mut place = String::new();
        for step in &self.path {
            let plain = step.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
            let number = step.bytes().all(|b| b.is_ascii_digit());
            match (plain && !step.is_empty(), number, place.is_empty()) {
                (true, false, true) => place.push_str(step),
                (true, false, false) => place.push_str(&format!(".{step}")),
                _ => place.push_str(&format!("[{step}]")),
            }
        }
        place
    }
}

/// All differences, in the order of names; none where both are the same. Numbers are equal by their value: `1.0` and `1`.
pub fn compare(expected: &Value, found: &Value) -> Vec<Difference> {
    let mut out = Vec::new();
    walk(expected, found, &mut Vec::new(), &mut out);
    out
}

fn walk(expected: &Value, found: &Value, path: &mut Vec<String>, out: &mut Vec<Difference>) {
    let mut one = |path: &[String], expected: Option<&Value>, found: Option<&Value>| {
        out.push(Difference {
            path: path.to_vec(),
            expected: expected.cloned(),
            found: found.cloned(),
        });
    };
    match (expected, found) {
        (Value::Object(wanted), Value::Object(given)) => {
            let mut names: Vec<&String> = wanted.keys().chain(given.keys()).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                path.push(name.clone());
                match (wanted.get(name), given.get(name)) {
                    (Some(wanted), Some(given)) => walk(wanted, given, path, out),
                    (wanted, given) => out.push(Difference {
                        path: path.clone(),
                        expected: wanted.cloned(),
                        found: given.cloned(),
                    }),
                }
                path.pop();
            }
        }
        // Lists of the same length are compared place by place; of others the whole says more.
        (Value::Array(wanted), Value::Array(given)) if wanted.len() == given.len() => {
            for (place, (wanted, given)) in wanted.iter().zip(given).enumerate() {
                path.push(place.to_string());
                walk(wanted, given, path, out);
                path.pop();
            }
        }
        (Value::Number(wanted), Value::Number(given)) => {
            if wanted != given && (wanted.as_f64() != given.as_f64() || wanted.is_f64() == given.is_f64()) {
                one(path, Some(expected), Some(found));
            }
        }
        _ if expected == found => {}
        _ => one(path, Some(expected), Some(found)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn says_each_place_and_what_stands_there() {
        let expected = json!({"a": {"x/y": [1, 2], "same": [{"n": 1.0}], "gone": true}, "list": [1]});
        let found = json!({"a": {"x/y": [1, 3], "same": [{"n": 1}], "new": null}, "list": [1, 2]});
        let words: Vec<String> = compare(&expected, &found).iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            [
                "a.gone: expected `true`, found nothing",
                "a.new: expected nothing, found `null`",
                "a[x/y][1]: expected `2`, found `3`",
                "list: expected `[1]`, found `[1,2]`",
            ]
        );
        assert_eq!(compare(&expected, &expected), []);
    }

    #[test]
    fn large_whole_numbers_are_not_compared_as_fractions() {
        assert_eq!(
            compare(&json!(9_007_199_254_740_993_u64), &json!(9_007_199_254_740_992_u64)).len(),
            1
        );
    }
}
