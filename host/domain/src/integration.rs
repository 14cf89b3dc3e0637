//! A plugin put to work.

use crate::{
    CredentialName, IntegrationName, PluginName,
    document::{Document, Problem, Problems, check_schema, explain},
    limits::Limits,
    manifest::{limits_schema, slug},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A way in which a config breaks its schema: JSON Pointer, what was expected, what was found, an example.
pub type ConfigProblem = Problem;

/// An integration as its YAML document says. `kind: Integration` is accepted and left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Integration {
    /// Names it.
    pub name: IntegrationName,
    /// The plugin it puts to work.
    pub plugin: PluginName,
    /// Pins a digest (`sha256:…`); absent: the newest installed version that is granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<crate::Digest>,
    /// Checked against the manifest's schema.
    #[serde(default = "empty")]
    pub config: Value,
    /// The manifest's credentials by name, each with the credential to use.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub credentials: BTreeMap<CredentialName, CredentialName>,
    /// Seconds between passes of a partition.
    #[serde(default = "every_minute")]
    pub every_seconds: u32,
    /// Port's mapping file; absent: the plugin's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<Value>,
    /// Bounds of each call; absent: the manifest's, or the defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// When a pass would remove more than this share (0 to 1) of a partition and more than `delete_floor` items, it waits for a person.
    #[serde(default = "fifth")]
    pub delete_share: f64,
    /// See `delete_share`.
    #[serde(default = "ten")]
    pub delete_floor: u32,
}

fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}
fn every_minute() -> u32 {
    60
}
fn fifth() -> f64 {
    0.2
}
fn ten() -> u32 {
    10
}

/// Where a credential's secret comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SecretSource {
    /// An environment variable of the host.
    Env(String),
    /// A file on the host; its trailing line break is cut.
    File(String),
    /// Sealed in the database under the master key.
    Sealed,
}

/// A credential as its YAML document says: a name, and where its secret comes from. The secret itself is never in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// Names it; integrations use this name.
    pub name: CredentialName,
    /// Where its secret comes from.
    pub source: SecretSource,
}

impl Integration {
    /// Reads an integration's document; `file` is only named in errors.
    ///
    /// # Errors
    /// All that is wrong, each with line, column, field, what was expected, what was found and an example. The config is not
    /// checked here, since its schema is the plugin's: see [`check_config`] and [`locate`].
    pub fn parse(file: &str, yaml: &str) -> Result<Self, Problems> {
        read(file, yaml, &integration_schema())
    }
}

impl Credential {
    /// Reads a credential's document; `file` is only named in errors.
    ///
    /// # Errors
    /// All that is wrong, as [`Integration::parse`] says it.
    pub fn parse(file: &str, yaml: &str) -> Result<Self, Problems> {
        read(file, yaml, &credential_schema())
    }
}

