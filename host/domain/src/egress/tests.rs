//! The door as a whole.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::{
    Digest,
    grant::Grant,
    manifest::{self, Manifest},
};
use proptest::prelude::*;
use serde_json::{Value, json};

const MANIFEST: &str = r#"
name: tool
version: 0.1.0
roles: [ingestor]
kinds: {thing: {}}
config:
  type: object
  properties:
    base_url: {type: string}
    hub: {type: string, default: "https://hub.example.com"}
    extra: {type: string}
credentials: {token: {attach: bearer}, other: {attach: basic}}
capabilities:
  network:
    - to: "{base_url}/api"
      methods: [GET]
      paths: ["/v1/things/*", "/v1/all/**"]
      credential: token
    - to: https://*.example.org
      methods: [GET, POST]
    - to: "{hub}"
      credential: other
    - to: "{extra}"
"#;

fn manifest() -> Manifest {
    manifest::parse("plugin.yaml", MANIFEST).unwrap()
}

fn config() -> Value {
    json!({"base_url": "http://tool.internal:8080/root/"})
}

fn as_asked() -> Grant {
    Grant::as_asked(Digest::of(b""), &manifest())
}

fn target(url: &str) -> Target {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    normalise(scheme, authority, path).unwrap()
}

fn decide(grant: &Grant, method: &str, url: &str) -> Decision {
    Door::compile(&manifest(), grant, &config())
        .unwrap()
        .decide(method, &target(url))
}

#[track_caller]
fn allows(method: &str, url: &str, rule: usize, credential: Option<&str>, template: &str) {
    let credential = credential.map(|name| name.parse().unwrap());
    match decide(&as_asked(), method, url) {
        Decision::Allowed {
            rule: by,
            credential: attached,
            path_template,
            pattern,
            any_host: false,
        } => {
            assert_eq!((by, attached, path_template.as_str()), (rule, credential, template));
            assert!(path_template.ends_with(&pattern), "{path_template} and {pattern}");
        }
        other => panic!("{method} {url}: {other:?}"),
    }
}

#[track_caller]
fn refuses(method: &str, url: &str, says: &str, expect: Option<usize>) {
    match decide(&as_asked(), method, url) {
        Decision::Refused { reason, nearest, .. } => {
            assert!(reason.contains(says), "{reason}");
            assert_eq!(nearest, expect);
        }
        allowed @ Decision::Allowed { .. } => panic!("{url}: {allowed:?}"),
    }
}

#[test]
fn what_is_asked_and_granted_is_allowed() {
    allows(
        "GET",
        "http://tool.internal:8080/root/api/v1/things/7?x=1",
        0,
        Some("token"),
        "/root/api/v1/things/*",
    );
    allows(
        "GET",
        "http://TOOL.internal.:8080/root/api/v1/all",
        0,
        Some("token"),
        "/root/api/v1/all/**",
    );
    allows("POST", "https://a.b.example.org/x/y", 1, None, "/**");
    allows("GET", "https://hub.example.com/", 2, Some("other"), "/**");
}

#[test]
fn everything_else_is_refused_with_the_nearest_rule() {
    refuses(
        "POST",
        "http://tool.internal:8080/root/api/v1/things/7",
        "does not allow the method POST",
        Some(0),
    );
    refuses(
        "get",
        "http://tool.internal:8080/root/api/v1/things/7",
        "does not allow the method get",
        Some(0),
    );
    refuses(
        "GET",
        "http://tool.internal:8080/root/api/v2",
        "no path of `{base_url}/api` matches `/root/api/v2`",
        Some(0),
    );
    refuses("GET", "http://tool.internal:8080/v1/things/7", "no path", Some(0));
    refuses(
        "GET",
        "https://tool.internal:8080/root/api/v1/all",
        "allows http, not https",
        Some(0),
    );
    refuses(
        "GET",
        "http://tool.internal/root/api/v1/all",
        "allows port 8080, not 80",
        Some(0),
    );
    refuses(
        "GET",
        "https://example.org/",
        "no rule of the manifest leads to `example.org`",
        Some(1),
    );
    refuses(
        "GET",
        "https://hub.exmple.com/",
        "no rule of the manifest leads to `hub.exmple.com`",
        Some(2),
    );
    refuses(
        "GET",
        "https://evil.test/",
        "no rule of the manifest leads to `evil.test`",
        None,
    );
    refuses("GET", "https://hub.example.com.evil.test/", "no rule", None);
    refuses("GET", "https://еxample.org/", "no rule", None);
    refuses("GET", "http://127.0.0.1:8080/root/api/v1/all", "no rule", None);
}

