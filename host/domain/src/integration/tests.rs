#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use serde_json::json;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn reads_an_integration() {
    let yaml = format!(
        "kind: Integration\nname: prom-main\nplugin: prometheus\ndigest: {DIGEST}\nconfig:\n  base_url: https://p\n\
         credentials: {{token: prom-token}}\nevery_seconds: 5\nlimits: {{timeout_ms: 100}}\ndelete_share: 0.5\n"
    );
    let integration = Integration::parse("i.yaml", &yaml).unwrap();
    assert_eq!(integration.name.as_str(), "prom-main");
    assert_eq!(integration.config, json!({"base_url": "https://p"}));
    assert_eq!(integration.limits.unwrap().timeout_ms, 100);
    assert_eq!(
        (
            integration.every_seconds,
            integration.delete_share,
            integration.delete_floor
        ),
        (5, 0.5, 10)
    );
    let least = Integration::parse("i.yaml", "name: a\nplugin: b\n").unwrap();
    assert_eq!((least.every_seconds, least.config), (60, json!({})));
}

#[test]
fn says_all_that_is_wrong_with_an_integration() {
    let yaml = "kind: Integratoin\nname: Prom Main\nplugin: prometheus\nevery_second: 5\nconfig: [1]\ndelete_share: 2\n\
                limits:\n  timeout: 1\n";
    let problems = Integration::parse("i.yaml", yaml).unwrap_err().to_string();
    for line in [
        "i.yaml:1:7: kind: expected `\"Integration\"`, found `Integratoin`",
        "i.yaml:2:7: name: expected the integration's name: lower-case letters",
        "i.yaml:4:1: every_second: expected",
        "did you mean `every_seconds`?",
        "i.yaml:5:9: config: expected an object",
        "i.yaml:6:15: delete_share: expected a number of at most 1, found `2`; for example `0.2`",
        "i.yaml:8:3: limits.timeout: expected",
    ] {
        assert!(problems.contains(line), "{line}\nis not in\n{problems}");
    }
}

#[test]
fn checks_a_config_in_words() {
    let schema = json!({
        "type": "object",
        "required": ["base_url"],
        "additionalProperties": false,
        "properties": {
            "base_url": {"type": "string", "format": "uri", "examples": ["https://prometheus.example.com"]},
            "page_size": {"type": "integer", "minimum": 1, "examples": [500]},
            "mode": {"enum": ["fast", "slow"]},
            "orgs": {"type": "array", "items": {"type": "string", "minLength": 1}},
        },
    });
    check_config(&schema, &json!({"base_url": "https://p", "orgs": ["a"]})).unwrap();
    let config = json!({"page_size": 0, "mode": "fats", "orgs": ["a", ""], "bas_url": "x"});
    let mut found: Vec<_> = check_config(&schema, &config)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            "bas_url: expected `base_url`, `mode`, `orgs` or `page_size`, found `bas_url`; did you mean `base_url`?",
            "expected `base_url`, found nothing of that name; for example `base_url: https://prometheus.example.com`",
            "mode: expected `fast` or `slow`, found `fats`; did you mean `fast`?",
            "orgs[1]: expected text of at least 1 characters, found an empty text",
            "page_size: expected a number of at least 1, found `0`; for example `500`",
        ]
    );
    let wrong = check_config(&schema, &json!({"base_url": "p"})).unwrap_err();
    assert_eq!(wrong[0].pointer, "/base_url");
    assert!(wrong[0].to_string().contains("an absolute URL"));
}

#[test]
fn a_config_problem_has_its_line() {
    let yaml = "name: a\nplugin: b\nconfig:\n  page_size: many\n";
    let schema = json!({"type": "object", "properties": {"page_size": {"type": "integer"}}});
    let problems = check_config(&schema, &Integration::parse("i.yaml", yaml).unwrap().config).unwrap_err();
    let located = locate("i.yaml", yaml, problems).unwrap().to_string();
    assert_eq!(
        located,
        "i.yaml:4:14: config.page_size: expected a whole number, found `many`"
    );
}

#[test]
fn a_schema_cannot_reach_out() {
    for reference in ["https://example.com/schema.json", "file:///etc/passwd", "#/absent"] {
        let problems = check_config(&json!({"$ref": reference}), &json!({})).unwrap_err();
        assert!(
            problems[0].expected.contains("plugin whose config schema is valid"),
            "{problems:?}"
        );
    }
}

#[test]
fn defaults_are_filled_in() {
    let schema = json!({"properties": {
        "a": {"default": 1},
        "b": {"default": 2},
        "c": {"properties": {"d": {"default": true}}},
        "e": {"properties": {"f": {"default": true}}},
    }});
    assert_eq!(
        with_defaults(&schema, &json!({"b": 3, "c": {}})),
        json!({"a": 1, "b": 3, "c": {"d": true}})
    );
}
