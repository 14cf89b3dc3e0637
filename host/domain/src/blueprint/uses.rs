//! What blueprints use of each other and of themselves, and what of it a change would take away.
//!
//! A use counts where what it needs is there before the change and is not behind it: one that leads nowhere already is
//! nobody's loss. What goes with a use may be used in turn, so that [`dependants`] asks until nothing more is lost.

use super::{
    Blueprint, BlueprintError, CompiledBlueprint,
    computed::{Aggregation, Calculation},
};
use crate::{BlueprintId, mapping::Blueprints};
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

/// The sections of a blueprint that hold computed properties by name.
const SECTIONS: [&str; 3] = ["mirrorProperties", "calculationProperties", "aggregationProperties"];

/// The part of a blueprint that uses something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// A relation, of its target.
    Relation,
    /// A mirror, of the way to its property.
    Mirror,
    /// A calculation, of its own blueprint's properties and relations.
    Calculation,
    /// An aggregation, of its target and of what it reads there.
    Aggregation,
    /// Inherited ownership, of the way to the owner.
    Ownership,
}

impl Part {
    fn word(self) -> &'static str {
        match self {
            Self::Relation => "relation",
            Self::Mirror => "mirror",
            Self::Calculation => "calculation",
            Self::Aggregation => "aggregation",
            Self::Ownership => "ownership",
        }
    }

    /// The section of a blueprint that holds it.
    fn section(self) -> &'static str {
        match self {
            Self::Relation => "relations",
            Self::Mirror => "mirrorProperties",
            Self::Calculation => "calculationProperties",
            Self::Aggregation => "aggregationProperties",
            Self::Ownership => "ownership",
        }
    }
}

/// Something that a blueprint would use in vain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Use {
    /// Whose part it is.
    pub blueprint: BlueprintId,
    /// What sort of part.
    pub what: Part,
    /// Its name; `ownership` of that.
    pub name: String,
    /// What it needs: a blueprint, or `BLUEPRINT.FIELD`.
    pub needs: String,
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            blueprint,
            what,
            name,
            needs,
        } = self;
        match what {
            Part::Ownership => write!(f, "inherited ownership of `{blueprint}` (needs `{needs}`)"),
            what => write!(f, "{} `{name}` of `{blueprint}` (needs `{needs}`)", what.word()),
        }
    }
}

/// What a change takes along.
#[derive(Debug, Default)]
pub struct Dependants {
    /// All uses that would be in vain, those too that are so only since another one goes.
    pub uses: Vec<Use>,
    /// The blueprints of these, without them.
    pub blueprints: BTreeMap<BlueprintId, Blueprint>,
    /// All blueprints as they would be.
    pub after: Blueprints,
}

/// What the way from `before` to `after` takes from blueprints that are in both, but those in `along`, whose loss counts
/// for nothing.
///
/// # Errors
/// A blueprint that cannot be compiled without what it loses.
pub fn dependants(
    before: &Blueprints,
    after: Blueprints,
    along: &BTreeSet<BlueprintId>,
) -> Result<Dependants, BlueprintError> {
    let mut out = Dependants {
        after,
        ..Dependants::default()
    };
    loop {
        let mut lost = lost(before, &out.after);
        lost.retain(|one| !along.contains(&one.blueprint));
        if lost.is_empty() {
            return Ok(out);
        }
        for one in &lost {
            let Some(compiled) = out.after.get(&one.blueprint) else {
                continue;
            };
            let less = without(compiled.blueprint(), one);
            out.blueprints.insert(one.blueprint.clone(), less.clone());
            let compiled = Arc::new(CompiledBlueprint::new(less)?);
            out.after.insert(one.blueprint.clone(), compiled);
        }
        out.uses.extend(lost);
    }
}

