//! What a blueprint computes: mirrored, calculated and aggregated properties, and inherited ownership, in Port's shape.
//!
//! ```json
//! {"mirrorProperties": {"tier": {"path": "system.tier"}, "lead": {"path": "system.domain.$title"}},
//!  "calculationProperties": {"url": {"type": "string", "format": "url", "calculation": "\"https://x/\" + .identifier"}},
//!  "aggregationProperties": {"open": {"target": "issue", "calculationSpec": {"calculationBy": "entities", "func": "count"},
//!    "query": {"combinator": "and", "rules": [{"property": "status", "operator": "=", "value": "OPEN"}]}}},
//!  "ownership": {"type": "Inherited", "path": "system"}}
//! ```
//!
//! - A **mirror**'s path goes along relations and ends with a property of the last blueprint, which may be computed itself, or
//!   one of the meta properties ([`META`]). Along single relations it is that value, along a `many` relation the list
//!   of values, without those that are absent.
//! - A **calculation** is a jq expression over the entity as the API shows it (`.identifier`, `.title`, `.team`, `.properties`,
//!   `.relations`), with mirrors, aggregations and the calculations that it does not itself lead to. What does not fit its type
//!   is absent. It cannot ask for the time.
//! - An **aggregation** is over the entities of `target` that are related to this one: whose relation, of any name, points to
//!   it, or to which one of its own points. `pathFilter` names the relations instead: `[{"path": ["repo", "issues"]}]` goes from here
//!   to the target, and with `"fromBlueprint"` that is the target from there to here, as Port's page on aggregations has it.
//!   Without, a path that begins with no relation of this blueprint can only be meant from the target.
//! - **Ownership** that is inherited gives an entity that names no team those of the entity at the end of the path.

mod aggregation;
mod calculation;
mod mirror;
mod ownership;

pub use aggregation::{Aggregation, Func, Over, PathFilter, Period};
pub use calculation::Calculation;
pub use mirror::{META, Mirror};

use crate::{document::escaped, text::nearest};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The relations of one path may not be more.
const MAX_STEPS: usize = 16;

/// All that a blueprint computes.
#[derive(Debug, Default)]
pub struct Computed {
    /// By property.
    pub mirrors: BTreeMap<String, Mirror>,
    /// By property, in an order in which each comes after those that it reads.
    pub calculations: Vec<(String, Calculation)>,
    /// By property.
    pub aggregations: BTreeMap<String, Aggregation>,
    /// Relations to the entity whose teams own this one too.
    pub inherits: Option<Vec<String>>,
}

/// What is wrong with a computed property, or with what a stored one may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {message}")]
pub struct ComputedError {
    /// JSON pointer into the blueprint.
    pub pointer: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

fn wrong(pointer: impl Into<String>, message: impl Into<String>) -> ComputedError {
    ComputedError {
        pointer: pointer.into(),
        message: message.into(),
    }
}

impl Computed {
    /// Reads and compiles what `other`, the rest of a blueprint, computes. `own` are the names of its stored properties,
    /// `relations` those of its relations. Whether paths lead anywhere is asked of all blueprints together, by the engine.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn read(
        other: &Map<String, Value>,
        own: &BTreeMap<String, Value>,
        relations: &BTreeSet<String>,
    ) -> Result<Self, Vec<ComputedError>> {
        let mut errors = Vec::new();
        let mut computed = Self::default();
        let mut names: BTreeMap<String, &str> = own.keys().map(|name| (name.clone(), "schema.properties")).collect();
        let mut calculations = Vec::new();
        for section in ["mirrorProperties", "calculationProperties", "aggregationProperties"] {
            let Some(all) = other.get(section) else { continue };
            let Some(all) = all.as_object() else {
                errors.push(wrong(
                    format!("/{section}"),
                    "expected an object: a definition for each name",
                ));
                continue;
            };
            for (name, definition) in all {
                let pointer = format!("/{section}/{}", escaped(name));
                if let Some(before) = names.insert(name.clone(), section) {
                    errors.push(wrong(
                        &pointer,
                        format!("`{name}` is a property of `{before}` already; choose another name"),
                    ));
                    continue;
                }
                let read = match section {
                    "mirrorProperties" => mirror::read(definition, &pointer, relations)
                        .map(|mirror| drop(computed.mirrors.insert(name.clone(), mirror))),
                    "calculationProperties" => {
                        calculation::read(definition, &pointer).map(|one| calculations.push((name.clone(), one)))
                    }
                    _ => aggregation::read(definition, &pointer, relations)
                        .map(|one| drop(computed.aggregations.insert(name.clone(), one))),
                };
                errors.extend(read.err());
            }
        }
        match ownership::read(other, relations) {
            Ok(inherits) => computed.inherits = inherits,
            Err(error) => errors.push(error),
        }
        match calculation::in_order(calculations) {
            Ok(ordered) => computed.calculations = ordered,
            Err(error) => errors.push(error),
        }
        if errors.is_empty() { Ok(computed) } else { Err(errors) }
    }

    /// Whether it computes nothing.
    pub fn is_empty(&self) -> bool {
        self.mirrors.is_empty()
            && self.calculations.is_empty()
            && self.aggregations.is_empty()
            && self.inherits.is_none()
    }

    /// Whether some of it changes as time passes, while no entity does.
    pub fn depends_on_time(&self) -> bool {
        self.aggregations.values().any(Aggregation::depends_on_time)
    }

    /// Names of all computed properties.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let mirrors = self.mirrors.keys().map(String::as_str);
        let calculations = self.calculations.iter().map(|(name, _)| name.as_str());
        mirrors
            .chain(calculations)
            .chain(self.aggregations.keys().map(String::as_str))
    }
}

fn text<'v>(value: &'v Value, field: &str, pointer: &str, example: &str) -> Result<&'v str, ComputedError> {
    value[field].as_str().filter(|text| !text.is_empty()).ok_or_else(|| {
        wrong(
            format!("{pointer}/{field}"),
            format!("expected a text such as {example}"),
        )
    })
}

/// The steps of a path, whose first must be a relation of this blueprint.
fn steps(path: &str, pointer: &str, relations: &BTreeSet<String>) -> Result<Vec<String>, ComputedError> {
    let steps: Vec<String> = path.split('.').map(str::to_owned).collect();
    if steps.iter().any(String::is_empty) || steps.len() > MAX_STEPS {
        let message = format!(
            "expected 1 to {MAX_STEPS} names with dots between, found `{}`",
            crate::text::cut(path, 80)
        );
        return Err(wrong(pointer, message));
    }
    if let Some(first) = steps.first().filter(|first| !relations.contains(*first)) {
        return Err(wrong(pointer, no_relation(first, relations)));
    }
    Ok(steps)
}

fn no_relation(name: &str, relations: &BTreeSet<String>) -> String {
    let near = nearest(name, relations.iter().map(String::as_str));
    let hint = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None if relations.is_empty() => "it has none".to_owned(),
        None => format!(
            "it has: {}",
            relations.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
        ),
    };
    format!("the blueprint has no relation `{name}`; {hint}")
}

#[cfg(test)]
mod tests;
