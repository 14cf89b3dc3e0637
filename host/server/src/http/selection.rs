//! Which fields of its entities a list shows: `include` and `exclude`.
//!
//! An answer of twenty entities with fifty properties each is mostly what nobody looks at; who asks for the columns that are
//! shown gets it several times as fast.

use super::{App, entities::EntityView, problem::Problem};
use seawall_domain::{BlueprintId, query::Field};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashSet;

/// What is always shown.
const NAME: [&str; 2] = ["blueprint", "identifier"];

/// An entity, or the fields of it that are wanted.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Shown {
    /// All of it.
    Whole(Box<EntityView>),
    /// Its blueprint, its identifier, and what was asked for.
    Part(Value),
}

/// What is wanted of each entity; everything where nothing is said.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    include: Option<Vec<Steps>>,
    exclude: Vec<Steps>,
}

/// The way to a field from the top of an entity.
type Steps = Vec<String>;

/// What is said, as it stands in a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) include: Option<Vec<String>>,
    pub(crate) exclude: Vec<String>,
}

impl Selection {
    /// Reads both. Fields have to be of one of the blueprints, or of any where none are named; `pointer` says where the nth name
    /// of either stands.
    pub(crate) fn read(
        app: &App,
        wanted: &Wanted,
        blueprints: &[BlueprintId],
        pointer: impl Fn(&str, usize) -> String,
    ) -> Result<Self, Problem> {
        let read = |names: &[String], parameter: &str| -> Result<Vec<Steps>, Problem> {
            let one = |(at, name): (usize, &String)| steps(app, name, blueprints, &pointer(parameter, at));
            names.iter().enumerate().map(one).collect()
        };
        Ok(Self {
            include: match &wanted.include {
                Some(names) => Some(read(names, "include")?),
                None => None,
            },
            exclude: read(&wanted.exclude, "exclude")?,
        })
    }

    /// What is wanted of an entity.
    pub(crate) fn of(&self, mut entity: EntityView) -> Shown {
        if self.include.is_none() && self.exclude.is_empty() {
            return Shown::Whole(Box::new(entity));
        }
        if let Some(include) = &self.include {
            // Most of what is large goes before it is copied.
            let mut named = HashSet::new();
            let mut all = false;
            for steps in include.iter().filter(|steps| steps[0] == "properties") {
                match steps.get(1) {
                    Some(name) => {
                        named.insert(name.as_str());
                    }
                    None => all = true,
                }
            }
            entity.properties.retain(|name, _| all || named.contains(name.as_str()));
        }
        let mut shown = serde_json::to_value(entity).unwrap_or_default();
        if let Some(include) = &self.include {
            let mut part = json!({});
            for name in NAME {
                part[name] = shown[name].take();
            }
            for steps in include.iter().filter(|steps| !NAME.contains(&steps[0].as_str())) {
                copy(&shown, &mut part, steps);
            }
            shown = part;
        }
        for steps in &self.exclude {
            remove(&mut shown, steps);
        }
        Shown::Part(shown)
    }
}

/// The way to a field that is named as in filters, or to all `properties` or `relations`.
fn steps(app: &App, name: &str, blueprints: &[BlueprintId], pointer: &str) -> Result<Steps, Problem> {
    if matches!(name, "properties" | "relations") {
        return Ok(vec![name.to_owned()]);
    }
    let operand = app.engine.operand(name, blueprints, pointer)?;
    if !operand.via.is_empty() {
        let detail = format!("`{name}` is of another entity; name fields of the listed entity itself");
        return Err(Problem::invalid(pointer, detail));
    }
    let mut steps = match operand.field {
        Field::Property(name) => vec!["properties".to_owned(), name],
        Field::Relation(name) => vec!["relations".to_owned(), name],
        meta => vec![meta.name().trim_start_matches('$').to_owned()],
    };
    steps.extend(operand.path);
    Ok(steps)
}

/// Copies what the steps lead to. A meta property is shown where it is absent too.
fn copy(from: &Value, to: &mut Value, steps: &[String]) {
    let mut found = Some(from);
    for step in steps {
        found = found.and_then(|value| value.get(step));
    }
    if found.is_none() && steps.len() > 1 {
        return;
    }
    let mut place = to;
    for step in steps {
        // What is on the way was made of objects here: a value that was copied whole has it already.
        if !(place.is_object() || place.is_null()) {
            return;
        }
        place = &mut place[step.as_str()];
    }
    *place = found.cloned().unwrap_or_default();
}

fn remove(from: &mut Value, steps: &[String]) {
    let Some((last, way)) = steps.split_last() else { return };
    if way.is_empty() && NAME.contains(&last.as_str()) {
        return;
    }
    let mut place = Some(from);
    for step in way {
        place = place.and_then(|value| value.get_mut(step));
    }
    if let Some(object) = place.and_then(Value::as_object_mut) {
        object.remove(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_lead_into_objects_and_nowhere_else() {
        let whole = json!({"title": "A", "properties": {"config": {"limits": {"cpu": 1, "memory": 2}, "name": "x"}, "tags": [{"cpu": 3}]}});
        let steps = |text: &str| -> Vec<String> { text.split('.').map(str::to_owned).collect() };
        let picked = |names: &[&str]| {
            let mut part = json!({});
            names.iter().for_each(|name| copy(&whole, &mut part, &steps(name)));
            part
        };
        assert_eq!(
            picked(&[
                "properties.config.limits.cpu",
                "properties.config.name",
                "title",
                "icon"
            ]),
            json!({"title": "A", "icon": null, "properties": {"config": {"limits": {"cpu": 1}, "name": "x"}}})
        );
        assert_eq!(picked(&["properties.tags.cpu", "properties.none"]), json!({}));
        let config = "properties.config";
        assert_eq!(
            picked(&[config, "properties.config.limits.cpu"]),
            json!({"properties": {"config": whole["properties"]["config"]}})
        );
        let mut left = whole.clone();
        for name in [
            "properties.config.limits",
            "properties.tags.cpu",
            "identifier",
            "title",
            "properties.none.x",
        ] {
            remove(&mut left, &steps(name));
        }
        assert_eq!(
            left,
            json!({"properties": {"config": {"name": "x"}, "tags": [{"cpu": 3}]}})
        );
    }
}
