//! What a blueprint does to the entities that are there.

use super::{Dependant, ModelChange, PIECE, check::checked};
use crate::{Engine, EngineError, Problem, Result};
use seawall_domain::{
    Blueprint, BlueprintId,
    blueprint::{CompiledBlueprint, Outcome},
};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};

/// Examples of what breaks.
const EXAMPLES: usize = 20;

/// What putting a blueprint does, or would do, to what is there.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BlueprintEffect {
    /// Whether it is new.
    pub new: bool,
    /// Whether it differs from the one that is there.
    pub changed: bool,
    /// Entities of it.
    pub entities: u64,
    /// Entities of which a value is left out.
    pub breaking: u64,
    /// Entities that are set aside whole, since they lack what is required.
    pub set_aside: u64,
    /// How many values are left out, by field.
    pub fields: BTreeMap<String, u64>,
    /// Some of what breaks, in words.
    pub examples: Vec<String>,
    /// Whether computed values are computed anew for all of them.
    pub recomputes: bool,
    /// Other blueprints whose values are computed anew, since they are over its relations.
    pub also_recomputes: Vec<BlueprintId>,
    /// Whether it changes whose word counts.
    pub merges: bool,
    /// What uses parts that it no longer has: it is refused, or goes along where that is asked for.
    pub dependants: Vec<Dependant>,
}

impl Engine {
    /// What putting this blueprint would do. Changes nothing.
    ///
    /// # Errors
    /// A blueprint that is wrong, as when it is put.
    pub async fn preview_blueprint(&self, blueprint: &Blueprint, how: &ModelChange) -> Result<BlueprintEffect> {
        let plan = self.plan_blueprint(blueprint, how).await?;
        self.effect_of(&plan).await
    }

    /// Looks at all entities, unless nothing of theirs can break.
    pub(super) async fn effect_of(&self, plan: &super::put::Plan) -> Result<BlueprintEffect> {
        let blueprint = plan.compiled.blueprint();
        let all = self.all_blueprints();
        let known = all.get(&blueprint.identifier).map(|known| known.blueprint());
        let mut effect = BlueprintEffect {
            new: known.is_none(),
            changed: known.is_none_or(|known| known != blueprint),
            recomputes: !crate::derive::computes_the_same(known, blueprint),
            also_recomputes: crate::blueprints::rerouted(&all, &plan.dependants.after, blueprint)
                .into_iter()
                .filter(|other| *other != blueprint.identifier)
                .collect(),
            merges: known.map(|known| known.precedence.clone()).unwrap_or_default() != blueprint.precedence,
            dependants: plan.dependants.all.clone(),
            ..BlueprintEffect::default()
        };
        let ids = self.inner.index.ids(&blueprint.identifier);
        if known.is_some_and(|known| takes_all(known, blueprint)) {
            effect.entities = ids.len() as u64;
            return Ok(effect);
        }
        for ids in ids.chunks(PIECE) {
            self.count_broken(&plan.compiled, ids, &mut effect).await?;
        }
        Ok(effect)
    }

    async fn count_broken(
        &self,
        compiled: &Arc<CompiledBlueprint>,
        ids: &[i64],
        effect: &mut BlueprintEffect,
    ) -> Result<()> {
        let rows = self.inner.store.entities(ids).await?;
        let compiled = compiled.clone();
        let checked = tokio::task::spawn_blocking(move || {
            let check = |row: seawall_store::EntityRow| checked(&compiled, &mut row.said());
            rows.into_iter().map(check).collect::<Vec<_>>()
        });
        for (outcome, reports) in checked.await? {
            effect.entities += 1;
            effect.set_aside += u64::from(outcome == Outcome::SetAside);
            effect.breaking += u64::from(outcome != Outcome::SetAside && !reports.is_empty());
            for report in reports {
                *effect.fields.entry(report.field.unwrap_or_default()).or_default() += 1;
                if effect.examples.len() < EXAMPLES {
                    let entity = report.entity.unwrap_or_default();
                    effect.examples.push(format!("{entity}: {}", report.message));
                }
            }
        }
        Ok(())
    }

    /// Whether a blueprint can be.
    pub(crate) fn check_blueprint_itself(&self, blueprint: &Blueprint) -> Result<CompiledBlueprint> {
        let compiled =
            CompiledBlueprint::new(blueprint.clone()).map_err(|e| EngineError::invalid("/schema", e.to_string()))?;
        if !compiled.faults().is_empty() {
            let faults = compiled.faults().iter();
            return Err(EngineError::Invalid(
                faults
                    .map(|fault| Problem::at(&fault.pointer, &fault.message))
                    .collect(),
            ));
        }
        let circles = crate::derive::circles(&self.all_blueprints(), &compiled);
        if circles.is_empty() {
            Ok(compiled)
        } else {
            Err(EngineError::Invalid(circles))
        }
    }
}

/// Whether a blueprint takes everything that another one took: it has all of its properties and relations as they were, and
/// requires no more.
fn takes_all(before: &Blueprint, after: &Blueprint) -> bool {
    let properties = &after.schema.properties;
    let required = &before.schema.required;
    before
        .schema
        .properties
        .iter()
        .all(|(name, schema)| properties.get(name) == Some(schema))
        && after.schema.required.iter().all(|name| required.contains(name))
        && before.relations.iter().all(|(name, relation)| {
            after
                .relations
                .get(name)
                .is_some_and(|now| now.many == relation.many && (relation.required || !now.required))
        })
        && after
            .relations
            .iter()
            .all(|(name, relation)| !relation.required || before.relations.contains_key(name))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn only_what_narrows_a_blueprint_is_looked_for_in_entities() {
        let before = json!({"identifier": "a", "schema": {"properties": {"x": {"type": "string"}, "y": {"type": "number"}}, "required": ["x"]},
            "relations": {"r": {"target": "a"}}});
        let read = |value: &Value| serde_json::from_value::<Blueprint>(value.clone()).unwrap();
        let with = |pointer: &str, value: Value| {
            let mut after = before.clone();
            let (at, name) = pointer.rsplit_once('/').unwrap();
            after.pointer_mut(at).unwrap()[name] = value;
            takes_all(&read(&before), &read(&after))
        };
        assert!(with("/title", json!("A")));
        assert!(with("/schema/required", json!([])));
        assert!(with("/schema/properties/z", json!({"type": "string"})));
        assert!(with("/relations/s", json!({"target": "b"})));
        assert!(with("/relations/r", json!({"target": "b"})));
        assert!(!with("/schema/required", json!(["x", "y"])));
        assert!(!with("/schema/properties/y", json!({"type": "string"})));
        assert!(!with("/schema/properties", json!({"x": {"type": "string"}})));
        assert!(!with("/relations/r", json!({"target": "a", "many": true})));
        assert!(!with("/relations/s", json!({"target": "a", "required": true})));
        assert!(!with("/relations", json!({})));
    }
}
