//! Whose values follow from a change.

use super::{Affected, DERIVED, stations, value::Known};
use crate::{Engine, EngineError, Result, engine::Blueprints};
use seawall_domain::{
    BlueprintId, EntityId, RelationTarget,
    blueprint::computed::{Aggregation, Func, PathFilter},
};
use seawall_store::{ChangeKind, ChangeRow};
use std::{
    borrow::Cow,
    collections::{BTreeSet, VecDeque},
};

/// More entities than refer to one in earnest.
const MOST: usize = 1_000_000;

/// A way from a blueprint along relations, and what is read at its end: a property, or what an inheritance takes.
struct Way<'a> {
    from: &'a BlueprintId,
    relations: &'a [String],
    reads: &'a str,
}

fn ways(all: &Blueprints) -> Vec<Way<'_>> {
    let mut out = Vec::new();
    for (from, compiled) in all {
        let computed = compiled.computed();
        for mirror in computed.mirrors.values() {
            out.push(Way {
                from,
                relations: &mirror.relations,
                reads: &mirror.property,
            });
        }
        if let Some(relations) = &computed.inherits {
            out.push(Way {
                from,
                relations,
                reads: "$team",
            });
        }
    }
    out
}

/// The blueprints whose computed values are over ways that come through this one: they are others where its relations are.
pub(crate) fn passing(all: &Blueprints, through: &BlueprintId) -> BTreeSet<BlueprintId> {
    let comes_through = |from: &BlueprintId, relations: &[String]| {
        stations(all, from, relations).is_some_and(|stations| stations.contains(through))
    };
    let along = ways(all)
        .into_iter()
        .filter(|way| comes_through(way.from, way.relations))
        .map(|way| way.from.clone());
    let mut out: BTreeSet<_> = along.collect();
    for (own, compiled) in all {
        let mut aggregations = compiled.computed().aggregations.values();
        let over_it = aggregations.any(|aggregation| {
            paths(all, own, aggregation).iter().any(|path| {
                let from = if path.from_here { own } else { &aggregation.target };
                comes_through(from, &path.relations)
            })
        });
        if over_it {
            out.insert(own.clone());
        }
    }
    out
}

/// Whether a change touches a field, named as mirrors name them.
fn touches(change: &ChangeRow, field: &str) -> bool {
    if change.kind != ChangeKind::Updated {
        return true;
    }
    match field.strip_prefix('$') {
        // These never change.
        Some("identifier" | "blueprint" | "createdAt" | "createdBy") => false,
        // What is computed leaves them, so that none of them follows from itself.
        Some("updatedAt" | "updatedBy") => change.cause != DERIVED,
        Some(meta) => change.diff.contains_key(meta),
        None => change.diff.contains_key(&format!("properties.{field}")),
    }
}

impl Engine {
    /// The entities whose computed values may follow from these changes.
    pub(super) fn affected(&self, all: &Blueprints, changes: &[ChangeRow]) -> Affected {
        let mut out = Affected::new();
        let ways = ways(all);
        for change in changes {
            let (Ok(blueprint), Ok(identifier)) =
                (BlueprintId::new(&change.blueprint), EntityId::new(&change.identifier))
            else {
                continue;
            };
            let is_new = change.kind == ChangeKind::Created;
            let computes = all
                .get(&blueprint)
                .is_some_and(|b| !b.computed().is_empty() || is_new && !b.defaults().is_empty());
            if computes && change.kind != ChangeKind::Deleted {
                out.entry(blueprint.clone()).or_default().insert(identifier.clone());
            }
            for way in &ways {
                let Some(stations) = stations(all, way.from, way.relations) else {
                    continue;
                };
                // At its last station what is read counts, at those between the next relation.
                for at in 1..stations.len() {
                    if stations[at] != blueprint {
                        continue;
                    }
                    let matters = match way.relations.get(at) {
                        None => touches(change, way.reads),
                        Some(next) => {
                            change.kind != ChangeKind::Updated || change.diff.contains_key(&format!("relations.{next}"))
                        }
                    };
                    if matters {
                        let found = self.back(&stations[..at], &way.relations[..at], &identifier);
                        out.entry(way.from.clone()).or_default().extend(found);
                    }
                }
            }
        }
        out
    }

