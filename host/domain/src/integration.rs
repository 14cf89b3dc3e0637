//! A plugin put to work.

use crate::{
    CredentialName, IntegrationName, PluginName,
    document::{Document, Problem, Problems, check_schema, definition, explain},
    limits::Limits,
    webhook::Webhook,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

mod schema;

pub use schema::integration_schema;

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
    /// Authorities that the tool's certificate may come from, as PEM; absent: the system's. A Kubernetes cluster, for example,
    /// has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
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

impl Integration {
    /// Whether it uses a credential: for its plugin's requests, or to check deliveries with.
    pub fn uses(&self, credential: &CredentialName) -> bool {
        self.credentials.values().any(|used| used == credential)
            || self
                .webhook
                .as_ref()
                .is_some_and(|webhook| webhook.secret == *credential)
    }

    /// Reads an integration's document; `file` is only named in errors.
    ///
    /// # Errors
    /// All that is wrong, each with line, column, field, what was expected, what was found and an example. The config is not
    /// checked here, since its schema is the plugin's: see [`check_config`] and [`locate`].
    pub fn parse(file: &str, yaml: &str) -> Result<Self, Problems> {
        definition(file, yaml, &integration_schema())
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

#[cfg(test)]
mod tests;
