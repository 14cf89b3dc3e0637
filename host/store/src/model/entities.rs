//! Entities, who gives them, and what happened to them.

use seawall_domain::{Entity, Millis};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An entity as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityRow {
    /// Row id; never used again for another.
    pub id: i64,
    /// The merged entity.
    pub entity: Entity,
    /// First seen.
    pub created_at: Millis,
    /// Last changed.
    pub updated_at: Millis,
    /// Position of its last change; an ETag.
    pub version: i64,
}

/// Where a contribution comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRow {
    /// Name of the integration.
    pub integration: String,
    /// The item's kind.
    pub kind: String,
    /// The item's partition.
    pub partition: String,
    /// The item's key.
    pub key: String,
    /// When the item last changed.
    pub changed_at: Millis,
}

/// What happened to an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It came.
    Created,
    /// It changed.
    Updated,
    /// It went.
    Deleted,
}

/// One row of the change log.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeRow {
    /// Rising without gaps that hide a commit.
    pub position: i64,
    /// Row id of the entity.
    pub entity: i64,
    /// Its blueprint.
    pub blueprint: String,
    /// Its identifier.
    pub identifier: String,
    /// What happened.
    pub kind: ChangeKind,
    /// `{"properties.tier": [old, new]}` of an update; empty otherwise.
    pub diff: Map<String, Value>,
    /// `pass:12`, `run:…`.
    pub cause: String,
    /// When.
    pub at: Millis,
}
