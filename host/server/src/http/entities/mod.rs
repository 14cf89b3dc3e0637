//! `/blueprints/{blueprint}/entities`.

pub(super) mod get;
pub(super) mod graph;
pub(super) mod history;
pub(super) mod list;
pub(super) mod write;

use super::time;
use seawall_domain::{Entity, EntityId};
use seawall_store::EntityRow;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// An entity.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EntityView {
    /// Its type.
    blueprint: String,
    /// Its name, unique within the blueprint.
    identifier: String,
    /// What people call it.
    title: Option<String>,
    /// The name of an icon.
    #[serde(skip_serializing_if = "Option::is_none")]
    icon: Option<String>,
    /// The teams that own it.
    team: Vec<String>,
    /// Values by property name.
    #[schema(value_type = Object)]
    pub(crate) properties: Map<String, Value>,
    /// An identifier, or several, by relation name.
    #[schema(value_type = Object)]
    relations: BTreeMap<String, Value>,
    /// First seen.
    created_at: String,
    /// Who created it: a person's name, or that of the source, such as an integration. Absent: from before this was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<String>,
    /// When a source last changed it; what is computed does not count.
    updated_at: String,
    /// Who changed it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_by: Option<String>,
    /// Rises with every change; also the ETag.
    version: i64,
}

impl From<EntityRow> for EntityView {
    fn from(row: EntityRow) -> Self {
        let Entity {
            blueprint,
            identifier,
            title,
            icon,
            team,
            properties,
            relations,
        } = row.entity;
        Self {
            blueprint: blueprint.into(),
            identifier: EntityId::into(identifier),
            title,
            icon,
            team,
            properties,
            relations: relations.into_iter().map(|(k, v)| (k, v.to_json())).collect(),
            created_at: time::show(row.created_at),
            created_by: row.created_by,
            updated_at: time::show(row.updated_at),
            updated_by: row.updated_by,
            version: row.version,
        }
    }
}
