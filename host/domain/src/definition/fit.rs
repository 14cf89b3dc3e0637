//! Entities as their blueprints take them, so that what is wanted is compared with what is stored.

use super::{Definition, Kind};
use crate::{
    Blueprint, BlueprintId, Entity,
    blueprint::{Check, CompiledBlueprint, Outcome, defaults},
    text::nearest,
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// How entities fit their blueprints.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fit {
    /// Those that the server would not take, each with all that is wrong with it.
    pub misfits: BTreeMap<(Kind, String), String>,
    /// Fields that the blueprint requires and the entity does not say, as `properties.NAME` and `relations.NAME`: another source may say
    /// them.
    pub lacking: BTreeMap<(Kind, String), Vec<String>>,
}

/// Makes the conversions that lose nothing (72 to "72", one target to a list of one). An entity that breaks its blueprint stays as
/// it is, and is among what is given back. Blueprints are looked up in `wanted`, then in `known`.
pub fn fit(wanted: &mut [Definition], known: &BTreeMap<(Kind, String), Value>) -> Fit {
    let blueprints = blueprints(wanted, known);
    let mut fit = Fit::default();
    for definition in wanted.iter_mut().filter(|one| one.kind == Kind::Entity) {
        let Ok(mut entity) = serde_json::from_value::<Entity>(definition.value.clone()) else {
            continue;
        };
        let wrong = fit_one(&definition.name, &mut entity, &blueprints);
        if wrong.is_empty() {
            definition.value = serde_json::to_value(&entity).unwrap_or_else(|_| definition.value.clone());
        } else {
            fit.misfits.insert(definition.key(), wrong.join("\n"));
            continue;
        }
        if let Some(Some(blueprint)) = blueprints.get(entity.blueprint.as_str()) {
            let lacking = lacking(blueprint.blueprint(), &entity);
            fit.lacking
                .extend((!lacking.is_empty()).then(|| (definition.key(), lacking)));
        }
    }
    fit
}

/// What a blueprint requires and an entity does not say.
fn lacking(blueprint: &Blueprint, entity: &Entity) -> Vec<String> {
    let defaults = defaults(&blueprint.schema.properties);
    let has = |name: &String| entity.properties.contains_key(name) || defaults.contains_key(name);
    let properties = blueprint.schema.required.iter().filter(|name| !has(name));
    let relations = blueprint.relations.iter();
    let relations = relations.filter(|(name, relation)| relation.required && !entity.relations.contains_key(*name));
    let properties = properties.map(|name| format!("properties.{name}"));
    properties
        .chain(relations.map(|(name, _)| format!("relations.{name}")))
        .collect()
}

/// Whether an entity lacks what its blueprint requires.
pub(super) fn lacks(blueprint: &Value, entity: &Value) -> bool {
    let read = (Blueprint::deserialize(blueprint), Entity::deserialize(entity));
    matches!(read, (Ok(blueprint), Ok(entity)) if !lacking(&blueprint, &entity).is_empty())
}

/// All blueprints that there would be; of one that cannot be used, nothing is known.
fn blueprints(
    wanted: &[Definition],
    known: &BTreeMap<(Kind, String), Value>,
) -> BTreeMap<String, Option<CompiledBlueprint>> {
    let stored = known
        .iter()
        .filter(|((kind, _), _)| *kind == Kind::Blueprint)
        .map(|((_, name), value)| (name, value));
    let own = wanted
        .iter()
        .filter(|one| one.kind == Kind::Blueprint)
        .map(|one| (&one.name, &one.value));
    let compiled = |value: &Value| {
        let blueprint: Blueprint = serde_json::from_value(value.clone()).ok()?;
        CompiledBlueprint::new(blueprint).ok()
    };
    stored
        .chain(own)
        .map(|(name, value)| (name.clone(), compiled(value)))
        .collect()
}

/// What is wrong with an entity; where nothing is, it fits behind this.
fn fit_one(name: &str, entity: &mut Entity, blueprints: &BTreeMap<String, Option<CompiledBlueprint>>) -> Vec<String> {
    let unknown = |blueprint: &BlueprintId| {
        let near = nearest(blueprint.as_str(), blueprints.keys().map(String::as_str));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        format!("neither the folder nor the server has the blueprint `{blueprint}`{hint}")
    };
    let blueprint = match blueprints.get(entity.blueprint.as_str()) {
        None => return vec![format!("blueprint: {}", unknown(&entity.blueprint))],
        // Why it cannot be used is said of the blueprint.
        Some(None) => return Vec::new(),
        Some(Some(blueprint)) => blueprint,
    };
    let check = Check {
        kind: "entity",
        key: name,
        strict: false,
        conversions: false,
        client: true,
    };
    let mut reports = Vec::new();
    let outcome = blueprint.check(entity, check, &mut reports);
    let mut wrong: Vec<String> = reports
        .into_iter()
        .map(|report| match report.field {
            Some(field) => format!("{field}: {}", report.message),
            None => report.message,
        })
        .collect();
    if outcome == Outcome::SetAside && wrong.is_empty() {
        wrong.push("it does not fit its blueprint".to_owned());
    }
    let relations = &blueprint.blueprint().relations;
    let leads_nowhere = entity.relations.keys().filter_map(|relation| {
        let target = &relations.get(relation)?.target;
        (!blueprints.contains_key(target.as_str())).then(|| format!("relations.{relation}: {}", unknown(target)))
    });
    wrong.extend(leads_nowhere);
    wrong
}
