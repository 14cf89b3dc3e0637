//! Blueprints in Port's shape: the type of an entity.

mod check;
mod compiled;
pub mod computed;
pub mod mistakes;
mod moment;
mod property;
mod sanitize;
pub mod uses;

pub use check::{Check, Outcome};
pub use compiled::{BlueprintError, CompiledBlueprint};
pub use mistakes::defaults;

use crate::{BlueprintId, entity::Precedence};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The type of an entity, as Port writes it. What this version does not use is kept in `other` and given back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Blueprint {
    /// Its name.
    pub identifier: BlueprintId,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The name of an icon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// The properties.
    #[serde(default)]
    pub schema: Schema,
    /// Relations by name.
    #[serde(default)]
    pub relations: BTreeMap<String, Relation>,
    /// Whose word counts where several sources say different things. Seawall's own; Port has none.
    #[serde(default, skip_serializing_if = "Precedence::is_empty")]
    pub precedence: Precedence,
    /// Everything else of Port's shape: mirrorProperties, calculationProperties, aggregationProperties, ownership, …
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The properties of a blueprint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// A JSON Schema for each property.
    #[serde(default)]
    pub properties: BTreeMap<String, Value>,
    /// Properties that every entity must have.
    #[serde(default)]
    pub required: Vec<String>,
}

/// A named edge to entities of another blueprint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Relation {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The blueprint of its targets.
    pub target: BlueprintId,
    /// Whether every entity must have it.
    #[serde(default)]
    pub required: bool,
    /// Whether it may have several targets.
    #[serde(default)]
    pub many: bool,
}
