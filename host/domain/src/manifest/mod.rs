//! What a plugin says of itself. YAML beside its source; JSON, with blueprints and mapping, inside the component.

mod check;
mod difference;
mod schema;

pub use difference::{Difference, Effect, differences};
pub use schema::json_schema;
pub(crate) use schema::{limits_schema, slug};

use crate::{
    CredentialName, KindName, PluginName,
    document::{Document, Problem, Problems},
    limits::Limits,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The file's name beside a plugin's source.
pub const FILE: &str = "plugin.yaml";

/// All that is wrong with a manifest, one line each when printed.
pub type ManifestErrors = Problems;

/// Methods that a rule may name. CONNECT and TRACE are left out: one tunnels past the door, the other echoes credentials.
/// LIST is Vault's, the last four are WebDAV's and the newer QUERY.
pub const METHODS: [&str; 12] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "LIST", "PROPFIND", "REPORT", "SEARCH", "QUERY",
];

/// Reads a manifest; `file` is only named in errors.
///
/// # Errors
/// All that is wrong, each with line, column, field, what was expected, what was found and an example.
pub fn parse(file: &str, yaml: &str) -> Result<Manifest, ManifestErrors> {
    let document = Document::parse(file, yaml)?;
    read(document.value()).map_err(|problems| document.locate(problems))
}

/// Reads a manifest that is JSON already, such as the one inside a component. It is checked as thoroughly.
///
/// # Errors
/// All that is wrong, without positions.
pub fn from_value(file: &str, value: &Value) -> Result<Manifest, ManifestErrors> {
    read(value).map_err(|problems| Problems {
        file: file.to_owned(),
        problems,
    })
}

fn read(value: &Value) -> Result<Manifest, Vec<Problem>> {
    let problems = check::check(value);
    if !problems.is_empty() {
        return Err(problems);
    }
    // The checks say all that serde would refuse; should they ever miss something, serde's own words are better than none.
    Manifest::deserialize(value).map_err(|error| vec![Problem::new("", "a manifest", error.to_string())])
}

/// A plugin's manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Names the plugin.
    pub name: PluginName,
    /// Its version (SemVer 2.0).
    pub version: semver::Version,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it does, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where its source or documentation is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// SPDX licence expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Which interfaces it exports. Checked against the component.
    pub roles: Vec<Role>,
    /// JSON Schema of an integration's config. Absent: an empty object.
    #[serde(default = "empty_config")]
    pub config: Value,
    /// Credentials by the name that rules below use.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub credentials: BTreeMap<CredentialName, CredentialAsk>,
    /// What it asks to be allowed.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// The kinds of items it lists.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<KindName, Kind>,
    /// What it can do in its tool.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub operations: BTreeMap<KindName, Operation>,
    /// The rules by which it judges entities.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<KindName, RuleAsk>,
    /// Bounds that it needs other than the defaults; never above the operator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

fn empty_config() -> Value {
    serde_json::json!({"type": "object", "additionalProperties": false})
}

/// One interface of `seawall:plugin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Lists items.
    Ingestor,
    /// Turns deliveries into changes.
    Webhook,
    /// Does something in its tool.
    Action,
    /// Judges entities.
    Rule,
}

impl Role {
    /// The interface's name as components export it.
    pub fn interface(self) -> &'static str {
        match self {
            Self::Ingestor => "seawall:plugin/ingestor@0.1.0",
            Self::Webhook => "seawall:plugin/webhook@0.1.0",
            Self::Action => "seawall:plugin/action@0.1.0",
            Self::Rule => "seawall:plugin/rule@0.1.0",
        }
    }

    /// All roles.
    pub const ALL: [Self; 4] = [Self::Ingestor, Self::Webhook, Self::Action, Self::Rule];
}

/// A credential that a plugin wants the host to attach to its requests. The plugin never sees the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialAsk {
    /// What it is for and how to make one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether an integration works only with it.
    #[serde(default)]
    pub required: bool,
    /// How it is attached.
    pub attach: Attach,
}

/// How a credential is attached to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Attach {
    /// `Authorization: Bearer SECRET`.
    Bearer,
    /// `Authorization: Basic …`; the secret is `user:password`.
    Basic,
    /// A header of this name; the value is `prefix` and the secret.
    Header {
        /// The header's name.
        name: String,
        /// Put before the secret, such as `Token `.
        #[serde(default)]
        prefix: String,
    },
    /// A query parameter of this name.
    Query {
        /// The parameter's name.
        name: String,
    },
}

/// What a plugin asks to be allowed. Everything else is denied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// Requests that it wants to send.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network: Vec<NetworkRule>,
    /// Directories that it wants to read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FilesRule>,
    /// Repositories whose newest commit it wants to read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub git: Vec<GitRule>,
    /// Whether it wants to read the catalog (actions only).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub catalog: bool,
}

/// Requests to one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkRule {
    /// Scheme, host and optional port and base path: `https://api.github.com`, or values of the config: `{base_url}`.
    /// A host may start with `*.`, which stands for one or more labels; `*` alone is every host.
    pub to: String,
    /// Methods, upper case.
    #[serde(default = "get_only")]
    pub methods: Vec<String>,
    /// Path patterns below the base path: `*` is one segment, `**` any number. Absent: any path.
    #[serde(default = "any_path")]
    pub paths: Vec<String>,
    /// The credential to attach, one of `credentials`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<CredentialName>,
    /// Why it needs this, for the person who decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

fn get_only() -> Vec<String> {
    vec!["GET".to_owned()]
}

fn any_path() -> Vec<String> {
    vec!["/**".to_owned()]
}

/// A read-only directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilesRule {
    /// Where the plugin sees it, such as `/checkout`.
    pub at: String,
    /// Where it is on the host: an absolute path, or a value of the config: `{directory}`.
    pub from: String,
    /// Why it needs this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl FilesRule {
    /// Whether the other asks for the same, whatever its reason is.
    pub fn is_same(&self, other: &Self) -> bool {
        self.at == other.at && self.from == other.from
    }
}

/// A read-only checkout of a git repository's newest commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitRule {
    /// Where the plugin sees it, such as `/repository`.
    pub at: String,
    /// The repository's address over HTTP, or values of the config: `{repository}`.
    pub from: String,
    /// A branch or a tag, or a value of the config: `{branch}`. Absent, or where the config leaves the value out: what the
    /// repository's HEAD is.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The credential to attach, one of `credentials`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<CredentialName>,
    /// Why it needs this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl GitRule {
    /// Whether the other asks for the same, whatever its reason is.
    pub fn is_same(&self, other: &Self) -> bool {
        self.at == other.at
            && self.from == other.from
            && self.reference == other.reference
            && self.credential == other.credential
    }
}

/// A kind of items.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether an entity that breaks its schema is set aside at once instead of losing the property.
    #[serde(default)]
    pub strict: bool,
    /// Whether `pull` waits on a watch or feed: it is then called again at once after `caught-up`.
    #[serde(default)]
    pub live: bool,
}

/// Something that a plugin can do in its tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON Schema of its inputs.
    #[serde(default = "empty_config")]
    pub inputs: Value,
    /// The blueprint of the entity that it works on; absent: on none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<crate::BlueprintId>,
}

/// A rule that a plugin brings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleAsk {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The blueprint it judges; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blueprint: Option<crate::BlueprintId>,
    /// JSON Schema of its parameters.
    #[serde(default = "empty_config")]
    pub params: Value,
    /// Relations whose targets it asks to see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<String>,
}

#[cfg(test)]
mod tests;
