//! Addresses: written by the config's value that they begin with, and replaced where they are a machine's own.

use crate::egress::{Host, Target, normalise};
use serde_json::{Map, Value};

/// Texts that a cassette has in place of others, longest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replacements {
    pairs: Vec<(String, String)>,
}

impl Replacements {
    /// Adds addresses of the config whose host is a number or `localhost`, with a port: they differ from one recording to the
    /// next, and are nobody else's business. `{base_url: http://127.0.0.1:4242}` becomes `http://base-url.test` (RFC 6761).
    pub fn of_config(&mut self, config: &Value) {
        for (name, value) in texts(config) {
            let authority = value.split_once("://").map_or(value, |(_, rest)| rest);
            let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
            let Ok(target) = normalise("http", authority, "/") else {
                continue;
            };
            let port = authority.rsplit_once(':').map(|(_, port)| port);
            let Some(port) = port.filter(|port| port.parse::<u16>().is_ok()) else {
                continue;
            };
            let is_own = match &target.host {
                Host::Name(name) => name == "localhost",
                Host::V4(_) | Host::V6(_) => true,
            };
            if is_own {
                let instead = format!("{}.test", name.replace('_', "-").to_ascii_lowercase());
                self.add(authority, &instead);
                if target.host.to_string().starts_with("127.") {
                    self.add(&format!("localhost:{port}"), &instead);
                }
            }
        }
    }

    /// Adds a text to be replaced, as it is and percent-encoded. The first one for a text counts.
    pub fn add(&mut self, text: &str, instead: &str) {
        let encoded =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        // Dots and dashes stand for themselves in most encoders.
        let usual = |text: &str| text.replace(':', "%3A");
        for (text, instead) in [
            (text.to_owned(), instead.to_owned()),
            (usual(text), usual(instead)),
            (encoded(text), encoded(instead)),
        ] {
            if !text.is_empty() && !self.pairs.iter().any(|(known, _)| *known == text) {
                self.pairs.push((text, instead));
            }
        }
        self.pairs.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
    }

    /// How often something is replaced in `text`.
    pub fn count(&self, text: &str) -> usize {
        self.pairs
            .iter()
            .map(|(from, _)| text.matches(from.as_str()).count())
            .sum()
    }

    /// `text` with all replaced.
    pub fn text(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for (from, to) in &self.pairs {
            if out.contains(from.as_str()) {
                out = out.replace(from.as_str(), to);
            }
        }
        out
    }

    /// `bytes` with all replaced, where they are text.
    pub fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text(text).into_bytes(),
            Err(_) => bytes.to_vec(),
        }
    }

    /// A value with all replaced in its texts and names.
    pub fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text).into(),
            Value::Array(list) => list.iter().map(|one| self.value(one)).collect(),
            Value::Object(map) => {
                let pairs = map.iter().map(|(name, one)| (self.text(name), self.value(one)));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
            plain => plain.clone(),
        }
    }
}

fn texts(config: &Value) -> impl Iterator<Item = (&str, &str)> {
    let all = config.as_object().into_iter().flatten();
    all.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
}

/// A target by the config's value that it begins with: `{base_url}/api/projects`. The longest one counts.
pub(super) fn shorten(config: &Value, target: &Target) -> String {
    let whole = target.to_string();
    let mut best: Option<(usize, String)> = None;
    for (name, value) in texts(config) {
        let found = match value.split_once("://") {
            Some((scheme, rest)) => {
                let (authority, path) = rest.find('/').map_or((rest, ""), |cut| rest.split_at(cut));
                let base = normalise(scheme, authority, path).map(|base| base.to_string());
                let base = base.unwrap_or_default();
                let base = base.trim_end_matches('/');
                let rest = whole.strip_prefix(base).filter(|_| !base.is_empty());
                rest.filter(|rest| rest.starts_with(['/', '?']))
                    .map(|rest| (base.len(), format!("{{{name}}}{rest}")))
            }
            // A host by itself, with or without a port.
            None => (value == target.authority()).then(|| {
                let rest = target.path_and_query();
                (value.len(), format!("{}://{{{name}}}{rest}", target.scheme.as_str()))
            }),
        };
        if let Some(found) = found.filter(|(len, _)| best.as_ref().is_none_or(|(known, _)| len > known)) {
            best = Some(found);
        }
    }
    best.map_or(whole, |(_, short)| short)
}