#[test]
fn a_grant_narrows() {
    let mut grant = as_asked();
    grant.capabilities.network.remove(1);
    grant.capabilities.network[0].paths = vec!["/v1/things/1".to_owned()];
    let url = "http://tool.internal:8080/root/api/v1/things/";
    assert!(matches!(
        decide(&grant, "GET", &format!("{url}1")),
        Decision::Allowed { rule: 0, .. }
    ));
    for (url, rule) in [(format!("{url}2"), 0), ("https://a.example.org/".to_owned(), 1)] {
        let Decision::Refused { reason, nearest, .. } = decide(&grant, "GET", &url) else {
            panic!("{url}")
        };
        assert_eq!(nearest, Some(rule));
        assert!(reason.contains("but the grant does not allow it"), "{reason}");
    }
    grant.capabilities.network.clear();
    assert!(matches!(
        decide(&grant, "GET", "https://hub.example.com/"),
        Decision::Refused { .. }
    ));
}

#[test]
fn a_grant_does_not_widen() {
    let mut grant = as_asked();
    grant.capabilities.network[1].to = "https://evil.test".to_owned();
    grant.capabilities.network[0].methods.push("DELETE".to_owned());
    assert!(matches!(
        decide(&grant, "GET", "https://evil.test/"),
        Decision::Refused { .. }
    ));
    let url = "http://tool.internal:8080/root/api/v1/all";
    assert!(matches!(decide(&grant, "DELETE", url), Decision::Refused { .. }));
}

#[test]
fn a_credential_needs_both_too() {
    let credential = |grant: &Grant| match decide(grant, "GET", "https://hub.example.com/") {
        Decision::Allowed { credential, .. } => credential.map(String::from),
        refused @ Decision::Refused { .. } => panic!("{refused:?}"),
    };
    let mut grant = as_asked();
    assert_eq!(credential(&grant).as_deref(), Some("other"));
    grant.credentials.retain(|name| name.as_str() != "other");
    assert_eq!(credential(&grant), None);
    let mut grant = as_asked();
    grant.capabilities.network[2].credential = None;
    assert_eq!(credential(&grant), None);
    grant.capabilities.network[2].credential = Some("token".parse().unwrap());
    assert_eq!(credential(&grant), None, "a grant cannot swap credentials");
}

/// A manifest that asks for every host before it names one.
const OPEN: &str = "name: a\nversion: 0.1.0\nroles: [ingestor]\nkinds: {f: {}}\nconfig: {type: object, properties: {port: {type: integer}}}\n\
                    credentials: {token: {attach: bearer}}\ncapabilities:\n  network:\n    - {to: 'https://*'}\n    \
                    - {to: 'https://tool.internal', credential: token}\n    - {to: 'https://*:{port}'}\n";

fn open(bans: Bans, any_host: bool) -> Door {
    let manifest = manifest::parse("plugin.yaml", OPEN).unwrap();
    let mut grant = Grant::as_asked(Digest::of(b""), &manifest);
    grant.any_host = any_host;
    Door::compile(&manifest, &grant, &json!({"port": 8443}))
        .unwrap()
        .under(bans)
}

#[test]
fn a_rule_of_every_host_counts_where_no_other_does() {
    for (url, expect) in [
        ("https://evil.test/", Some((0, None, true))),
        ("https://127.0.0.1/", Some((0, None, true))),
        ("https://evil.test:8443/", Some((2, None, true))),
        ("https://tool.internal/", Some((1, Some("token"), false))),
        ("http://evil.test/", None),
    ] {
        let decided = match open(Bans::default(), true).decide("GET", &target(url)) {
            Decision::Allowed {
                rule,
                credential,
                any_host,
                ..
            } => Some((rule, credential.map(String::from), any_host)),
            Decision::Refused { .. } => None,
        };
        let expect = expect.map(|(rule, credential, any)| (rule, credential.map(str::to_owned), any));
        assert_eq!(decided, expect, "{url}");
    }
    // Where the grant does not say so, it is of no use, whoever decides its port.
    for url in ["https://evil.test/", "https://evil.test:8443/"] {
        let decision = open(Bans::default(), false).decide("GET", &target(url));
        assert!(matches!(decision, Decision::Refused { .. }), "{url}: {decision:?}");
    }
}