    /// The entities of which an aggregation is over one of those that changed, now or before. Their relations as they were
    /// stand in the changes.
    pub(super) async fn aggregating(
        &self,
        all: &Blueprints,
        changes: &[ChangeRow],
        affected: &mut Affected,
    ) -> Result<()> {
        let mut known = Known::default();
        for (own, compiled) in all.iter().filter(|(_, b)| !b.computed().aggregations.is_empty()) {
            let aggregations = compiled.computed().aggregations.values();
            let ways = aggregations.flat_map(|aggregation| ways_back(all, own, aggregation));
            let ways: BTreeSet<WayBack> = ways.collect();
            for change in changes {
                let Ok(identifier) = EntityId::new(&change.identifier) else {
                    continue;
                };
                for way in &ways {
                    for at in 0..=way.relations.len() {
                        if way.stations[at].as_str() != change.blueprint || !way.follows(change, at) {
                            continue;
                        }
                        let found = if way.to_own {
                            self.forward(all, change, way, at, &mut known).await?
                        } else if at == 0 {
                            // The one that aggregates is computed for its own change.
                            continue;
                        } else {
                            self.back(&way.stations[..at], &way.relations[..at], &identifier)
                        };
                        affected.entry(own.clone()).or_default().extend(found);
                    }
                }
            }
        }
        Ok(())
    }

    /// Where a way leads from a changed entity, by its relations as they are and as they were.
    async fn forward(
        &self,
        all: &Blueprints,
        change: &ChangeRow,
        way: &WayBack,
        at: usize,
        known: &mut Known,
    ) -> Result<BTreeSet<EntityId>> {
        let Some(relation) = way.relations.get(at) else {
            return Ok(BTreeSet::new());
        };
        let mut next = BTreeSet::new();
        if let Some(values) = change.diff.get(&format!("relations.{relation}")) {
            for value in [&values[0], &values[1]] {
                if let Ok(target) = serde_json::from_value::<RelationTarget>(value.clone()) {
                    next.extend(target.targets().iter().cloned());
                }
            }
        }
        let name = (
            way.stations[at].clone(),
            EntityId::new(&change.identifier).map_err(|e| EngineError::Internal(e.to_string()))?,
        );
        self.learn(std::slice::from_ref(&name), known).await?;
        if let Some(row) = known.entity(&name)
            && let Some(target) = row.entity.relations.get(relation)
        {
            next.extend(target.targets().iter().cloned());
        }
        let rest = &way.relations[at + 1..];
        if rest.is_empty() {
            return Ok(next);
        }
        let mut out = BTreeSet::new();
        for identifier in next {
            let name = (way.stations[at + 1].clone(), identifier);
            self.learn(std::slice::from_ref(&name), known).await?;
            if let Some(row) = known.entity(&name).cloned() {
                let ends = self.reached(all, &row.entity, rest, known).await?;
                out.extend(ends.iter().map(|end| end.entity.identifier.clone()));
            }
        }
        Ok(out)
    }

    /// Those at the beginning of a way that reach `end` by it. `stations` are the blueprints before each relation.
    pub(super) fn back(&self, stations: &[BlueprintId], relations: &[String], end: &EntityId) -> BTreeSet<EntityId> {
        let mut here = BTreeSet::from([end.clone()]);
        for (blueprint, relation) in stations.iter().zip(relations).rev() {
            let mut before = BTreeSet::new();
            for target in &here {
                before.extend(self.inner.index.referrers(blueprint, relation, target, MOST));
            }
            here = before;
        }
        here
    }
}

/// A way between the aggregated blueprint and the one that aggregates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct WayBack {
    /// The blueprints along it.
    stations: Vec<BlueprintId>,
    /// The relations between them.
    relations: Vec<String>,
    /// Whether it leads to the one that aggregates, and does not begin there.
    to_own: bool,
    /// The fields of the aggregated entities that are read, as changes name them. None: any may be.
    reads: Option<BTreeSet<String>>,
}

