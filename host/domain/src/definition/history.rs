//! Who changed which definition, when, why and how.

use super::{FieldChange, Kind};
use crate::{Digest, Millis};
use serde::{Deserialize, Serialize};

/// Who changes a definition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Author {
    /// The person, as they said themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// On whose behalf: `git:platform`, `import:port`, `plugin:github`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The file, relative to the source's folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happened {
    /// It is new.
    Created,
    /// It is another.
    Updated,
    /// It is gone.
    Deleted,
    /// What is secret of it was replaced.
    Resealed,
}

/// One change of one definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DefinitionChange {
    /// Of what.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What became of it.
    pub change: Happened,
    /// When.
    pub at: Millis,
    /// Who.
    pub author: Author,
    /// What of it changed, without anything secret.
    pub fields: Vec<FieldChange>,
    /// Of a grant: what was decided about which version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decided>,
}

/// What was decided about a version of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// In a word: `approved`, `tightened`, `carried-over`, `rolled-back`, `revoked` or `removed`.
    pub decision: String,
    /// The version.
    pub version: String,
    /// Its component.
    pub digest: Digest,
}