#[test]
fn a_policy_that_forbids_every_host_holds_for_a_grant_that_has_it() {
    let door = open(Bans::default().without_any_host(), true);
    for (url, number) in [("https://evil.test/", 0), ("https://evil.test:8443/", 2)] {
        let Decision::Refused { reason, nearest, .. } = door.decide("GET", &target(url)) else {
            panic!("{url}")
        };
        assert!(reason.starts_with("the policy never allows every host"), "{reason}");
        assert_eq!(nearest, Some(number));
    }
    let named = door.decide("GET", &target("https://tool.internal/"));
    let allowed = matches!(
        named,
        Decision::Allowed {
            rule: 1,
            any_host: false,
            ..
        }
    );
    assert!(allowed, "{named:?}");
    let reach = |door: &Door, host: Option<&str>| {
        let host = host.map(|host| Host::parse(host).unwrap());
        let rules = door.reach(host.as_ref()).into_iter().map(|part| part.rule);
        rules
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    };
    assert_eq!(reach(&door, None), [1]);
    assert_eq!(reach(&door, Some("evil.test")), [0; 0]);
    assert_eq!(reach(&open(Bans::default(), true), Some("evil.test")), [0, 2]);
}

#[test]
fn a_wrong_config_names_rule_and_property() {
    let error = Door::compile(&manifest(), &as_asked(), &json!({"base_url": "tool.internal"})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "manifest capabilities.network[0].to (`{base_url}/api`): expected an http or https URL, found `tool.internal`, which has \
         no scheme, in the value of `{base_url}`; for example `https://tool.example.com`"
    );
}

#[test]
fn a_grant_ends() {
    let mut grant = as_asked();
    assert!(grant.is_active(i64::MAX));
    grant.expires_at = Some(1_000);
    assert!(grant.is_active(999) && !grant.is_active(1_000));
}

/// Puts the suggested rule into the manifest and the grant.
fn follow(suggestion: &str) -> Door {
    let suggested: Value = serde_saphyr::from_str(suggestion).unwrap();
    let mut value = serde_json::to_value(manifest()).unwrap();
    value["capabilities"]["network"]
        .as_array_mut()
        .unwrap()
        .push(suggested["capabilities"]["network"][0].clone());
    let manifest = manifest::from_value("plugin.yaml", &value).unwrap();
    let grant = Grant::as_asked(Digest::of(b""), &manifest);
    Door::compile(&manifest, &grant, &config()).unwrap()
}

#[test]
fn the_suggestion_keeps_the_rules_own_words() {
    let url = "http://tool.internal:8080/root/api/v2/x";
    let Decision::Refused { suggestion, .. } = decide(&as_asked(), "PUT", url) else {
        panic!()
    };
    let expect = "capabilities:\n  network:\n    - to: \"{base_url}/api\"\n      methods: [PUT]\n      paths: [\"/v2/x\"]\n      \
                  credential: token\n";
    assert_eq!(suggestion, expect);
    for method in ["CONNECT", "TRACE", "get", ""] {
        let Decision::Refused { suggestion, .. } = decide(&as_asked(), method, url) else {
            panic!()
        };
        assert_eq!(suggestion, "");
    }
}

proptest! {
        #[test]
    fn following_the_suggestion_allows_the_request(
        authority in "(tool\\.internal:8080|a\\.example\\.org|[a-z]{1,5}.test|10\\.0\\.0\\.1|\\[::1\\]:99)",
        path in "(/root/api)?(/([a-z0-9*%'\"{}: é]|%3F|%23|%25){1,6}){0,3}/?",
        method in "(GET|DELETE|LIST)",
        scheme in "https?",
    ) {
        let Ok(target) = normalise(&scheme, &authority, &path) else { return Ok(()) };
        let door = Door::compile(&manifest(), &as_asked(), &config()).unwrap();
        if let Decision::Refused { suggestion, .. } = door.decide(&method, &target) {
            let after = follow(&suggestion).decide(&method, &target);
            prop_assert!(matches!(after, Decision::Allowed { .. }), "{suggestion} {target} {after:?}");
        }
    }
}

/// A manifest of a thousand rules, half on one host.
fn large() -> Manifest {
    let mut manifest = manifest();
    let rule = |to: String, path: String| {
        let rule = json!({"to": to, "methods": ["GET", "POST"], "paths": [path]});
        serde_json::from_value(rule).unwrap()
    };
    let half = |n: usize| rule("https://api.example.net".to_owned(), format!("/repos/org-{n}/*/**"));
    let other = |n: usize| rule(format!("https://host-{n}.example.net"), "/**".to_owned());
    manifest.capabilities.network = (0..500).map(half).chain((0..500).map(other)).collect();
    manifest
}

