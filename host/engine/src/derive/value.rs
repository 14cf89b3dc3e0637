//! What an entity's computed values are.

use super::{Affected, DERIVED, follow::all_ways};
use crate::{Engine, Result, engine::Blueprints, replicas::OnDuty};
use seawall_domain::{
    BlueprintId, Entity, EntityId, Millis, RelationTarget,
    blueprint::{
        CompiledBlueprint,
        computed::{Mirror, PathFilter},
    },
    entity::Derived,
    query::{Alone, Shape},
};
use seawall_store::{DeriveWrite, EntityRow};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

/// Targets along one path.
const MOST_TARGETS: usize = 10_000;
/// Entities whose values are computed and stored at once.
const PIECE: usize = 500;

/// What was read and found out for one piece of work, in which the blueprints stay as they are.
#[derive(Default)]
pub(super) struct Known {
    entities: HashMap<(BlueprintId, EntityId), Option<Arc<EntityRow>>>,
    /// The ways between the one that aggregates and what it aggregates.
    ways: HashMap<(BlueprintId, BlueprintId), Arc<[PathFilter]>>,
    /// What queries of aggregations are asked of.
    world: Option<Arc<Alone>>,
}

impl Known {
    /// An entity that was learnt.
    pub(super) fn entity(&self, name: &(BlueprintId, EntityId)) -> Option<&Arc<EntityRow>> {
        self.entities.get(name).and_then(Option::as_ref)
    }

    /// All ways between a blueprint and what it aggregates, found once.
    pub(super) fn ways(&mut self, all: &Blueprints, own: &BlueprintId, target: &BlueprintId) -> Arc<[PathFilter]> {
        let found = self.ways.entry((own.clone(), target.clone()));
        found.or_insert_with(|| all_ways(all, own, target).into()).clone()
    }

    /// The world of queries at this moment, made once.
    pub(super) fn world(&mut self, all: &Blueprints, now: Millis) -> Arc<Alone> {
        let made = self.world.get_or_insert_with(|| {
            let shape = Shape::of(all.values().map(|compiled| compiled.blueprint()));
            Arc::new(Alone { now, shape })
        });
        made.clone()
    }
}

