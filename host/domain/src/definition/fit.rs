//! Entities as their blueprints take them, so that what is wanted is compared with what is stored.

use super::{Definition, Kind};
use crate::{
    Blueprint, Entity,
    blueprint::{Check, CompiledBlueprint, Outcome},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Makes the conversions that lose nothing (72 to "72", one target to a list of one). An entity that breaks its blueprint stays as
/// it is: who stores it says what is wrong. Blueprints are looked up in `wanted`, then in `known`.
pub fn fit(wanted: &mut [Definition], known: &BTreeMap<(Kind, String), Value>) {
    let stored = known
        .iter()
        .filter(|((kind, _), _)| *kind == Kind::Blueprint)
        .map(|((_, name), value)| (name, value));
    let own = wanted
        .iter()
        .filter(|one| one.kind == Kind::Blueprint)
        .map(|one| (&one.name, &one.value));
    let blueprints: BTreeMap<String, CompiledBlueprint> = stored
        .chain(own)
        .filter_map(|(name, value)| {
            let blueprint: Blueprint = serde_json::from_value(value.clone()).ok()?;
            Some((name.clone(), CompiledBlueprint::new(blueprint).ok()?))
        })
        .collect();
    for definition in wanted.iter_mut().filter(|one| one.kind == Kind::Entity) {
        let Ok(mut entity) = serde_json::from_value::<Entity>(definition.value.clone()) else {
            continue;
        };
        let Some(blueprint) = blueprints.get(entity.blueprint.as_str()) else {
            continue;
        };
        let check = Check {
            kind: "entity",
            key: &definition.name,
            strict: false,
            conversions: false,
            client: true,
        };
        let mut reports = Vec::new();
        let kept = blueprint.check(&mut entity, check, &mut reports) != Outcome::SetAside;
        if kept && reports.is_empty() {
            definition.value = serde_json::to_value(&entity).unwrap_or_else(|_| definition.value.clone());
        }
    }
}