/// Checks a config against its plugin's schema.
///
/// # Errors
/// All that is wrong; pointers are relative to the config.
pub fn check_config(schema: &Value, config: &Value) -> Result<(), Vec<ConfigProblem>> {
    let validator = check_schema(schema).map_err(|problem| {
        let found = format!("at `{}`: {}", problem.pointer, problem.found);
        vec![Problem::new(
            "",
            format!("a plugin whose config schema is valid ({})", problem.expected),
            found,
        )]
    })?;
    let problems = explain(&validator, schema, config);
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Gives the problems of a config their lines in the document that holds it under `config`.
///
/// # Errors
/// When the text is no YAML.
pub fn locate(file: &str, yaml: &str, problems: Vec<ConfigProblem>) -> Result<Problems, Problems> {
    let document = Document::parse(file, yaml)?;
    let below = |problem: Problem| Problem {
        pointer: format!("/config{}", problem.pointer),
        ..problem
    };
    Ok(document.locate(problems.into_iter().map(below).collect()))
}

/// `config` with the schema's `default` for each property that it leaves out, in objects inside it too.
pub fn with_defaults(schema: &Value, config: &Value) -> Value {
    let (Some(properties), Some(given)) = (schema["properties"].as_object(), config.as_object()) else {
        return config.clone();
    };
    let mut out = given.clone();
    for (name, property) in properties {
        match out.get(name) {
            Some(value) => {
                let value = with_defaults(property, value);
                out.insert(name.clone(), value);
            }
            None => out.extend(property.get("default").map(|default| (name.clone(), default.clone()))),
        }
    }
    Value::Object(out)
}

fn read<T: DeserializeOwned>(file: &str, yaml: &str, schema: &Value) -> Result<T, Problems> {
    let document = Document::parse(file, yaml)?;
    let problems = match check_schema(schema) {
        Ok(validator) => explain(&validator, schema, document.value()),
        Err(problem) => vec![*problem],
    };
    if !problems.is_empty() {
        return Err(document.locate(problems));
    }
    let fields: Map<String, Value> = document.value().as_object().cloned().unwrap_or_default();
    let fields = fields.into_iter().filter(|(name, _)| name != "kind").collect();
    serde_json::from_value(Value::Object(fields)).map_err(|error| {
        let expected = schema["title"].as_str().unwrap_or("a definition");
        document.locate(vec![Problem::new("", expected, error.to_string())])
    })
}

/// JSON Schema of an integration's document.
pub fn integration_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "an integration",
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "plugin"],
        "properties": {
            "kind": {"const": "Integration"},
            "name": slug("The integration's name", "prometheus-main"),
            "plugin": slug("The plugin that it puts to work", "prometheus"),
            "digest": {
                "description": "Pins one component: `sha256:` and 64 lower-case hexadecimal digits",
                "type": "string",
                "pattern": "^sha256:[0-9a-f]{64}$",
            },
            "config": {
                "description": "Settings that the plugin's schema describes",
                "type": "object",
                "examples": [{"base_url": "https://prometheus.example.com"}],
            },
            "credentials": {
                "description": "The manifest's credentials by name, each with the credential to use",
                "type": "object",
                "propertyNames": slug("A credential's name in the manifest", "token"),
                "additionalProperties": slug("A credential's name", "prometheus-token"),
                "examples": [{"token": "prometheus-token"}],
            },
            "every_seconds": {
                "description": "Seconds between passes",
                "type": "integer",
                "minimum": 1,
                "maximum": u32::MAX,
                "examples": [60],
            },
            "mapping": {
                "description": "Port's mapping file",
                "type": "object",
                "examples": [{"resources": []}],
            },
            "limits": limits_schema(),
            "delete_share": {
                "description": "The share of a partition that a pass may remove without asking, 0 to 1",
                "type": "number",
                "minimum": 0,
                "maximum": 1,
                "examples": [0.2],
            },
            "delete_floor": {
                "description": "As many items may be removed without asking, whatever their share",
                "type": "integer",
                "minimum": 0,
                "maximum": u32::MAX,
                "examples": [10],
            },
        },
    })
}

/// JSON Schema of a credential's document.
pub fn credential_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "a credential",
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "source"],
        "properties": {
            "kind": {"const": "Credential"},
            "name": slug("The credential's name", "prometheus-token"),
            "source": {
                "description": "Where the secret comes from: `{env: NAME}`, `{file: /path}` or `sealed`",
                "examples": ["{env: PROMETHEUS_TOKEN}"],
                "oneOf": [
                    {"enum": ["sealed"]},
                    {
                        "type": "object",
                        "additionalProperties": false,
                        "minProperties": 1,
                        "maxProperties": 1,
                        "properties": {
                            "env": {
                                "description": "An environment variable of the host",
                                "type": "string",
                                "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
                                "examples": ["PROMETHEUS_TOKEN"],
                            },
                            "file": {
                                "description": "An absolute path on the host",
                                "type": "string",
                                "pattern": "^/.",
                                "examples": ["/run/secrets/prometheus"],
                            },
                        },
                    },
                ],
            },
        },
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

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
    fn reads_credentials() {
        for (source, expect) in [
            ("sealed", SecretSource::Sealed),
            ("{env: A_B}", SecretSource::Env("A_B".to_owned())),
            ("{file: /run/x}", SecretSource::File("/run/x".to_owned())),
        ] {
            let credential =
                Credential::parse("c.yaml", &format!("kind: Credential\nname: tok\nsource: {source}\n")).unwrap();
            assert_eq!(credential.source, expect);
        }
        for (source, says) in [
            ("seal", "did you mean `sealed`?"),
            (
                "{env: A-B}",
                "c.yaml:2:15: source.env: expected an environment variable",
            ),
            ("{file: x}", "absolute path"),
            ("{envv: X}", "did you mean `env`?"),
            ("{}", "source: expected"),
            ("{env: A, file: /x}", "source: expected"),
            (
                "hunter2-the-secret-itself",
                "source: expected where the secret comes from",
            ),
        ] {
            let problems = Credential::parse("c.yaml", &format!("name: tok\nsource: {source}\n"))
                .unwrap_err()
                .to_string();
            assert!(problems.contains(says), "{source}: {problems}");
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
}