impl Engine {
    /// Computes these entities' values anew, and stores what differs.
    pub(super) async fn compute(&self, all: &Blueprints, affected: Affected, on_duty: &OnDuty) -> Result<()> {
        for (blueprint, identifiers) in affected {
            let ids: Vec<i64> = identifiers
                .iter()
                .filter_map(|identifier| self.inner.index.get(&blueprint, identifier))
                .collect();
            for piece in ids.chunks(PIECE) {
                self.compute_rows(all, piece, on_duty).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn compute_rows(&self, all: &Blueprints, ids: &[i64], on_duty: &OnDuty) -> Result<()> {
        let rows = self.inner.store.entities(ids).await?;
        let mut known = Known::default();
        let mut writes = Vec::new();
        let mut due: BTreeMap<i64, Option<Millis>> = ids.iter().map(|id| (*id, None)).collect();
        for row in rows {
            let Some(compiled) = all.get(&row.entity.blueprint) else {
                continue;
            };
            let (derived, until) = self.derived(all, compiled, &row, &mut known).await?;
            due.insert(row.id, until);
            if derived != row.derived {
                writes.push(DeriveWrite {
                    entity: row.id,
                    derived,
                });
            }
        }
        if !writes.is_empty() {
            let result = self
                .inner
                .store
                .derive(writes, DERIVED, on_duty.duty(), self.now())
                .await?;
            self.index(&result);
        }
        // What could not be stored is still due.
        self.are_due(due);
        Ok(())
    }

    /// The values, and until when they hold while no entity changes; none: for ever.
    async fn derived(
        &self,
        all: &Blueprints,
        compiled: &CompiledBlueprint,
        row: &EntityRow,
        known: &mut Known,
    ) -> Result<(Derived, Option<Millis>)> {
        let mut until: Option<Millis> = None;
        let mut derived = Derived::defaults(compiled.defaults().clone());
        let said = row.said();
        let computed = compiled.computed();
        for (name, mirror) in &computed.mirrors {
            if let Some(value) = self.mirrored(all, &said, mirror, known).await? {
                derived.properties.insert(name.clone(), value);
            }
        }
        if let Some(relations) = &computed.inherits
            && said.team.is_empty()
        {
            derived.team = self.inherited(all, &said, relations, known).await?;
        }
        for (name, aggregation) in &computed.aggregations {
            let aggregated = self.aggregated(all, &said, aggregation, known).await?;
            until = until.into_iter().chain(aggregated.until).min();
            if let Some(value) = aggregated.value {
                derived.properties.insert(name.clone(), value);
            }
        }
        if !computed.calculations.is_empty() {
            let mut shown = said.clone();
            derived.overlay(&mut shown);
            let mut input = input(&shown);
            for (name, calculation) in &computed.calculations {
                match calculation.run(&input) {
                    Ok(Some(value)) => {
                        input["properties"][name] = value.clone();
                        derived.properties.insert(name.clone(), value);
                    }
                    Ok(None) => {}
                    Err(why) => tracing::debug!(
                        entity = %format_args!("{}/{}", shown.blueprint, shown.identifier),
                        property = name, "a calculation gives nothing: {why}"
                    ),
                }
            }
        }
        Ok((derived, until))
    }

    /// The teams that an entity inherits: of each owner those that are said of it, or else those that it inherits itself. What was
    /// computed before is not asked: where entities inherit from each other in a circle, it would go round for ever.
    async fn inherited(
        &self,
        all: &Blueprints,
        said: &Entity,
        relations: &[String],
        known: &mut Known,
    ) -> Result<Vec<String>> {
        let mut out: Vec<String> = Vec::new();
        let mut seen = BTreeSet::from([(said.blueprint.clone(), said.identifier.clone())]);
        let mut next = VecDeque::from([(said.clone(), relations.to_vec())]);
        while let Some((from, relations)) = next.pop_front() {
            for owner in self.reached(all, &from, &relations, known).await? {
                let owner = owner.said();
                if !owner.team.is_empty() {
                    let new: Vec<_> = owner.team.into_iter().filter(|team| !out.contains(team)).collect();
                    out.extend(new);
                    continue;
                }
                let on = all
                    .get(&owner.blueprint)
                    .and_then(|compiled| compiled.computed().inherits.clone());
                if let Some(on) = on
                    && seen.len() < MOST_TARGETS
                    && seen.insert((owner.blueprint.clone(), owner.identifier.clone()))
                {
                    next.push_back((owner, on));
                }
            }
        }
        Ok(out)
    }

    /// The calculations that come to nothing for an entity as it stands, with the reason.
    pub(crate) fn uncalculated(&self, entity: &Entity) -> Vec<(String, String)> {
        let all = self.all_blueprints();
        let Some(compiled) = all.get(&entity.blueprint) else {
            return Vec::new();
        };
        let input = input(entity);
        let absent = compiled.computed().calculations.iter();
        let absent = absent.filter(|(name, _)| !entity.properties.contains_key(name));
        absent
            .filter_map(|(name, calculation)| Some((name.clone(), calculation.run(&input).err()?)))
            .collect()
    }

    async fn mirrored(
        &self,
        all: &Blueprints,
        entity: &Entity,
        mirror: &Mirror,
        known: &mut Known,
    ) -> Result<Option<Value>> {
        let many = is_many(all, &entity.blueprint, &mirror.relations);
        let ends = self.reached(all, entity, &mirror.relations, known).await?;
        let mut values = ends.iter().filter_map(|end| field(end, &mirror.property));
        if !many {
            return Ok(values.next());
        }
        let mut list: Vec<Value> = Vec::new();
        for value in values {
            // A list of lists is one list; each value stands in it once.
            let parts = match value {
                Value::Array(parts) => parts,
                one => vec![one],
            };
            for part in parts {
                if !list.contains(&part) {
                    list.push(part);
                }
            }
        }
        Ok((!list.is_empty()).then(|| list.into()))
    }

    /// The entities at the end of a way of relations, in the order of the relations' targets.
    pub(super) async fn reached(
        &self,
        all: &Blueprints,
        entity: &Entity,
        relations: &[String],
        known: &mut Known,
    ) -> Result<Vec<Arc<EntityRow>>> {
        let mut reached: Option<Vec<Arc<EntityRow>>> = None;
        for relation in relations {
            let here: Vec<&Entity> = match &reached {
                None => vec![entity],
                Some(rows) => rows.iter().map(|row| &row.entity).collect(),
            };
            let mut names: Vec<(BlueprintId, EntityId)> = Vec::new();
            let mut seen = BTreeSet::new();
            for from in here {
                let target = all
                    .get(&from.blueprint)
                    .and_then(|b| b.blueprint().relations.get(relation))
                    .map(|r| r.target.clone());
                let (Some(blueprint), Some(targets)) = (target, from.relations.get(relation)) else {
                    continue;
                };
                for identifier in targets.targets().iter().take(MOST_TARGETS) {
                    if names.len() < MOST_TARGETS && seen.insert(identifier.clone()) {
                        names.push((blueprint.clone(), identifier.clone()));
                    }
                }
            }
            self.learn(&names, known).await?;
            let ends = names.iter().filter_map(|name| known.entity(name).cloned());
            reached = Some(ends.collect());
        }
        Ok(reached.unwrap_or_default())
    }

    /// Reads the entities that are not known yet.
    pub(super) async fn learn(&self, names: &[(BlueprintId, EntityId)], known: &mut Known) -> Result<()> {
        let mut ids = Vec::new();
        for name in names {
            if !known.entities.contains_key(name) {
                known.entities.insert(name.clone(), None);
                ids.extend(self.inner.index.get(&name.0, &name.1));
            }
        }
        for row in self.inner.store.entities(&ids).await? {
            let name = (row.entity.blueprint.clone(), row.entity.identifier.clone());
            known.entities.insert(name, Some(Arc::new(row)));
        }
        Ok(())
    }
}

/// An entity as calculations see it.
fn input(entity: &Entity) -> Value {
    json!({
        "identifier": entity.identifier, "blueprint": entity.blueprint, "title": entity.title, "icon": entity.icon,
        "team": entity.team, "properties": entity.properties,
        "relations": serde_json::to_value(&entity.relations).unwrap_or_default(),
    })
}

fn is_many(all: &Blueprints, from: &BlueprintId, relations: &[String]) -> bool {
    let mut at = from.clone();
    for relation in relations {
        let Some(definition) = all.get(&at).and_then(|b| b.blueprint().relations.get(relation)) else {
            return false;
        };
        if definition.many {
            return true;
        }
        at = definition.target.clone();
    }
    false
}

/// A field as mirrors name them.
fn field(row: &EntityRow, name: &str) -> Option<Value> {
    let entity = &row.entity;
    match name {
        "$identifier" => Some(entity.identifier.as_str().into()),
        "$blueprint" => Some(entity.blueprint.as_str().into()),
        "$title" => entity.title.clone().map(Value::from),
        "$icon" => entity.icon.clone().map(Value::from),
        "$team" => (!entity.team.is_empty()).then(|| entity.team.clone().into()),
        "$createdAt" => moment(row.created_at),
        "$updatedAt" => moment(row.updated_at),
        "$createdBy" => row.created_by.clone().map(Value::from),
        "$updatedBy" => row.updated_by.clone().map(Value::from),
        property => entity
            .properties
            .get(property)
            .cloned()
            .or_else(|| entity.relations.get(property).map(RelationTarget::to_json)),
    }
}

/// A time as the API shows it.
fn moment(at: Millis) -> Option<Value> {
    let at = jiff::Timestamp::from_millisecond(at).ok()?;
    Some(at.to_string().into())
}
