//! Relations and computed properties that lead nowhere as the other blueprints are now: told, and not refused, since definitions come in
//! any order, and what a path needs may come next.

use super::{circles::World, follow::LONGEST};
use crate::{Engine, EngineError, Problem, Result};
use seawall_domain::{
    Blueprint, BlueprintId,
    blueprint::{
        CompiledBlueprint,
        computed::{Aggregation, Func, Mirror, Over},
        mistakes,
    },
    document::escaped,
    query::{Node, Scope, Shape},
    text::nearest,
};
use std::collections::BTreeSet;

impl Engine {
    /// What of a blueprint is probably a mistake, as the others are now. It can be put all the same.
    ///
    /// # Errors
    /// Where it is none.
    pub fn blueprint_warnings(&self, blueprint: &Blueprint) -> Result<Vec<Problem>> {
        let compiled =
            CompiledBlueprint::new(blueprint.clone()).map_err(|e| EngineError::invalid("/schema", e.to_string()))?;
        let own = mistakes::warnings(blueprint);
        let own = compiled.faults().iter().chain(&own);
        let mut out: Vec<_> = own.map(|one| Problem::at(&one.pointer, &one.message)).collect();
        let all = self.all_blueprints();
        let world = World {
            all: &all,
            changed: &compiled,
        };
        world.astray(&mut out);
        Ok(out)
    }
}

fn hint<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    nearest(name, known)
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default()
}

impl World<'_> {
    fn astray(&self, out: &mut Vec<Problem>) {
        for (name, relation) in &self.changed.blueprint().relations {
            if self.blueprint(&relation.target).is_none() {
                let why = self.no_blueprint(&relation.target);
                out.push(Problem::at(format!("/relations/{}/target", escaped(name)), why));
            }
        }
        let computed = self.changed.computed();
        for (name, mirror) in &computed.mirrors {
            let why = self.mirror_astray(mirror);
            out.extend(why.map(|why| Problem::at(format!("/mirrorProperties/{}/path", escaped(name)), why)));
        }
        if let Some(relations) = &computed.inherits {
            let why = self.leads_to(&self.changed.blueprint().identifier, relations).err();
            out.extend(why.map(|why| Problem::at("/ownership/path", why)));
        }
        for (name, aggregation) in &computed.aggregations {
            let pointer = format!("/aggregationProperties/{}", escaped(name));
            let problems = self.aggregation_astray(aggregation).into_iter();
            out.extend(problems.map(|(below, why)| Problem::at(format!("{pointer}{below}"), why)));
        }
    }

    fn no_blueprint(&self, name: &BlueprintId) -> String {
        let hint = match nearest(name.as_str(), self.all.keys().map(BlueprintId::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "put it, or name another one".to_owned(),
        };
        format!("there is no blueprint `{name}`; {hint}")
    }

    /// The blueprint at the end of a way, or why it leads nowhere.
    fn leads_to(&self, from: &BlueprintId, relations: &[String]) -> std::result::Result<&CompiledBlueprint, String> {
        let mut here = self.blueprint(from).ok_or_else(|| self.no_blueprint(from))?;
        for relation in relations {
            let known = &here.blueprint().relations;
            let Some(next) = known.get(relation) else {
                let hint = hint(relation, known.keys().map(String::as_str));
                let name = &here.blueprint().identifier;
                return Err(format!("the blueprint `{name}` has no relation `{relation}`{hint}"));
            };
            here = self
                .blueprint(&next.target)
                .ok_or_else(|| format!("it leads along `{relation}`: {}", self.no_blueprint(&next.target)))?;
        }
        Ok(here)
    }

    /// Whether relations lead from one blueprint to another, as far as an aggregation looks that names no way.
    fn is_way(&self, from: &BlueprintId, to: &BlueprintId) -> bool {
        let mut here = BTreeSet::from([from.clone()]);
        for _ in 0..LONGEST {
            here = here
                .iter()
                .filter_map(|name| self.blueprint(name))
                .flat_map(|one| {
                    one.blueprint()
                        .relations
                        .values()
                        .map(|relation| relation.target.clone())
                })
                .collect();
            if here.contains(to) {
                return true;
            }
        }
        false
    }

    fn mirror_astray(&self, mirror: &Mirror) -> Option<String> {
        let end = match self.leads_to(&self.changed.blueprint().identifier, &mirror.relations) {
            Ok(end) => end,
            Err(why) => return Some(why),
        };
        let property = &mirror.property;
        if property.starts_with('$') || end.blueprint().relations.contains_key(property) {
            return None;
        }
        no_property(end, property)
    }

    /// What is astray, with the place below the aggregation.
    fn aggregation_astray(&self, aggregation: &Aggregation) -> Vec<(String, String)> {
        let mut out = Vec::new();
        let Some(target) = self.blueprint(&aggregation.target) else {
            out.push(("/target".to_owned(), self.no_blueprint(&aggregation.target)));
            return out;
        };
        out.extend(func_astray(target, &aggregation.func));
        if let Some(rules) = &aggregation.query {
            let others = self.all.values().map(|compiled| compiled.blueprint());
            let own = self.changed.blueprint();
            let others = others.filter(|other| other.identifier != own.identifier);
            let shape = Shape::of(others.chain([own]));
            let scope = Scope::of(&shape, std::slice::from_ref(&aggregation.target));
            let wrong = match Node::parse(rules, &scope) {
                Err(why) => Some(why.to_string()),
                Ok(node) if node.looks_around() => Some(format!(
                    "it is asked of each entity of `{}` alone, and finds nothing along relations; mirror there what it needs, and ask for \
                     the mirror",
                    aggregation.target
                )),
                Ok(_) => None,
            };
            out.extend(wrong.map(|why| ("/query".to_owned(), why)));
        }
        let own = &self.changed.blueprint().identifier;
        if aggregation.paths.is_none()
            && !self.is_way(own, &aggregation.target)
            && !self.is_way(&aggregation.target, own)
        {
            let to = &aggregation.target;
            out.push((
                "/target".to_owned(),
                format!(
                    "no relations lead from `{own}` to `{to}` or back, all in one direction and at most {LONGEST} of them, so that it is over no \
                     entities; add a relation, or aggregate on a blueprint between the two first"
                ),
            ));
        }
        for (i, path) in aggregation.paths.iter().flatten().enumerate() {
            let (from, to) = if path.from_here {
                (own, &aggregation.target)
            } else {
                (&aggregation.target, own)
            };
            let pointer = format!("/pathFilter/{i}/path");
            match self.leads_to(from, &path.relations) {
                Err(why) => out.push((pointer, why)),
                Ok(end) if end.blueprint().identifier != *to => {
                    let found = &end.blueprint().identifier;
                    out.push((
                        pointer,
                        format!("it leads from `{from}` to `{found}`, and should lead to `{to}`"),
                    ));
                }
                Ok(_) => {}
            }
        }
        out
    }
}

