//! Where a rule leads: `https://api.example.com/v1`, `https://*.example.com`, or values of the config: `{base_url}/api`.

use super::{Host, Scheme, Target, normalise::parse_authority, path};
use serde_json::Value;
use std::{fmt, net::IpAddr};

/// A rule's `to`, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) scheme: Scheme,
    pub(super) host: HostPattern,
    pub(super) port: u16,
    /// Decoded segments of the base path.
    pub(super) base: Vec<String>,
}

/// Which hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPattern {
    /// This one.
    Exact(Host),
    /// One or more labels before this name.
    Below(String),
    /// Every host: `*`. A grant has to say so besides.
    Any,
}

impl HostPattern {
    /// The address, where it is just one.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Exact(host) => host.address(),
            Self::Below(_) | Self::Any => None,
        }
    }

    /// Whether a host is one of them.
    pub fn matches(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Exact(own), host) => own == host,
            (Self::Below(suffix), Host::Name(name)) => name
                .strip_suffix(suffix.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            (Self::Below(_), _) => false,
            (Self::Any, _) => true,
        }
    }
}

/// As it stands in a rule: `example.com`, `*.example.com`.
impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(host) => host.fmt(f),
            Self::Below(name) => write!(f, "*.{name}"),
            Self::Any => f.write_str("*"),
        }
    }
}

impl Place {
    pub(super) fn is_origin_of(&self, target: &Target) -> bool {
        self.host.matches(&target.host) && self.scheme == target.scheme && self.port == target.port
    }

    /// `/v1`, or nothing.
    pub(super) fn base_path(&self) -> String {
        self.base.iter().map(|segment| format!("/{segment}")).collect()
    }
}

/// The names of the config that `text` mentions as `{name}`.
///
/// # Errors
/// What is wrong with its braces.
pub(crate) fn placeholders(text: &str) -> Result<Vec<&str>, &'static str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let inner = rest[open..].strip_prefix('{').ok_or("`}` without `{`")?;
        let (name, after) = inner.split_once('}').ok_or("`{` without `}`")?;
        if name.is_empty() || name.contains('{') {
            return Err("braces without the name of a config property in them");
        }
        names.push(name);
        rest = after;
    }
    Ok(names)
}

/// Whether the host of a `to` is `*`. The config may decide its port and its path, and never this.
pub(crate) fn is_any_host(to: &str) -> bool {
    let behind = to.split_once("://").and_then(|(_, rest)| rest.strip_prefix('*'));
    behind.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
}

/// Checks a `to` without a config.
///
/// # Errors
/// What was found wrong, in words.
pub(crate) fn check_place(to: &str) -> Result<(), String> {
    let mut config = serde_json::Map::new();
    for name in placeholders(to)? {
        // A value that its place takes, so that only what is wrong with the text itself is found.
        let sample = match to.find(&format!("{{{name}}}")) {
            Some(0) => "https://tool.example.com",
            Some(at) if to[..at].ends_with(':') => "1",
            _ => "tool",
        };
        config.insert(name.to_owned(), sample.into());
    }
    resolve(to, &config.into()).map(|_| ())
}

/// Reads `to` with the values of `config`. None when it names a property that the config leaves out: the rule then leads
/// nowhere.
///
/// # Errors
/// What is wrong, in words that name the property when its value is what is wrong.
pub(super) fn resolve(to: &str, config: &Value) -> Result<Option<Place>, String> {
    let names = placeholders(to)?;
    if names.iter().any(|name| config.get(name).is_none_or(Value::is_null)) {
        return Ok(None);
    }
    if let Some(name) = names.first().filter(|name| to.starts_with(&format!("{{{name}}}"))) {
        let rest = &to[name.len() + 2..];
        if !rest.is_empty() && !rest.starts_with('/') {
            return Err(format!("`{rest}` after `{{{name}}}`, where only a path may follow"));
        }
        let url = config[name]
            .as_str()
            .ok_or_else(|| format!("a value of `{{{name}}}` that is no text"))?;
        if url.contains('*') {
            return Err(format!("`*` in the value of `{{{name}}}`"));
        }
        let mut place = parse(url).map_err(|why| format!("{why}, in the value of `{{{name}}}`"))?;
        place.base.extend(segments(&fill(rest, config, Part::Segment)?)?);
        return Ok(Some(place));
    }
    let Some((scheme, rest)) = to.split_once("://") else {
        return Err(no_scheme(to));
    };
    let cut = rest.find('/').unwrap_or(rest.len());
    let (authority, base) = rest.split_at(cut);
    let whole = names
        .first()
        .is_some_and(|name| authority.len() == name.len() + 2 && authority.starts_with('{'));
    let authority = fill(authority, config, if whole { Part::Authority } else { Part::Label })?;
    let base = fill(base, config, Part::Segment)?;
    parse(&format!("{scheme}://{authority}{base}")).map(Some)
}

