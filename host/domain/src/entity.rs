//! Entities, and the merge of what several items say of one.

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

/// What a relation points to: identifiers of the relation's target blueprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RelationTarget {
    /// A single relation.
    One(EntityId),
    /// A `many` relation, without repeats.
    Many(Vec<EntityId>),
}

impl RelationTarget {
    /// All targets, in order.
    pub fn targets(&self) -> &[EntityId] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// Merges what several items say of one entity, in order of precedence: a later contribution's values win, property by
/// property; single relations likewise, and `many` relations and teams are joined. `None` without contributions.
pub fn merge<'a>(contributions: impl IntoIterator<Item = &'a Entity>) -> Option<Entity> {
    let mut all = contributions.into_iter();
    let mut merged = all.next()?.clone();
    for next in all {
        if next.title.is_some() {
            merged.title.clone_from(&next.title);
        }
        if next.icon.is_some() {
            merged.icon.clone_from(&next.icon);
        }
        for team in &next.team {
            if !merged.team.contains(team) {
                merged.team.push(team.clone());
            }
        }
        for (name, value) in &next.properties {
            merged.properties.insert(name.clone(), value.clone());
        }
        for (name, target) in &next.relations {
            match (merged.relations.get_mut(name), target) {
                (Some(RelationTarget::Many(have)), RelationTarget::Many(more)) => {
                    for id in more {
                        if !have.contains(id) {
                            have.push(id.clone());
                        }
                    }
                }
                _ => {
                    merged.relations.insert(name.clone(), target.clone());
                }
            }
        }
    }
    Some(merged)
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

impl RelationTarget {
    /// A string for one target, an array of strings for many.
    pub fn to_json(&self) -> Value {
        match self {
            Self::One(id) => id.as_str().into(),
            Self::Many(ids) => ids.iter().map(EntityId::as_str).collect::<Vec<_>>().into(),
        }
    }
}
