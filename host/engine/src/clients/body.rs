//! The body of a request that writes an entity: read, and what is wrong with it.

use crate::Problem;
use seawall_domain::{
    BlueprintId, Entity, EntityId, RelationTarget, Report, blueprint::CompiledBlueprint, document::escaped, text::cut,
    text::nearest,
};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// What a client may say of an entity.
const FIELDS: [&str; 5] = ["title", "icon", "team", "properties", "relations"];
/// What a GET adds, and may come back with it.
const ADDED: [&str; 8] = [
    "createdAt",
    "updatedAt",
    "createdBy",
    "updatedBy",
    "version",
    "sources",
    "referrers",
    "provenance",
];

/// An entity in Port's shape, or all that keeps it from being one.
pub(super) fn read_entity(
    mut body: Value,
    blueprint: &BlueprintId,
    identifier: &EntityId,
) -> Result<Entity, Vec<Problem>> {
    let Some(object) = body.as_object_mut() else {
        return Err(vec![Problem::at("", "expected an object such as {\"properties\": {}}")]);
    };
    let mut problems = Vec::new();
    for (field, wanted) in [("blueprint", blueprint.as_str()), ("identifier", identifier.as_str())] {
        match object.get(field) {
            Some(given) if given != wanted => {
                let detail = format!("expected `{wanted}`, as the address says, found {given}");
                problems.push(Problem::at(format!("/{field}"), detail));
            }
            _ => drop(object.insert(field.to_owned(), wanted.into())),
        }
    }
    for added in ADDED {
        object.remove(added);
    }
    // Port writes one team as a text.
    if let Some(team @ Value::String(_)) = object.get_mut("team") {
        *team = Value::Array(vec![team.take()]);
    }
    problems.extend(unknown_fields(object));
    problems.extend(misshapen(object));
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut entity: Entity = serde_json::from_value(body).map_err(|e| vec![Problem::at("", e.to_string())])?;
    for target in entity.relations.values_mut() {
        if let RelationTarget::Many(many) = target {
            let mut seen = HashSet::new();
            many.retain(|one| seen.insert(one.clone()));
        }
    }
    entity.properties.retain(|_, value| !value.is_null());
    Ok(entity)
}

fn unknown_fields(object: &Map<String, Value>) -> Vec<Problem> {
    let known = |field: &str| FIELDS.contains(&field) || field == "blueprint" || field == "identifier";
    let unknown = object.keys().filter(|field| !known(field));
    let problem = |unknown: &String| {
        let near = nearest(unknown, FIELDS);
        let hint = near.map_or_else(
            || format!("there are: {}", FIELDS.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        let detail = format!("an entity has no field `{unknown}`; {hint}; properties stand under `properties`");
        Problem::at(format!("/{}", escaped(unknown)), detail)
    };
    unknown.map(problem).collect()
}

/// A field, what it is, and whether a value is that.
type Shape = (&'static str, &'static str, fn(&Value) -> bool);

/// Fields that are of another type than an entity's are.
fn misshapen(object: &Map<String, Value>) -> Vec<Problem> {
    let expected = |pointer: String, what: &str, found: &Value| {
        let found = found.to_string();
        Problem::at(pointer, format!("expected {what}, found {}", cut(&found, 60)))
    };
    let is_team = |team: &Value| team.as_array().is_some_and(|all| all.iter().all(Value::is_string));
    let shapes: [Shape; 5] = [
        ("title", "a text", Value::is_string),
        ("icon", "a text", Value::is_string),
        ("team", "a list of texts", is_team),
        ("properties", "an object", Value::is_object),
        ("relations", "an object", Value::is_object),
    ];
    let wrong = shapes.into_iter().filter_map(|(field, what, fits)| {
        let found = object.get(field).filter(|value| !fits(value))?;
        Some(expected(format!("/{field}"), what, found))
    });
    let relations = object.get("relations").and_then(Value::as_object).into_iter().flatten();
    let is_target = |target: &Value| serde_json::from_value::<RelationTarget>(target.clone()).is_ok();
    let targets = relations
        .filter(|(_, target)| !is_target(target))
        .map(|(name, target)| {
            let pointer = format!("/relations/{}", escaped(name));
            expected(pointer, "an identifier or a list of identifiers", target)
        });
    wrong.chain(targets).collect()
}

/// Null and absent mean the same, at the places where an entity has names.
pub(super) fn without_nulls(body: &Value) -> Value {
    let mut out = body.clone();
    if let Value::Object(fields) = &mut out {
        fields.retain(|_, value| !value.is_null());
        for field in ["properties", "relations"] {
            if let Some(Value::Object(named)) = fields.get_mut(field) {
                named.retain(|_, value| !value.is_null());
            }
        }
    }
    out
}

/// RFC 7396, for the entity's own fields and what `properties` and `relations` name. Values themselves are replaced whole: a
/// property that is an object is one value.
pub(super) fn merge_patch(target: &mut Value, patch: &Value) {
    let (Value::Object(into), Value::Object(from)) = (&mut *target, patch) else {
        *target = patch.clone();
        return;
    };
    for (field, value) in from {
        match (field.as_str(), value) {
            (_, Value::Null) => drop(into.remove(field)),
            ("properties" | "relations", Value::Object(named)) => {
                let slot = into.entry(field.clone()).or_insert_with(|| json!({}));
                if let Value::Object(have) = slot {
                    for (name, value) in named {
                        if value.is_null() {
                            have.remove(name);
                        } else {
                            have.insert(name.clone(), value.clone());
                        }
                    }
                }
            }
            _ => drop(into.insert(field.clone(), value.clone())),
        }
    }
}

/// What a check said, with a pointer into the body.
pub(super) fn problem(report: &Report) -> Problem {
    let pointer = report.field.as_deref().map_or_else(String::new, |field| {
        let (first, rest) = field.split_once('.').unwrap_or((field, ""));
        if rest.is_empty() {
            format!("/{}", escaped(first))
        } else {
            format!("/{}/{}", escaped(first), escaped(rest))
        }
    });
    Problem::at(pointer, report.message.clone())
}

/// What the merged entity would still lack.
pub(crate) fn lacking(compiled: &CompiledBlueprint, said: &Entity, row: Option<&Entity>) -> Vec<Problem> {
    let blueprint = compiled.blueprint();
    let has = |name: &String| {
        said.properties.contains_key(name)
            || row.is_some_and(|row| row.properties.contains_key(name))
            || compiled.defaults().contains_key(name)
    };
    let properties = blueprint.schema.required.iter().filter(|name| !has(name));
    let properties = properties.map(|name| {
        let pointer = format!("/properties/{}", escaped(name));
        Problem::at(
            pointer,
            format!("`{}` requires the property `{name}`", blueprint.identifier),
        )
    });
    let relations = blueprint.relations.iter().filter(|(name, relation)| {
        relation.required
            && !said.relations.contains_key(*name)
            && !row.is_some_and(|row| row.relations.contains_key(*name))
    });
    let relations = relations.map(|(name, _)| {
        let pointer = format!("/relations/{}", escaped(name));
        Problem::at(
            pointer,
            format!("`{}` requires the relation `{name}`", blueprint.identifier),
        )
    });
    properties.chain(relations).collect()
}
