//! A plugin put to work.

use crate::{
    CredentialName, IntegrationName, PluginName,
    document::{Document, Problem, Problems, check_schema, explain},
    limits::Limits,
    webhook::Webhook,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

mod schema;

pub use schema::{credential_schema, integration_schema};

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
    /// How deliveries at `/hooks/NAME` are checked; absent: none are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
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

#[cfg(test)]
mod tests;
