//! Whose values follow from a change.

use super::{Affected, stations};
use crate::{Engine, engine::Blueprints};
use seawall_domain::{BlueprintId, EntityId};
use seawall_store::{ChangeKind, ChangeRow};
use std::collections::BTreeSet;

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

/// Whether a change touches a field, named as mirrors name them.
fn touches(change: &ChangeRow, field: &str) -> bool {
    if change.kind != ChangeKind::Updated {
        return true;
    }
    match field.strip_prefix('$') {
        // An identifier never changes.
        Some("identifier") => false,
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
            let computes = all.get(&blueprint).is_some_and(|b| !b.computed().is_empty());
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

    /// Those at the beginning of a way that reach `end` by it. `stations` are the blueprints before each relation.
    fn back(&self, stations: &[BlueprintId], relations: &[String], end: &EntityId) -> BTreeSet<EntityId> {
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