/// The type of a blueprint's property, as far as it is known: `number`, or a format of texts.
enum Kind<'a> {
    Absent,
    Unknown,
    Known(&'a str, Option<&'a str>),
}

fn kind<'a>(blueprint: &'a CompiledBlueprint, property: &str) -> Kind<'a> {
    let computed = blueprint.computed();
    let calculations = computed.calculations.iter();
    let mut calculated = calculations
        .filter(|(name, _)| name == property)
        .map(|(_, one)| &one.schema);
    let own = blueprint.blueprint().schema.properties.get(property);
    if let Some(schema) = own.or_else(|| calculated.next()) {
        return match schema["type"].as_str() {
            Some(kind) => Kind::Known(kind, schema["format"].as_str()),
            None => Kind::Unknown,
        };
    }
    if computed.aggregations.contains_key(property) {
        return Kind::Known("number", None);
    }
    // What an unread definition computes is not known.
    let told = |section: &str| {
        blueprint
            .blueprint()
            .other
            .get(section)
            .is_some_and(|all| all.get(property).is_some())
    };
    let is_computed = ["mirrorProperties", "calculationProperties", "aggregationProperties"]
        .into_iter()
        .any(told);
    if is_computed { Kind::Unknown } else { Kind::Absent }
}

fn no_property(blueprint: &CompiledBlueprint, property: &str) -> Option<String> {
    if !matches!(kind(blueprint, property), Kind::Absent) {
        return None;
    }
    let own = blueprint.blueprint();
    let known = own.schema.properties.keys().map(String::as_str);
    let hint = hint(property, known.chain(blueprint.computed().names()));
    Some(format!(
        "the blueprint `{}` has no property `{property}`{hint}",
        own.identifier
    ))
}

fn func_astray(target: &CompiledBlueprint, func: &Func) -> Vec<(String, String)> {
    let (numbers, by) = match func {
        Func::Count => (None, None),
        Func::CountPer { by, .. } => (None, Some(by)),
        Func::Of { property, what } => (Some((property, *what)), None),
        Func::SumPer { property, by, .. } => (Some((property, Over::Average)), Some(by)),
    };
    let mut out = Vec::new();
    if let Some((property, what)) = numbers {
        let why = match kind(target, property) {
            Kind::Known(kind, _) if !matches!(kind, "number" | "integer") => {
                let what = format!("{what:?}").to_lowercase();
                Some(format!(
                    "`{property}` is of type {kind}, and {what} is of numbers; count entities, or name another property"
                ))
            }
            _ => no_property(target, property),
        };
        out.extend(why.map(|why| ("/calculationSpec/property".to_owned(), why)));
    }
    if let Some(by) = by.filter(|by| !by.starts_with('$')) {
        let why = match kind(target, by) {
            Kind::Known(_, Some("date-time" | "timer")) => None,
            Kind::Known(..) => Some(format!(
                "`{by}` is no time; name a property whose format is `date-time`, or `$createdAt`"
            )),
            _ => no_property(target, by),
        };
        out.extend(why.map(|why| ("/calculationSpec/measureTimeBy".to_owned(), why)));
    }
    out
}