/// All uses that were fulfilled and are not any more, in order.
fn lost(before: &Blueprints, after: &Blueprints) -> Vec<Use> {
    let mut out = Vec::new();
    for (id, compiled) in before {
        let Some(now) = after.get(id) else { continue };
        let mut note = |what: Part, name: &str, was: Option<String>, is: Option<String>| {
            if let (None, Some(needs)) = (was, is)
                && is_same(what, name, compiled.blueprint(), now.blueprint())
            {
                out.push(Use {
                    blueprint: id.clone(),
                    what,
                    name: name.to_owned(),
                    needs,
                });
            }
        };
        for (name, relation) in &compiled.blueprint().relations {
            let missing = |world: &Blueprints| {
                let is_there = world.contains_key(&relation.target);
                (!is_there).then(|| relation.target.to_string())
            };
            note(Part::Relation, name, missing(before), missing(after));
        }
        let computed = compiled.computed();
        for (name, mirror) in &computed.mirrors {
            let missing = |world: &Blueprints| missing_on_way(world, id, &mirror.relations, Some(&mirror.property));
            note(Part::Mirror, name, missing(before), missing(after));
        }
        for (name, aggregation) in &computed.aggregations {
            let missing = |world: &Blueprints| missing_to_aggregate(world, id, aggregation);
            note(Part::Aggregation, name, missing(before), missing(after));
        }
        for (name, calculation) in &computed.calculations {
            let needs = missing_to_calculate(calculation, compiled, now);
            note(
                Part::Calculation,
                name,
                None,
                needs.map(|field| format!("{id}.{field}")),
            );
        }
        if let Some(relations) = &computed.inherits {
            let missing = |world: &Blueprints| missing_on_way(world, id, relations, None);
            note(Part::Ownership, "ownership", missing(before), missing(after));
        }
    }
    out.sort();
    out
}

/// Whether a part is defined the same in both: one that is defined anew is judged by itself.
fn is_same(what: Part, name: &str, before: &Blueprint, after: &Blueprint) -> bool {
    match what {
        Part::Relation => before.relations.get(name) == after.relations.get(name),
        Part::Ownership => ["ownership", "teamInheritance"]
            .iter()
            .all(|field| before.other.get(*field) == after.other.get(*field)),
        what => {
            let of = |blueprint: &Blueprint| blueprint.other.get(what.section()).map(|all| all[name].clone());
            of(before) == of(after)
        }
    }
}

/// The first thing that is missing on a way along relations, and of the field at its end.
fn missing_on_way(world: &Blueprints, from: &BlueprintId, relations: &[String], end: Option<&str>) -> Option<String> {
    let mut at = from;
    for relation in relations {
        let Some(here) = world.get(at) else {
            return Some(at.to_string());
        };
        match here.blueprint().relations.get(relation) {
            Some(relation) => at = &relation.target,
            None => return Some(format!("{at}.{relation}")),
        }
    }
    match (world.get(at), end) {
        (None, _) => Some(at.to_string()),
        (Some(here), Some(field)) if !has_field(here.blueprint(), field) => Some(format!("{at}.{field}")),
        _ => None,
    }
}

fn missing_to_aggregate(world: &Blueprints, own: &BlueprintId, aggregation: &Aggregation) -> Option<String> {
    let target = &aggregation.target;
    let Some(there) = world.get(target) else {
        return Some(target.to_string());
    };
    for path in aggregation.paths.iter().flatten() {
        let from = if path.from_here { own } else { target };
        if let Some(missing) = missing_on_way(world, from, &path.relations, None) {
            return Some(missing);
        }
    }
    let mut reads = aggregation.reads().into_iter();
    let missing = reads.find(|field| !has_field(there.blueprint(), field))?;
    Some(format!("{target}.{missing}"))
}

