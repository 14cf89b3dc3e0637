//! The order in which definitions are applied: what others need comes first.

use super::{Definition, Kind};
use crate::credential::Credential;
use std::collections::{BTreeMap, BTreeSet};

/// Sorts definitions so that each stands behind what it needs: by kind, blueprints behind those that their relations point
/// to (as far as these form no circle), credentials behind those that they need.
pub fn in_order(mut all: Vec<Definition>) -> Vec<Definition> {
    let ranks = blueprints(&all);
    all.sort_by_cached_key(|definition| {
        let within = match definition.kind {
            Kind::Blueprint => ranks.get(&definition.name).copied().unwrap_or_default(),
            Kind::Credential => needs(definition),
            _ => 0,
        };
        (definition.kind, within, definition.name.clone())
    });
    all
}

fn needs(definition: &Definition) -> usize {
    let credential: Result<Credential, _> = serde_json::from_value(definition.value.clone());
    credential
        .map(|credential| credential.needs().len())
        .unwrap_or_default()
}

/// A number for each blueprint that is higher than those of its targets, but within circles.
fn blueprints(all: &[Definition]) -> BTreeMap<String, usize> {
    let targets: BTreeMap<&str, BTreeSet<&str>> = all
        .iter()
        .filter(|definition| definition.kind == Kind::Blueprint)
        .map(|definition| {
            let relations = definition.value["relations"].as_object().into_iter().flatten();
            let targets = relations.filter_map(|(_, relation)| relation["target"].as_str());
            (definition.name.as_str(), targets.collect())
        })
        .collect();
    let mut ranks = BTreeMap::new();
    let mut entered = BTreeSet::new();
    for start in targets.keys() {
        // Down to what needs nothing, then up again; without recursion, since a chain may be long.
        let mut path = vec![(*start, false)];
        while let Some((name, done)) = path.pop() {
            if done {
                let rank = ranks.len();
                ranks.entry(name.to_owned()).or_insert(rank);
            } else if entered.insert(name) {
                path.push((name, true));
                let of = targets.get(name).into_iter().flatten();
                path.extend(
                    of.filter(|target| targets.contains_key(**target))
                        .map(|target| (*target, false)),
                );
            }
        }
    }
    ranks
}
