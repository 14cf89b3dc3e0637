//! Changes of the model: what a blueprint would break, and what follows when it is put or removed.

use crate::{Engine, EngineError, Problem, Result, engine::Blueprints, site::Site};
use seawall_domain::{
    Blueprint, BlueprintId, Entity, Report,
    blueprint::{Check, CompiledBlueprint, Outcome},
};
use seawall_store::{Expect, ItemWrite, PageWrite, StoreError};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};

/// Entities and items that are looked at at once.
const PIECE: usize = 500;
/// Examples of what breaks.
const EXAMPLES: usize = 20;
/// So often a piece is made anew where a pass was faster.
const TRIES: usize = 8;

/// What a blueprint would do to the entities that are there.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BlueprintEffect {
    /// Whether it is new.
    pub new: bool,
    /// Whether it differs from the one that is there.
    pub changed: bool,
    /// Entities of it.
    pub entities: u64,
    /// Entities of which a value would be left out.
    pub breaking: u64,
    /// Entities that would be set aside whole, since they lack what is required.
    pub set_aside: u64,
    /// How many values would be left out, by field.
    pub fields: BTreeMap<String, u64>,
    /// Some of what breaks, in words.
    pub examples: Vec<String>,
    /// Whether computed values would be computed anew for all of them.
    pub recomputes: bool,
    /// Whether whose word counts would change.
    pub merges: bool,
}