/// The address of a git repository, normalised and encoded afresh, without a slash at its end; none when `from` names a property
/// that the config leaves out.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn repository(from: &str, config: &Value) -> Result<Option<String>, String> {
    let Some(place) = resolve(from, config)? else {
        return Ok(None);
    };
    let HostPattern::Exact(host) = &place.host else {
        return Err(format!("`{}`, which is many hosts", place.host));
    };
    if place.base.is_empty() {
        return Err(format!("`{host}` alone, which has no path"));
    }
    let target = Target {
        scheme: place.scheme,
        host: host.clone(),
        port: place.port,
        path: place.base_path(),
        query: None,
    };
    Ok(Some(target.to_string()))
}

/// Checks a repository's address without a config.
///
/// # Errors
/// What was found wrong, in words.
pub(crate) fn check_repository(from: &str) -> Result<(), String> {
    check_place(from)?;
    // A value of the config at its beginning brings its own path.
    if !from.starts_with('{') && placeholders(from)?.is_empty() {
        repository(from, &Value::Null)?;
    }
    Ok(())
}

fn no_scheme(to: &str) -> String {
    if to == "*" || to == "**" {
        return format!("`{to}`, which has no scheme; every host over TLS is `https://*`");
    }
    format!("`{}`, which has no scheme", crate::text::cut(to, 80))
}

/// What a value of the config stands for.
#[derive(Clone, Copy)]
enum Part {
    /// Host and port.
    Authority,
    /// Part of a host, or a port.
    Label,
    /// One segment of a path.
    Segment,
}

/// Puts values in, each only of characters that cannot end the part it stands in.
fn fill(text: &str, config: &Value, part: Part) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or("`{` without `}`")?;
        let value = match &config[name] {
            Value::String(value) => value.clone(),
            Value::Number(value) => value.to_string(),
            _ => return Err(format!("a value of `{{{name}}}` that is neither text nor a number")),
        };
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let fits = match part {
            Part::Authority => value.chars().all(|c| plain(c) || matches!(c, ':' | '[' | ']')),
            Part::Label => value.chars().all(plain),
            Part::Segment => value.chars().all(|c| plain(c) || matches!(c, '~' | ' ')) && value != "." && value != "..",
        };
        if value.is_empty() || !fits {
            let what = match part {
                Part::Authority => "a host with an optional port",
                Part::Label => "part of a host",
                Part::Segment => "one segment of a path",
            };
            let value = crate::text::cut(&value, 80).into_owned();
            return Err(format!(
                "`{value}` as the value of `{{{name}}}`, which has to be {what}"
            ));
        }
        out.push_str(before);
        out.push_str(&value);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn parse(url: &str) -> Result<Place, String> {
    let (scheme, rest) = url.split_once("://").ok_or_else(|| no_scheme(url))?;
    let scheme = Scheme::parse(scheme).map_err(|refusal| refusal.to_string())?;
    if let Some(c) = rest.chars().find(|c| matches!(c, '?' | '#')) {
        return Err(format!("`{c}`: a rule names no query and no fragment"));
    }
    let (authority, base) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = if let Some(below) = authority.strip_prefix("*.") {
        let (host, port) = parse_authority(below).map_err(|refusal| refusal.to_string())?;
        match host {
            Host::Name(name) if name.contains('.') => (HostPattern::Below(name), port),
            Host::Name(name) => return Err(format!("`*.{name}`, which is every host of a top-level domain")),
            _ => return Err("`*.` before an address".to_owned()),
        }
    } else if let Some(rest) = authority
        .strip_prefix('*')
        .filter(|rest| rest.is_empty() || rest.starts_with(':'))
    {
        // The port is read as that of a host.
        let (_, port) = parse_authority(&format!("any.invalid{rest}")).map_err(|refusal| refusal.to_string())?;
        (HostPattern::Any, port)
    } else if authority.contains('*') {
        return Err(format!(
            "`{authority}`: `*` may only stand for the first labels of a host, as in `*.example.com`"
        ));
    } else {
        let (host, port) = parse_authority(authority).map_err(|refusal| refusal.to_string())?;
        (HostPattern::Exact(host), port)
    };
    if base.contains('*') {
        return Err("`*` in the base path; patterns belong in `paths`".to_owned());
    }
    Ok(Place {
        scheme,
        host,
        port: port.unwrap_or(scheme.default_port()),
        base: segments(base)?,
    })
}

