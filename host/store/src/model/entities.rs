//! Entities, who gives them, and what happened to them.

use seawall_domain::{Entity, Millis, entity::Derived};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An entity as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityRow {
    /// Row id; never used again for another.
    pub id: i64,
    /// The merged entity, with what the host computed of it.
    pub entity: Entity,
    /// What the host computed of it.
    pub derived: Derived,
    /// The properties that have their default, since no source says anything of them.
    pub defaulted: Vec<String>,
    /// First seen.
    pub created_at: Millis,
    /// Who created it: a person's name, or the source's. None: from before this was kept.
    pub created_by: Option<String>,
    /// When a source last changed it; what is computed does not count.
    pub updated_at: Millis,
    /// Who changed it last.
    pub updated_by: Option<String>,
    /// Position of its last change; an ETag.
    pub version: i64,
}

impl EntityRow {
    /// What its sources say of it, with what the host computed over it.
    pub(crate) fn with(mut self, derived: Derived) -> Self {
        self.defaulted = derived.overlay(&mut self.entity);
        self.derived = derived;
        self
    }

    /// What its sources say of it, without what the host computed.
    pub fn said(&self) -> Entity {
        let mut said = self.entity.clone();
        said.properties
            .retain(|name, _| !self.derived.properties.contains_key(name) && !self.defaulted.contains(name));
        if said.team == self.derived.team {
            said.team.clear();
        }
        said
    }
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
    /// Whether it is what clients say, and no integration.
    pub client: bool,
}

/// What one item says of an entity.
#[derive(Debug, Clone, PartialEq)]
pub struct ContributionRow {
    /// Whose item it is.
    pub source: SourceRow,
    /// What it says.
    pub says: Entity,
}

/// An item as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemRow {
    /// Its key.
    pub key: String,
    /// See [`crate::ItemState::hash`].
    pub hash: [u8; 16],
    /// The tool's JSON.
    pub value: Vec<u8>,
    /// When it last changed.
    pub changed_at: Millis,
}

/// A source of what clients say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSourceRow {
    /// Its name, such as `people`.
    pub name: String,
    /// The row of `integration` that it is.
    pub integration: i64,
    /// Its one partition.
    pub partition: i64,
    /// Entities that it speaks of.
    pub items: u64,
}

/// Computed values of one entity.
#[derive(Debug, Clone, PartialEq)]
pub struct DeriveWrite {
    /// Row id of the entity.
    pub entity: i64,
    /// The new values, all of them.
    pub derived: Derived,
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
    /// `{"properties.tier": [old, new]}`: what an update changed, and all that a removed entity had. Empty of one that came.
    pub diff: Map<String, Value>,
    /// `pass:12`, `run:…`, `write:people:NAME`, `derived`.
    pub cause: String,
    /// When.
    pub at: Millis,
}