/// The first field that a calculation reads, which its blueprint had and has no more.
fn missing_to_calculate(
    calculation: &Calculation,
    before: &CompiledBlueprint,
    after: &CompiledBlueprint,
) -> Option<String> {
    let (was, is) = (before.blueprint(), after.blueprint());
    let property = properties(was)
        .filter(|name| !has_field(is, name))
        .find(|name| calculation.reads(name));
    let relation = || {
        let mut gone = was.relations.keys().filter(|name| !is.relations.contains_key(*name));
        gone.find(|name| calculation.reads_relation(name))
    };
    property
        .map(str::to_owned)
        .or_else(|| relation().map(|name| format!("relations.{name}")))
}

/// Names of stored and computed properties.
fn properties(blueprint: &Blueprint) -> impl Iterator<Item = &str> {
    let computed = SECTIONS
        .into_iter()
        .filter_map(|section| blueprint.other.get(section)?.as_object())
        .flat_map(|all| all.keys());
    blueprint.schema.properties.keys().chain(computed).map(String::as_str)
}

/// Whether a blueprint has a field, as mirrors and rules name it: a property, perhaps with a path into its value, a relation
/// behind `relations.`, or what every entity has, behind `$`.
fn has_field(blueprint: &Blueprint, name: &str) -> bool {
    if name.starts_with('$') || properties(blueprint).any(|own| own == name) {
        return true;
    }
    match name.split_once('.') {
        Some(("properties", rest)) => has_field(blueprint, rest),
        Some(("relations", rest)) => {
            let relation = rest.split('.').next().unwrap_or(rest);
            blueprint.relations.contains_key(rest) || blueprint.relations.contains_key(relation)
        }
        Some((first, _)) => blueprint.relations.contains_key(first) || properties(blueprint).any(|own| own == first),
        None => false,
    }
}