/// Decoded segments of a base path; a slash at its end says nothing.
fn segments(base: &str) -> Result<Vec<String>, String> {
    let base = base.strip_suffix('/').unwrap_or(base);
    if base.is_empty() {
        return Ok(Vec::new());
    }
    let path = path::decode(base).map_err(|refusal| refusal.to_string())?;
    Ok(path.split('/').skip(1).map(str::to_owned).collect())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::json;

    fn show(place: &Place) -> String {
        format!(
            "{} {} {} {}",
            place.scheme.as_str(),
            place.host,
            place.port,
            place.base_path()
        )
    }

    #[test]
    fn places_are_read_with_the_config() {
        let config = json!({"base_url": "HTTP://Tool.example.com:9090/graph/", "host": "db.example.com:8443", "org": "acme",
            "port": 8080, "v6": "[::1]:99"});
        for (to, expect) in [
            ("https://api.example.com", "https api.example.com 443 "),
            ("https://api.example.com:8443/v1/", "https api.example.com 8443 /v1"),
            ("http://*.example.com", "http *.example.com 80 "),
            ("https://*", "https * 443 "),
            ("https://*:8443/v1", "https * 8443 /v1"),
            ("{base_url}", "http tool.example.com 9090 /graph"),
            ("{base_url}/api/v1", "http tool.example.com 9090 /graph/api/v1"),
            ("{base_url}/{org}", "http tool.example.com 9090 /graph/acme"),
            ("https://{host}/x", "https db.example.com 8443 /x"),
            ("https://{v6}", "https [::1] 99 "),
            ("https://{org}.example.com", "https acme.example.com 443 "),
            ("https://a.example.com:{port}/{org}", "https a.example.com 8080 /acme"),
        ] {
            check_place(to).unwrap();
            assert_eq!(show(&resolve(to, &config).unwrap().unwrap()), expect, "{to}");
        }
    }

    #[test]
    fn every_host_is_known_without_the_config() {
        for any in [
            "https://*",
            "http://*:8080",
            "https://*/v1",
            "https://*:{port}",
            "https://*:{port}/{org}",
        ] {
            check_place(any).unwrap();
            assert!(is_any_host(any), "{any}");
        }
        for other in [
            "https://*.example.com",
            "{base_url}",
            "https://{host}",
            "https://a.example.com/*",
        ] {
            assert!(!is_any_host(other), "{other}");
        }
    }

    #[test]
    fn a_rule_whose_value_is_absent_leads_nowhere() {
        assert_eq!(resolve("{base_url}", &json!({})), Ok(None));
        assert_eq!(resolve("https://{host}", &json!({"host": null})), Ok(None));
    }

    #[test]
    fn wrong_places_are_refused_in_words() {
        for (to, says) in [
            ("*", "`https://*`"),
            ("https://**", "first labels"),
            ("https://*:x", "port"),
            ("https://*.com", "top-level"),
            ("https://a.*.com", "first labels"),
            ("https://*a.example.com", "first labels"),
            ("https://*.10.0.0.1", "before an address"),
            ("api.example.com", "no scheme"),
            ("ftp://api.example.com", "scheme"),
            ("https://user@example.com", "user information"),
            ("https://", "empty"),
            ("https://a?x=1", "no query"),
            ("https://a/b/../c", "dot segment"),
            ("https://a/*", "paths"),
            ("{a", "without"),
            ("a}", "without"),
            ("{}", "braces"),
            ("{base_url}x", "only a path"),
            ("https://{a}{b}@c", "user information"),
        ] {
            let why = check_place(to).unwrap_err();
            assert!(why.contains(says), "{to}: {why}");
        }
    }

    #[test]
    fn a_config_cannot_widen_a_rule() {
        for (to, config) in [
            ("https://{org}.example.com", json!({"org": "evil.com/"})),
            ("https://{org}.example.com", json!({"org": "evil.com#"})),
            ("https://{org}.example.com", json!({"org": "a@evil.com:443/x"})),
            ("https://{org}.example.com", json!({"org": "*"})),
            ("https://{host}", json!({"host": "*.example.com"})),
            ("https://{host}", json!({"host": "a/b"})),
            ("https://{host}", json!({"host": ["a"]})),
            ("https://a/{org}", json!({"org": ".."})),
            ("https://a/{org}", json!({"org": "x/y"})),
            ("https://a/{org}", json!({"org": "%2e%2e"})),
            ("https://a/{org}", json!({"org": ""})),
            ("{base_url}", json!({"base_url": "https://*.example.com"})),
            ("{base_url}", json!({"base_url": "https://u:p@example.com"})),
            ("{base_url}", json!({"base_url": "file:///etc/passwd"})),
            ("{base_url}", json!({"base_url": "example.com"})),
            ("{base_url}", json!({"base_url": 5})),
            ("{base_url}", json!({"base_url": "https://example.com/?x"})),
        ] {
            let place = resolve(to, &config);
            assert!(place.is_err(), "{to} {config}: {place:?}");
        }
    }

    #[test]
    fn a_wildcard_stands_for_one_or_more_labels() {
        let below = HostPattern::Below("example.com".to_owned());
        for (host, expect) in [
            ("a.example.com", true),
            ("a.b.example.com", true),
            ("example.com", false),
            ("aexample.com", false),
            ("example.com.evil.org", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(below.matches(&Host::parse(host).unwrap()), expect, "{host}");
        }
    }
}