/// The way back.
///
/// # Errors
/// What is wrong with it: what was expected, and what was found.
pub(super) fn lengthen(config: &Value, url: &str) -> Result<Target, (String, String)> {
    let mut whole = String::new();
    let mut rest = url;
    // Behind the first `/` of the path, or `?`, a brace is the tool's own.
    let head = url.find("://").map_or(0, |at| at + 3);
    let end = url[head..].find(['/', '?']).map_or(url.len(), |at| head + at);
    while let Some(open) = rest.find('{').filter(|open| url.len() - rest.len() + open < end) {
        let Some((name, after)) = rest[open + 1..].split_once('}') else {
            return Err((
                "`}` behind the name of a property of the config".into(),
                format!("`{url}`"),
            ));
        };
        let known: Vec<&str> = texts(config).map(|(name, _)| name).collect();
        let Some(value) = config[name].as_str() else {
            let expected = match known.as_slice() {
                [] => "an address without `{…}`, since the config has no texts".to_owned(),
                known => format!(
                    "a text of the config: {}",
                    crate::document::any_of(known.iter().copied())
                ),
            };
            return Err((expected, format!("`{{{name}}}`")));
        };
        whole.push_str(&rest[..open]);
        whole.push_str(value.trim_end_matches('/'));
        rest = after;
    }
    whole.push_str(rest);
    let expected = || "an address, such as `{base_url}/api/items?page=2`".to_owned();
    let (scheme, rest) = whole
        .split_once("://")
        .ok_or_else(|| (expected(), format!("`{whole}`")))?;
    let (authority, path) = rest.find(['/', '?']).map_or((rest, ""), |cut| rest.split_at(cut));
    let path = if path.starts_with('?') {
        format!("/{path}")
    } else {
        path.to_owned()
    };
    normalise(scheme, authority, &path).map_err(|refusal| (expected(), format!("`{whole}` ({refusal})")))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::json;

    fn target(url: &str) -> Target {
        lengthen(&json!({}), url).unwrap()
    }

    #[test]
    fn an_address_is_written_by_the_configs_value_and_read_back() {
        let config = json!({
            "base_url": "https://tool.example.com/base/", "api": "https://tool.example.com/base/api", "host": "10.0.0.1:8080",
            "team": "a", "n": 5,
        });
        for (url, short) in [
            ("https://tool.example.com/base/x?y=1", "{base_url}/x?y=1"),
            ("https://tool.example.com/base/api/x", "{api}/x"),
            ("https://tool.example.com/base?q={\"a\":1}", "{base_url}?q={\"a\":1}"),
            ("https://tool.example.com/basement", "https://tool.example.com/basement"),
            ("http://10.0.0.1:8080/x", "http://{host}/x"),
            ("https://other.example.com/{x}", "https://other.example.com/%7Bx%7D"),
        ] {
            assert_eq!(shorten(&config, &target(url)), short);
            assert_eq!(lengthen(&config, short).unwrap(), target(url), "{short}");
        }
        let (expected, found) = lengthen(&config, "{bas_url}/x").unwrap_err();
        assert!(
            expected.contains("`base_url`") && found == "`{bas_url}`",
            "{expected} {found}"
        );
        lengthen(&config, "{team}/x").unwrap_err();
        lengthen(&config, "{base_url/x").unwrap_err();
    }

    #[test]
    fn a_machines_own_addresses_are_replaced_and_others_stay() {
        let config = json!({"base_url": "http://127.0.0.1:4242/x", "other": "https://tool.example.com:8443", "host": "[::1]:99"});
        let mut replacements = Replacements::default();
        replacements.of_config(&config);
        assert_eq!(
            replacements.value(&config),
            json!({"base_url": "http://base-url.test/x", "other": "https://tool.example.com:8443", "host": "host.test"})
        );
        let body =
            "see http://127.0.0.1:4242/a, localhost:4242 and http%3A%2F%2F127.0.0.1%3A4242%2Fa, not 127.0.0.1:42";
        assert_eq!(
            replacements.text(body),
            "see http://base-url.test/a, base-url.test and http%3A%2F%2Fbase-url.test%2Fa, not 127.0.0.1:42"
        );
        assert_eq!(replacements.count(body), 3);
    }
}