impl WayBack {
    /// Whether anything follows from this change of an entity at a station.
    fn follows(&self, change: &ChangeRow, at: usize) -> bool {
        let aggregated = if self.to_own { 0 } else { self.relations.len() };
        change.kind != ChangeKind::Updated
            || self
                .relations
                .get(at)
                .is_some_and(|next| change.diff.contains_key(&format!("relations.{next}")))
            || at == aggregated
                && self
                    .reads
                    .as_ref()
                    .is_none_or(|fields| fields.iter().any(|field| change.diff.contains_key(field)))
    }
}

/// The fields of an aggregated entity that its value follows from, as changes name them. None: any may be.
fn reads(aggregation: &Aggregation) -> Option<BTreeSet<String>> {
    if aggregation.query.is_some() {
        return None;
    }
    let (property, by) = match &aggregation.func {
        Func::Count => (None, None),
        Func::CountPer { by, .. } => (None, Some(by)),
        Func::Of { property, .. } => (Some(property), None),
        Func::SumPer { property, by, .. } => (Some(property), Some(by)),
    };
    let mut out = BTreeSet::new();
    for name in property.into_iter().chain(by) {
        match name.as_str() {
            "$createdAt" => {}
            "$updatedAt" => return None,
            name => {
                out.insert(format!("properties.{name}"));
            }
        }
    }
    Some(out)
}

fn ways_back(all: &Blueprints, own: &BlueprintId, aggregation: &Aggregation) -> Vec<WayBack> {
    let target = &aggregation.target;
    let mut out = Vec::new();
    let mut add = |from: &BlueprintId, relations: Vec<String>, to_own: bool| {
        let end = if to_own { own } else { target };
        if let Some(stations) = stations(all, from, &relations).filter(|s| s.last() == Some(end)) {
            out.push(WayBack {
                stations,
                relations,
                to_own,
                reads: reads(aggregation),
            });
        }
    };
    for path in paths(all, own, aggregation).iter() {
        let from = if path.from_here { own } else { target };
        add(from, path.relations.clone(), !path.from_here);
    }
    out
}

/// The ways between the aggregated blueprint and the one that aggregates: those that are named, or else all.
fn paths<'a>(all: &Blueprints, own: &BlueprintId, aggregation: &'a Aggregation) -> Cow<'a, [PathFilter]> {
    match &aggregation.paths {
        Some(paths) => Cow::Borrowed(paths),
        None => Cow::Owned(all_ways(all, own, &aggregation.target)),
    }
}

/// All ways between a blueprint and what it aggregates along relations of one direction, as Port's page has it: "By default,
/// aggregations consider all possible paths".
pub(super) fn all_ways(all: &Blueprints, own: &BlueprintId, target: &BlueprintId) -> Vec<PathFilter> {
    let up = ways_between(all, target, own).into_iter().map(|relations| PathFilter {
        relations,
        from_here: false,
    });
    let down = ways_between(all, own, target).into_iter().map(|relations| PathFilter {
        relations,
        from_here: true,
    });
    up.chain(down).collect()
}

/// Relations of the longest way that is looked for.
pub(super) const LONGEST: usize = 5;
/// Ways between two blueprints; the shortest ones count.
const MOST_WAYS: usize = 64;
/// Steps of the search: blueprints of which each points to each other have more ways than anybody means.
const MOST_STEPS: usize = 10_000;

/// The ways along relations from one blueprint to another that come through none twice, the shortest first.
fn ways_between(all: &Blueprints, from: &BlueprintId, to: &BlueprintId) -> Vec<Vec<String>> {
    let mut out = Vec::new();
    let mut next = VecDeque::from([(vec![from], Vec::new())]);
    let mut steps = 0;
    while let Some((stations, relations)) = next.pop_front() {
        let here = stations.last().and_then(|last| all.get(*last));
        for (name, relation) in here.into_iter().flat_map(|compiled| &compiled.blueprint().relations) {
            steps += 1;
            if out.len() == MOST_WAYS || steps > MOST_STEPS {
                return out;
            }
            let mut way = relations.clone();
            way.push(name.clone());
            if relation.target == *to {
                out.push(way);
            } else if way.len() < LONGEST && !stations.contains(&&relation.target) {
                let mut stations = stations.clone();
                stations.push(&relation.target);
                next.push_back((stations, way));
            }
        }
    }
    out
}
