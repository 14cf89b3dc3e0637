//! Entities made to fit the blueprints that came with them, so that what would be refused is known before anything is sent.

use crate::{
    Blueprint, Entity, EntityId, Severity,
    blueprint::{Check, CompiledBlueprint, Outcome},
    definition::Kind,
    import::Imported,
    text::cut,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// What Port's API adds to an entity.
const BOOKKEEPING: [&str; 6] = ["createdAt", "createdBy", "id", "updatedAt", "updatedBy", "scorecards"];
const FIELDS: [&str; 7] = [
    "identifier",
    "blueprint",
    "title",
    "icon",
    "team",
    "properties",
    "relations",
];

/// Whether a field is one of those that an entity of Port's has.
pub(super) fn is_field(name: &str) -> bool {
    FIELDS.contains(&name) || BOOKKEEPING.contains(&name)
}

pub(super) fn entities(out: &mut Imported) {
    let blueprints: BTreeMap<String, CompiledBlueprint> = out
        .definitions
        .iter()
        .filter(|definition| definition.kind == Kind::Blueprint)
        .filter_map(|definition| {
            let blueprint: Blueprint = serde_json::from_value(definition.value.clone()).ok()?;
            Some((definition.name.clone(), CompiledBlueprint::new(blueprint).ok()?))
        })
        .collect();
    let all = std::mem::take(&mut out.definitions);
    for mut definition in all {
        if definition.kind != Kind::Entity {
            out.definitions.push(definition);
            continue;
        }
        let origin = definition.origin.clone();
        let place = (origin.file.as_str(), origin.line);
        let what = format!("entity `{}`", definition.name);
        let mut entity = match read(&mut definition.value, |field, why| {
            out.left(place, format!("{what}, `{field}`"), why);
        }) {
            Ok(entity) => entity,
            Err(why) => {
                out.wrong(place, what, why);
                continue;
            }
        };
        let mut reports = Vec::new();
        let check = Check {
            kind: "import",
            key: &definition.name,
            strict: false,
            conversions: false,
            client: false,
        };
        let outcome = blueprints
            .get(entity.blueprint.as_str())
            .map(|blueprint| blueprint.check(&mut entity, check, &mut reports));
        for report in reports {
            let what = format!("{what}, {}", report.field.unwrap_or_default());
            match report.severity {
                Severity::SetAside => out.wrong(place, what, report.message),
                _ => out.left(place, what, report.message),
            }
        }
        if outcome == Some(Outcome::SetAside) {
            continue;
        }
        match serde_json::to_value(&entity) {
            Ok(value) => {
                definition.value = value;
                out.definitions.push(definition);
            }
            Err(error) => out.wrong(place, what, error.to_string()),
        }
    }
}

/// An entity of Port's. Its relations may be null, and its team one name. What of it is nothing that an entity can have is left
/// out, and told by the field.
fn read(value: &mut Value, mut left: impl FnMut(&str, String)) -> Result<Entity, String> {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, _| {
            let known = FIELDS.contains(&name.as_str());
            if !is_field(name) {
                left(name, "an entity has no such field".to_owned());
            }
            known
        });
        for name in ["team", "properties", "relations"] {
            if fields.get(name).is_some_and(Value::is_null) {
                fields.remove(name);
            }
        }
        if let Some(Value::Object(relations)) = fields.get_mut("relations") {
            relations.retain(|name, target| {
                let kept = targets(target, |why| left(&format!("relations.{name}"), why));
                kept && !target.is_null()
            });
        }
        if let Some(team) = fields.get_mut("team").filter(|team| team.is_string()) {
            *team = Value::Array(vec![team.take()]);
        }
        for (name, what) in [("title", "a text"), ("icon", "a text"), ("team", "a list of names")] {
            let fits = |value: &Value| match value {
                Value::Array(all) => name == "team" && all.iter().all(Value::is_string),
                value => name != "team" && value.is_string() || value.is_null(),
            };
            if let Some(value) = fields.get(name).filter(|value| !fits(value)) {
                left(name, format!("expected {what}, found {}", cut(&value.to_string(), 60)));
                fields.remove(name);
            }
        }
    }
    serde_json::from_value(value.clone()).map_err(|error| format!("it is no entity of Port's shape: {error}"))
}

/// Takes what names no entity out of a relation's value, and tells it; whether something is left. A number names one as its text does.
fn targets(value: &mut Value, mut left: impl FnMut(String)) -> bool {
    let mut names = |value: &mut Value| {
        if value.is_number() {
            *value = value.to_string().into();
        }
        let why = match &*value {
            Value::Null => return false,
            Value::String(text) => match EntityId::new(text) {
                Ok(_) => return true,
                Err(why) => why.to_string(),
            },
            search if search.get("rules").is_some() => {
                "it is a search (`{combinator, rules}`), and an entity names its targets; name them".to_owned()
            }
            other => format!("expected an identifier, found {}", cut(&other.to_string(), 60)),
        };
        left(why);
        false
    };
    match value {
        Value::Array(all) => {
            let before = all.len();
            all.retain_mut(names);
            before == 0 || !all.is_empty()
        }
        one => names(one),
    }
}