impl Engine {
    /// What putting this blueprint would do. Changes nothing.
    ///
    /// # Errors
    /// A blueprint that is wrong, as when it is put.
    pub async fn preview_blueprint(&self, blueprint: &Blueprint) -> Result<BlueprintEffect> {
        let compiled = self.check_blueprint_itself(blueprint)?;
        let all = self.all_blueprints();
        let known = all.get(&blueprint.identifier);
        let mut effect = BlueprintEffect {
            new: known.is_none(),
            changed: known.is_none_or(|known| known.blueprint() != blueprint),
            recomputes: !crate::derive::computes_the_same(known.map(|known| known.blueprint()), blueprint),
            merges: known
                .map(|known| known.blueprint().precedence.clone())
                .unwrap_or_default()
                != blueprint.precedence,
            ..BlueprintEffect::default()
        };
        let compiled = Arc::new(compiled);
        for ids in self.inner.index.ids(&blueprint.identifier).chunks(PIECE) {
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
        }
        Ok(effect)
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

    /// Removes a blueprint. With entities of it only where that is asked for: they go with it.
    ///
    /// # Errors
    /// Where there is none, and where it is in use: what uses it is named.
    pub async fn remove_blueprint(&self, name: &BlueprintId, with_entities: bool) -> Result<()> {
        let all = self.all_blueprints();
        if !all.contains_key(name) {
            return Err(EngineError::not_found("blueprint", name));
        }
        let mut users = Vec::new();
        for (other, compiled) in all.iter().filter(|(other, _)| *other != name) {
            let blueprint = compiled.blueprint();
            let relations = blueprint
                .relations
                .iter()
                .filter(|(_, relation)| relation.target == *name);
            users.extend(relations.map(|(relation, _)| format!("relation `{relation}` of `{other}`")));
            let aggregations = compiled
                .computed()
                .aggregations
                .iter()
                .filter(|(_, a)| a.target == *name);
            users.extend(aggregations.map(|(property, _)| format!("aggregation `{property}` of `{other}`")));
        }
        if !users.is_empty() {
            return Err(EngineError::Conflict(format!(
                "`{name}` is the target of {}; take these away first",
                users.join(", ")
            )));
        }
        let entities = self.inner.index.ids(name).len();
        if entities > 0 && !with_entities {
            return Err(EngineError::Conflict(format!(
                "there are {entities} entities of `{name}`; say `entities=true` if they are to go with it"
            )));
        }
        self.inner.store.remove_blueprint(name).await?;
        self.reload_blueprints().await?;
        self.model_changed(&all, name);
        Ok(())
    }

    /// Looks in the background at all that was checked against a blueprint as it was.
    pub(crate) fn model_changed(&self, before: &Arc<Blueprints>, name: &BlueprintId) {
        let (engine, before, name) = (self.clone(), before.clone(), name.clone());
        self.spawn(async move {
            if let Err(error) = engine.check_again(&before, &name).await {
                tracing::error!(blueprint = %name, "entities could not be checked against the blueprint as it is now: {error}");
            }
        });
    }

    async fn check_again(&self, before: &Blueprints, name: &BlueprintId) -> Result<()> {
        for row in self.inner.store.integrations().await? {
            let integration = &row.integration.name;
            // One that is not granted or cannot run holds what it held.
            let Ok(site) = self.site(integration).await else {
                continue;
            };
            if self.maps_otherwise(&site, before).await? {
                self.remap_now(integration).await?;
            }
        }
        self.check_clients(name).await
    }

    async fn maps_otherwise(&self, site: &Site, before: &Blueprints) -> Result<bool> {
        let Some(mapping) = &site.mapping else { return Ok(false) };
        let now = self.all_blueprints();
        let kinds = self.inner.store.kinds(site.row.id).await?;
        Ok(kinds
            .iter()
            .any(|kind| mapping.digest(kind, before) != mapping.digest(kind, &now)))
    }

    /// Checks what clients say of a blueprint's entities. Of a blueprint that is gone nothing is left.
    async fn check_clients(&self, name: &BlueprintId) -> Result<()> {
        let prefix = format!("{name}/");
        for source in self.inner.store.client_sources().await? {
            let mut after = prefix.clone();
            while !self.inner.shutdown.is_cancelled() {
                match self.check_words(&source.name, source.partition, name, &after).await? {
                    Some(last) => after = last,
                    None => break,
                }
            }
        }
        Ok(())
    }

    async fn check_words(
        &self,
        source: &str,
        partition: i64,
        name: &BlueprintId,
        after: &str,
    ) -> Result<Option<String>> {
        let prefix = format!("{name}/");
        for _ in 0..TRIES {
            let mut items = self.inner.store.items(partition, after, PIECE).await?;
            items.retain(|item| item.key.starts_with(&prefix));
            let Some(last) = items.last().map(|item| item.key.clone()) else {
                return Ok(None);
            };
            let all = self.all_blueprints();
            let mut page = PageWrite {
                partition,
                pass: None,
                fence: 0,
                upserts: Vec::new(),
                deletes: Vec::new(),
                unchanged: Vec::new(),
                cursor: None,
                items: items.len() as u64,
                converted: 0,
                cause: format!("blueprint:{name}"),
                expect: Vec::new(),
                renewal: true,
                duty: None,
                delivery: None,
                now: self.now(),
            };
            for item in items {
                page.expect.push(Expect::Item {
                    key: item.key.clone(),
                    hash: Some(item.hash),
                });
                let Some(compiled) = all.get(name) else {
                    page.deletes.push(item.key);
                    continue;
                };
                let mut entity: Entity = serde_json::from_slice(&item.value)
                    .map_err(|e| EngineError::Internal(format!("{source}, {}: {e}", item.key)))?;
                let (outcome, reports) = checked(compiled, &mut entity);
                page.upserts.push(ItemWrite {
                    key: item.key,
                    hash: item.hash,
                    value: item.value,
                    entities: if outcome == Outcome::SetAside {
                        Vec::new()
                    } else {
                        vec![entity]
                    },
                    reports,
                });
            }
            match self.inner.store.apply_page(page).await {
                Ok(result) => {
                    self.index(&result);
                    return Ok(Some(last));
                }
                Err(StoreError::Changed(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(EngineError::Conflict(format!(
            "what `{source}` says changes all the time"
        )))
    }
}

fn checked(compiled: &CompiledBlueprint, entity: &mut Entity) -> (Outcome, Vec<Report>) {
    let mut reports = Vec::new();
    let key = entity.identifier.to_string();
    let check = Check {
        kind: "entity",
        key: &key,
        strict: false,
        conversions: false,
        client: false,
    };
    let outcome = compiled.check(entity, check, &mut reports);
    (outcome, reports)
}
