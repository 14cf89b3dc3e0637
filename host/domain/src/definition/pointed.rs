//! Entities that definitions point to.

use super::{Definition, Kind, Origin};
use serde_json::Value;
use std::collections::BTreeMap;

/// Entities that others point to, by `BLUEPRINT/IDENTIFIER`, each with one that does.
pub type Pointed = BTreeMap<String, Pointer>;

/// Who points to an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    /// `BLUEPRINT/IDENTIFIER`.
    pub entity: String,
    /// Its relation.
    pub relation: String,
    /// Where it is described.
    pub origin: Origin,
}

/// All entities that the entities among `wanted` point to. The blueprints of their relations are looked up in `wanted`, then in
/// `known`.
pub fn pointed(wanted: &[Definition], known: &BTreeMap<(Kind, String), Value>) -> Pointed {
    let own: BTreeMap<&str, &Value> = wanted
        .iter()
        .filter(|definition| definition.kind == Kind::Blueprint)
        .map(|definition| (definition.name.as_str(), &definition.value))
        .collect();
    let mut all = Pointed::new();
    for entity in wanted.iter().filter(|definition| definition.kind == Kind::Entity) {
        let blueprint = entity.value["blueprint"].as_str().unwrap_or_default();
        let of = own
            .get(blueprint)
            .copied()
            .or_else(|| known.get(&(Kind::Blueprint, blueprint.to_owned())));
        let Some(relations) = of.map(|of| &of["relations"]) else {
            continue;
        };
        for (relation, target) in entity.value["relations"].as_object().into_iter().flatten() {
            let Some(blueprint) = relations[relation]["target"].as_str() else {
                continue;
            };
            let several = match target {
                Value::Array(several) => several.as_slice(),
                one => std::slice::from_ref(one),
            };
            for identifier in several.iter().filter_map(Value::as_str) {
                all.entry(format!("{blueprint}/{identifier}"))
                    .or_insert_with(|| Pointer {
                        entity: entity.name.clone(),
                        relation: relation.clone(),
                        origin: entity.origin.clone(),
                    });
            }
        }
    }
    all
}
