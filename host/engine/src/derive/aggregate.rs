//! Values over related entities.

use super::{stations, value::Known};
use crate::{Engine, Result, engine::Blueprints};
use seawall_domain::{
    Entity, EntityId, Millis,
    blueprint::computed::{Aggregation, Func, Over, Period},
    query::{Compiled, Node, Scope, Subject},
};
use seawall_store::EntityRow;
use serde_json::{Number, Value};
use std::collections::BTreeSet;

/// Rows that are read at once.
const PIECE: usize = 1_000;

/// What an aggregation comes to.
#[derive(Default)]
pub(super) struct Aggregated {
    /// None: it has no value.
    pub(super) value: Option<Value>,
    /// When it may be another one while no entity changes.
    pub(super) until: Option<Millis>,
}

impl Engine {
    /// What an aggregation makes of the entities that are related to this one.
    pub(super) async fn aggregated(
        &self,
        all: &Blueprints,
        entity: &Entity,
        aggregation: &Aggregation,
        known: &mut Known,
    ) -> Result<Aggregated> {
        let related = self.related_to(all, entity, aggregation, known).await?;
        if aggregation.func == Func::Count && aggregation.query.is_none() {
            return Ok(Aggregated {
                value: Some(related.len().into()),
                until: None,
            });
        }
        let world = known.world(all, self.now());
        let scope = Scope::of(&world.shape, std::slice::from_ref(&aggregation.target));
        let node = aggregation.query.as_ref().map(|rules| Node::parse(rules, &scope));
        let node = match node.transpose() {
            Ok(node) => node.unwrap_or_else(Node::all),
            // It named a property once that is no more: no value is better than one of other entities.
            Err(why) => {
                tracing::debug!(blueprint = %entity.blueprint, "an aggregation's query cannot be asked: {why}");
                return Ok(Aggregated::default());
            }
        };
        let timed = node.depends_on_time();
        let compiled = Compiled::new(&node, world.now);
        let ids: Vec<i64> = related
            .iter()
            .filter_map(|identifier| self.inner.index.get(&aggregation.target, identifier))
            .collect();
        let mut taken = Taken::default();
        let mut until: Option<Millis> = None;
        for piece in ids.chunks(PIECE) {
            for row in self.inner.store.entities(piece).await? {
                let subject = Subject {
                    entity: &row.entity,
                    created_at: row.created_at,
                    updated_at: row.updated_at,
                    created_by: row.created_by.as_deref(),
                    updated_by: row.updated_by.as_deref(),
                };
                if compiled.matches(subject, &*world) {
                    taken.take(&row, &aggregation.func);
                }
                if timed {
                    until = until.into_iter().chain(node.changes_after(subject, &*world)).min();
                }
            }
        }
        Ok(Aggregated {
            value: taken.value(&aggregation.func),
            until,
        })
    }

    async fn related_to(
        &self,
        all: &Blueprints,
        entity: &Entity,
        aggregation: &Aggregation,
        known: &mut Known,
    ) -> Result<BTreeSet<EntityId>> {
        let target = &aggregation.target;
        let mut out = BTreeSet::new();
        let all_ways;
        let paths = match &aggregation.paths {
            Some(paths) => &paths[..],
            None => {
                all_ways = known.ways(all, &entity.blueprint, target);
                &all_ways[..]
            }
        };
        for path in paths {
            let from = if path.from_here { &entity.blueprint } else { target };
            let Some(stations) = stations(all, from, &path.relations) else {
                continue;
            };
            let end = stations.last();
            if path.from_here && end == Some(target) {
                let reached = self.reached(all, entity, &path.relations, known).await?;
                out.extend(reached.iter().map(|one| one.entity.identifier.clone()));
            } else if !path.from_here && end == Some(&entity.blueprint) {
                let stations = &stations[..path.relations.len()];
                out.extend(self.back(stations, &path.relations, &entity.identifier));
            }
        }
        Ok(out)
    }
}

/// What is gathered of the entities that count.
#[derive(Default)]
struct Taken {
    count: u64,
    numbers: Vec<f64>,
    first: Option<Millis>,
    last: Option<Millis>,
}

impl Taken {
    fn take(&mut self, row: &EntityRow, func: &Func) {
        let (property, by) = match func {
            Func::Count => (None, None),
            Func::CountPer { by, .. } => (None, Some(by)),
            Func::Of { property, .. } => (Some(property), None),
            Func::SumPer { property, by, .. } => (Some(property), Some(by)),
        };
        if let Some(by) = by {
            let Some(at) = moment(row, by) else { return };
            self.first = Some(self.first.map_or(at, |first| first.min(at)));
            self.last = Some(self.last.map_or(at, |last| last.max(at)));
        }
        self.count += 1;
        if let Some(Value::Number(number)) = property.and_then(|name| row.entity.properties.get(name)) {
            self.numbers.extend(number.as_f64());
        }
    }

    fn value(mut self, func: &Func) -> Option<Value> {
        match func {
            Func::Count => Some(self.count.into()),
            Func::CountPer { period, .. } => number(self.count as f64 / self.periods(*period)?),
            Func::SumPer { period, .. } => number(self.numbers.iter().sum::<f64>() / self.periods(*period)?),
            Func::Of { what, .. } => {
                self.numbers.sort_by(f64::total_cmp);
                let all = &self.numbers;
                let sum: f64 = all.iter().sum();
                number(match what {
                    Over::Sum => sum,
                    Over::Average => sum / (!all.is_empty()).then_some(all.len())? as f64,
                    Over::Min => *all.first()?,
                    Over::Max => *all.last()?,
                    Over::Median => {
                        let middle = all.len() / 2;
                        if all.len().is_multiple_of(2) {
                            f64::midpoint(*all.get(middle.checked_sub(1)?)?, *all.get(middle)?)
                        } else {
                            *all.get(middle)?
                        }
                    }
                })
            }
        }
    }

    /// From the first to the last, both of their periods included: the clock would change the value while nothing
    /// happens.
    fn periods(&self, period: Period) -> Option<f64> {
        let length = period.millis();
        let (first, last) = (self.first?.div_euclid(length), self.last?.div_euclid(length));
        Some((last - first + 1) as f64)
    }
}

fn moment(row: &EntityRow, by: &str) -> Option<Millis> {
    match by {
        "$createdAt" => Some(row.created_at),
        "$updatedAt" => Some(row.updated_at),
        property => {
            let text = row.entity.properties.get(property)?.as_str()?;
            let at: jiff::Timestamp = text.parse().ok()?;
            Some(at.as_millisecond())
        }
    }
}

/// Whole numbers as such; what is no number as nothing.
fn number(value: f64) -> Option<Value> {
    // Up to 2^53 a float holds every integer exactly.
    if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
        return Some((value as i64).into());
    }
    Number::from_f64(value).map(Value::Number)
}
