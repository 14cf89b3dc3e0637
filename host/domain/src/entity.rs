//! Entities, and the merge of what several items say of one.

mod merge;
mod target;

pub use merge::{PEOPLE, Precedence, Spoken, merge, provenance, ranked};
pub use target::RelationTarget;

use crate::{BlueprintId, EntityId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One thing in the catalog, in Port's shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    /// Its type.
    pub blueprint: BlueprintId,
    /// Its name, unique within the blueprint.
    pub identifier: EntityId,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The name of an icon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// The teams that own it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub team: Vec<String>,
    /// Values by property name, checked against the blueprint's schema. Absent and null mean the same, and null is not kept.
    #[serde(default)]
    pub properties: Map<String, Value>,
    /// Targets by relation name; the blueprint says which blueprint they are of.
    #[serde(default)]
    pub relations: BTreeMap<String, RelationTarget>,
}

/// Values that the host computes, beside what its sources say of an entity.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Derived {
    /// Mirrored, calculated and aggregated values by property name; null is not kept.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Value>,
    /// The teams that own it by inheritance.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub team: Vec<String>,
    /// The blueprint's defaults, of which those count that no source says anything of.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub defaults: Map<String, Value>,
}

impl Derived {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.properties.is_empty() && self.team.is_empty() && self.defaults.is_empty()
    }

    /// Nothing but a blueprint's defaults, which an entity has from its beginning.
    pub fn defaults(defaults: Map<String, Value>) -> Self {
        Self {
            defaults,
            ..Self::default()
        }
    }

    /// Adds the values to what the sources say, and gives the properties that have their default. A team that a source names
    /// stands before an inherited one, and any value before a default.
    pub fn overlay(&self, entity: &mut Entity) -> Vec<String> {
        for (name, value) in &self.properties {
            entity.properties.insert(name.clone(), value.clone());
        }
        if entity.team.is_empty() {
            entity.team.clone_from(&self.team);
        }
        let absent = self.defaults.iter();
        let absent = absent.filter(|(name, _)| !entity.properties.contains_key(*name));
        let absent: Vec<_> = absent.map(|(name, value)| (name.clone(), value.clone())).collect();
        let names = absent.iter().map(|(name, _)| name.clone()).collect();
        entity.properties.extend(absent);
        names
    }
}

/// What changed from `before` to `after`, as `{"properties.tier": [old, new]}`; null stands for absent. Empty when equal.
pub fn diff(before: &Entity, after: &Entity) -> Map<String, Value> {
    let mut out = Map::new();
    let mut put = |name: String, old: Value, new: Value| {
        if old != new {
            out.insert(name, Value::Array(vec![old, new]));
        }
    };
    put("title".into(), before.title.clone().into(), after.title.clone().into());
    put("icon".into(), before.icon.clone().into(), after.icon.clone().into());
    put("team".into(), before.team.clone().into(), after.team.clone().into());
    let names = before
        .properties
        .keys()
        .chain(after.properties.keys().filter(|k| !before.properties.contains_key(*k)));
    for name in names {
        let get = |e: &Entity| e.properties.get(name).cloned().unwrap_or(Value::Null);
        put(format!("properties.{name}"), get(before), get(after));
    }
    let names = before
        .relations
        .keys()
        .chain(after.relations.keys().filter(|k| !before.relations.contains_key(*k)));
    for name in names {
        let get = |e: &Entity| e.relations.get(name).map_or(Value::Null, RelationTarget::to_json);
        put(format!("relations.{name}"), get(before), get(after));
    }
    out
}

/// All that an entity has as the diff of its removal: `{"properties.tier": ["gold", null]}`.
pub fn diff_of_removal(entity: &Entity) -> Map<String, Value> {
    let nothing = Entity {
        title: None,
        icon: None,
        team: Vec::new(),
        properties: Map::new(),
        relations: BTreeMap::new(),
        ..entity.clone()
    };
    diff(entity, &nothing)
}

/// Takes a diff back: `entity` becomes what it was before the change.
pub fn undo(entity: &mut Entity, diff: &Map<String, Value>) {
    for (field, values) in diff {
        let old = values.get(0).cloned().unwrap_or(Value::Null);
        match field.split_once('.') {
            Some(("properties", name)) => {
                if old.is_null() {
                    entity.properties.remove(name);
                } else {
                    entity.properties.insert(name.to_owned(), old);
                }
            }
            Some(("relations", name)) => match serde_json::from_value(old) {
                Ok(target) => drop(entity.relations.insert(name.to_owned(), target)),
                Err(_) => drop(entity.relations.remove(name)),
            },
            _ => match field.as_str() {
                "title" => entity.title = old.as_str().map(str::to_owned),
                "icon" => entity.icon = old.as_str().map(str::to_owned),
                "team" => entity.team = serde_json::from_value(old).unwrap_or_default(),
                _ => {}
            },
        }
    }
}