#[test]
fn a_thousand_rules_cost_little() {
    let manifest = large();
    let door = Door::compile(&manifest, &Grant::as_asked(Digest::of(b""), &manifest), &json!({})).unwrap();
    let targets: Vec<_> = [
        ("https://api.example.net/repos/org-499/shop/issues/7", 499),
        ("https://host-400.example.net/a/b", 900),
    ]
    .map(|(url, rule)| (target(url), rule))
    .into();
    for (target, expect) in &targets {
        assert!(matches!(door.decide("GET", target), Decision::Allowed { rule, .. } if rule == *expect));
    }
    // The best of many rounds, so that a busy machine does not matter; the bound is ten times the goal of 5 µs.
    let best = (0..50)
        .map(|_| {
            let start = std::time::Instant::now();
            for _ in 0..100 {
                std::hint::black_box(door.decide("GET", std::hint::black_box(&targets[0].0)));
            }
            start.elapsed() / 100
        })
        .min()
        .unwrap();
    eprintln!("a decision among 1,000 rules took {best:?}");
    assert!(best < std::time::Duration::from_micros(50), "{best:?}");
}

#[test]
fn a_checkout_is_two_requests_and_no_others() {
    let yaml = "name: a\nversion: 0.1.0\nroles: [ingestor]\nkinds: {f: {}}\ncredentials: {token: {attach: basic}}\ncapabilities:\n  \
                git:\n    - {at: /a, from: 'https://git.example.com/a.git'}\n    \
                - {at: /b, from: 'https://git.example.com/shop/b.git', credential: token}\n";
    let manifest = manifest::parse("plugin.yaml", yaml).unwrap();
    let mut grant = Grant::as_asked(Digest::of(b""), &manifest);
    let decide = |door: &Door, method: &str, path: &str| {
        let target = normalise("https", "git.example.com", path).unwrap();
        match door.decide(method, &target) {
            Decision::Allowed { rule, credential, .. } => {
                let with = credential.map(|name| format!(" with {name}")).unwrap_or_default();
                Ok(format!("{}{with}", door.label(rule)))
            }
            Decision::Refused { reason, .. } => Err(reason),
        }
    };
    let door = Door::of_checkouts(&manifest, &grant, &json!({})).unwrap();
    let refs = "/a.git/info/refs?service=git-upload-pack";
    assert_eq!(decide(&door, "GET", refs), Ok("git[0]".to_owned()));
    assert_eq!(decide(&door, "POST", "/a.git/git-upload-pack"), Ok("git[0]".to_owned()));
    let second = Ok("git[1] with token".to_owned());
    assert_eq!(decide(&door, "POST", "/shop/b.git/git-upload-pack"), second);
    for (method, path) in [
        ("POST", "/a.git/git-receive-pack"),
        ("GET", "/a.git/git-upload-pack"),
        ("POST", "/a.git/info/refs"),
        ("GET", "/a.git/HEAD"),
        ("GET", "/other.git/info/refs"),
        ("PUT", "/a.git/git-upload-pack"),
    ] {
        let refused = decide(&door, method, path).unwrap_err();
        assert!(
            refused.contains("nearest is capabilities.git["),
            "{method} {path}: {refused}"
        );
    }
    // The plugin itself cannot send what the host sends for it.
    let own = Door::compile(&manifest, &grant, &json!({})).unwrap();
    decide(&own, "GET", refs).unwrap_err();
    let reach: Vec<_> = door
        .reach(None)
        .into_iter()
        .map(|r| format!("{}[{}] {} {}", r.list, r.rule, r.method, r.place))
        .collect();
    assert_eq!(reach[0], "git[0] GET https://git.example.com:443/a.git");
    assert_eq!(reach[3], "git[1] POST https://git.example.com:443/shop/b.git");
    grant.capabilities.git.remove(0);
    let door = Door::of_checkouts(&manifest, &grant, &json!({})).unwrap();
    let refused = decide(&door, "GET", refs).unwrap_err();
    assert!(
        refused.contains("capabilities.git[0] asks for it, but the grant does not"),
        "{refused}"
    );
    assert_eq!(decide(&door, "POST", "/shop/b.git/git-upload-pack"), second);
}
