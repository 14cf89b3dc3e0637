//! Places of a cassette that a person should look at before it is shown to others.

use super::Cassette;
use serde_json::Value;

/// A field whose name has one of these in it may hold what nobody else should see. Compared without dashes and underscores.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "secret",
    "privatekey",
    "apikey",
    "accesskey",
    "credential",
];
/// Tokens that only say where a list goes on.
const PAGES: &[&str] = &["pagetoken", "continuationtoken", "nexttoken", "synctoken"];

/// Fields of answers that look like secrets and are not cut out: `GET {base_url}/api/users: users[0].password`. At most 20.
pub fn suspicious(cassette: &Cassette) -> Vec<String> {
    let mut found = Vec::new();
    for exchange in &cassette.exchanges {
        for body in [&exchange.request.body, &exchange.response.body] {
            if let Some(value) = body.value() {
                walk(&value, &mut String::new(), &mut |path| {
                    found.push(format!("{}: {path}", exchange.request.line()));
                });
            }
        }
    }
    found.dedup();
    found.truncate(20);
    found
}

fn walk(value: &Value, path: &mut String, found: &mut dyn FnMut(&str)) {
    let length = path.len();
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
                match inner {
                    Value::String(text) if is_secretive(name) && !text.trim_matches('*').is_empty() => found(path),
                    other => walk(other, path, found),
                }
                path.truncate(length);
            }
        }
        Value::Array(list) => {
            for (place, inner) in list.iter().enumerate() {
                path.push_str(&format!("[{place}]"));
                walk(inner, path, found);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

fn is_secretive(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let name = name.to_ascii_lowercase();
    let is_token = name.ends_with("token") && !PAGES.iter().any(|page| name.ends_with(page));
    is_token || NAMES.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_fields_that_look_like_secrets() {
        let value = json!({"users": [{"name": "a", "password": "x", "api-key": "*****", "token": 5}],
            "next_page_token": "abc", "access_token": "x", "secretName": ""});
        let mut found = Vec::new();
        walk(&value, &mut String::new(), &mut |path| found.push(path.to_owned()));
        assert_eq!(found, ["access_token", "users[0].password"]);
    }
}