/// A blueprint without one of its parts.
fn without(blueprint: &Blueprint, part: &Use) -> Blueprint {
    let mut out = blueprint.clone();
    match part.what {
        Part::Relation => drop(out.relations.remove(&part.name)),
        Part::Ownership => ["ownership", "teamInheritance"]
            .iter()
            .for_each(|field| drop(out.other.remove(*field))),
        what => {
            let section = what.section();
            if let Some(Value::Object(all)) = out.other.get_mut(section) {
                all.remove(&part.name);
                // An empty section says what its absence says.
                if all.is_empty() {
                    out.other.remove(section);
                }
            }
        }
    }
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::json;

    fn world(all: &[Value]) -> Blueprints {
        let compiled = all.iter().map(|one| {
            let blueprint: Blueprint = serde_json::from_value(one.clone()).unwrap();
            let compiled = CompiledBlueprint::new(blueprint).unwrap();
            assert!(compiled.faults().is_empty(), "{:?}", compiled.faults());
            (compiled.blueprint().identifier.clone(), Arc::new(compiled))
        });
        compiled.collect()
    }

    fn all() -> [Value; 3] {
        let count = json!({"calculationBy": "entities", "func": "count"});
        let sum = json!({"calculationBy": "property", "func": "sum", "property": "cost"});
        let query = json!({"combinator": "and", "rules": [{"property": "tier", "operator": "=", "value": "gold"}]});
        [
            json!({"identifier": "domain", "schema": {"properties": {"cost": {"type": "number"}}},
                "relations": {"lead": {"target": "service"}},
                "aggregationProperties": {"gold": {"target": "system", "calculationSpec": count, "query": query}}}),
            json!({"identifier": "system",
                "schema": {"properties": {"tier": {"type": "string"}, "cost": {"type": "number"}, "own": {"type": "string"}}},
                "relations": {"domain": {"target": "domain"}},
                "calculationProperties": {"loud": {"type": "string", "calculation": ".properties.own | ascii_upcase"}}}),
            json!({"identifier": "service", "relations": {"system": {"target": "system"}},
                "mirrorProperties": {"tier": {"path": "system.tier"}, "loud": {"path": "system.loud"}, "owner": {"path": "system.domain.$team"}},
                "calculationProperties": {"label": {"type": "string", "calculation": ".identifier + .properties.tier"}},
                "aggregationProperties": {"cost": {"target": "system", "calculationSpec": sum, "pathFilter": [{"path": ["system"], "fromBlueprint": "service"}]}},
                "ownership": {"type": "Inherited", "path": "system.domain"}}),
        ]
    }

    fn lost_by(change: impl FnOnce(&mut [Value; 3])) -> (Vec<String>, Dependants) {
        let before = world(&all());
        let mut after = all();
        change(&mut after);
        let compiled = after.iter().filter(|one| !one.is_null()).map(|one| {
            let compiled = CompiledBlueprint::new(serde_json::from_value(one.clone()).unwrap()).unwrap();
            (compiled.blueprint().identifier.clone(), Arc::new(compiled))
        });
        let found = dependants(&before, compiled.collect(), &BTreeSet::new()).unwrap();
        let mut words: Vec<_> = found.uses.iter().map(ToString::to_string).collect();
        words.sort();
        (words, found)
    }

    fn take(value: &mut Value, pointer: &str, name: &str) {
        value
            .pointer_mut(pointer)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(name);
    }

    #[test]
    fn a_property_goes_with_all_that_reads_it_along_any_way() {
        let (words, found) = lost_by(|all| take(&mut all[1], "/schema/properties", "tier"));
        assert_eq!(
            words,
            [
                "aggregation `gold` of `domain` (needs `system.tier`)",
                "calculation `label` of `service` (needs `service.tier`)",
                "mirror `tier` of `service` (needs `system.tier`)",
            ]
        );
        let service = &found.blueprints[&"service".parse::<BlueprintId>().unwrap()];
        assert!(service.other.get("calculationProperties").is_none());
        assert_eq!(service.other["mirrorProperties"].as_object().unwrap().len(), 2);
        let (words, _) = lost_by(|all| take(&mut all[1], "/schema/properties", "own"));
        assert_eq!(
            words,
            [
                "calculation `loud` of `system` (needs `system.own`)",
                "mirror `loud` of `service` (needs `system.loud`)"
            ]
        );
    }

    #[test]
    fn a_relation_and_a_blueprint_go_with_all_ways_through_them() {
        let (words, _) = lost_by(|all| take(&mut all[1], "/relations", "domain"));
        assert_eq!(
            words,
            [
                "inherited ownership of `service` (needs `system.domain`)",
                "mirror `owner` of `service` (needs `system.domain`)"
            ]
        );
        let (words, found) = lost_by(|all| all[1] = Value::Null);
        assert_eq!(words.len(), 8, "{words:?}");
        assert!(words.contains(&"relation `system` of `service` (needs `system`)".to_owned()));
        let service: BlueprintId = "service".parse().unwrap();
        assert!(found.blueprints[&service].relations.is_empty());
        assert!(found.blueprints[&service].other.is_empty());
    }

    #[test]
    fn what_is_defined_anew_or_led_nowhere_before_is_no_loss() {
        let (words, _) = lost_by(|all| {
            take(&mut all[1], "/schema/properties", "own");
            all[1]["calculationProperties"]["loud"]["calculation"] = json!(".identifier");
        });
        assert_eq!(words, Vec::<String>::new());
        let (words, _) = lost_by(|all| {
            // Another blueprint with what is read.
            all[0]["schema"]["properties"]["tier"] = json!({"type": "string"});
            all[0]["relations"]["domain"] = json!({"target": "domain"});
            all[2]["relations"]["system"] = json!({"target": "domain"});
        });
        assert_eq!(words, ["mirror `loud` of `service` (needs `domain.loud`)"]);
        let along = BTreeSet::from(["service".parse().unwrap(), "domain".parse().unwrap()]);
        let mut after = world(&all());
        after.remove(&"system".parse::<BlueprintId>().unwrap());
        assert!(dependants(&world(&all()), after, &along).unwrap().uses.is_empty());
    }
}
