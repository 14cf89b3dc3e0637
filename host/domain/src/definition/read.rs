//! One document as definitions.

use super::{
    Definition, GrantDefinition, Kind, Origin, Settings, SubscriptionDefinition, blueprint, schema::document_schema,
    view,
};
use crate::{
    Entity,
    credential::Credential,
    document::{Document, MAX_DEPTH, Problem, check_schema, explain, join, too_deep},
    integration::Integration,
    mapping::Mapping,
    policy::Policy,
};
use serde_json::{Map, Value, json};

/// What a document holds.
pub(super) enum Held {
    /// Definitions.
    Definitions(Vec<Definition>),
    /// An entity of Backstage's, which is read together with the others.
    Backstage,
    /// Nothing of Seawall's.
    Nothing,
}

/// Reads a document: one definition, or a list of blueprints.
pub(super) fn document(file: &str, document: &Document) -> Result<Held, Vec<Problem>> {
    let value = document.value();
    let all: Vec<(String, &Value)> = match value {
        Value::Array(all) => all
            .iter()
            .enumerate()
            .map(|(i, value)| (format!("/{i}"), value))
            .collect(),
        one => vec![(String::new(), one)],
    };
    let mut definitions = Vec::new();
    let mut problems = Vec::new();
    for (pointer, value) in all {
        match kind_of(value) {
            Ok(Some(Told::Kind(kind))) => match one(kind, value, &pointer) {
                Ok((name, value)) => definitions.push(Definition {
                    kind,
                    name,
                    value,
                    origin: Origin {
                        file: file.to_owned(),
                        line: document.position(&pointer).map(|at| at.line),
                    },
                }),
                Err(more) => problems.extend(more),
            },
            Ok(Some(Told::Backstage)) => return Ok(Held::Backstage),
            Ok(None) => {}
            Err(problem) => problems.push(Problem {
                pointer: format!("{pointer}{}", problem.pointer),
                ..*problem
            }),
        }
    }
    match (problems.is_empty(), definitions.is_empty()) {
        (false, _) => Err(problems),
        (true, true) => Ok(Held::Nothing),
        (true, false) => Ok(Held::Definitions(definitions)),
    }
}

enum Told {
    Kind(Kind),
    Backstage,
}

/// The kind of a document by what it says or by its shape; none where it is something else's, such as a manifest of
/// Kubernetes.
fn kind_of(value: &Value) -> Result<Option<Told>, Box<Problem>> {
    let there = |field: &str| !value[field].is_null();
    if crate::import::backstage::is_entity(value) {
        return Ok(Some(Told::Backstage));
    }
    let known = Kind::ALL.map(Kind::name);
    match &value["kind"] {
        // A document that names the version of its API is another tool's.
        _ if there("apiVersion") => Ok(None),
        Value::String(name) if known.contains(&name.as_str()) => Ok(Kind::of(name).map(Told::Kind)),
        Value::Null if there("identifier") && (there("schema") || there("relations") && !there("blueprint")) => {
            Ok(Some(Told::Kind(Kind::Blueprint)))
        }
        Value::Null if there("name") && there("plugin") => Ok(Some(Told::Kind(Kind::Integration))),
        Value::Null => {
            let fields = value.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
            let near = fields
                .clone()
                .find(|name| crate::text::nearest(name, ["kind"]).is_some());
            match (near, there("identifier")) {
                (Some(near), _) => Err(Box::new(
                    Problem::new(join("", near), "`kind`", format!("`{near}`"))
                        .on_name()
                        .meant(near, ["kind"]),
                )),
                (None, true) => Err(Box::new(
                    Problem::new(
                        "",
                        format!("`kind`, one of {}", known.join(", ")),
                        "nothing of that name",
                    )
                    .example("kind: Scorecard"),
                )),
                (None, false) => Ok(None),
            }
        }
        other => {
            let name = other.as_str().unwrap_or_default();
            let found = crate::document::show(other);
            Err(Box::new(
                Problem::new("/kind", format!("one of {}", known.join(", ")), found).meant(name, known),
            ))
        }
    }
}

/// Checks a value against its kind's schema, and gives its name and canonical form.
fn one(kind: Kind, value: &Value, pointer: &str) -> Result<(String, Value), Vec<Problem>> {
    let below = |problem: Problem| Problem {
        pointer: format!("{pointer}{}", problem.pointer),
        ..problem
    };
    if let Some(pointer) = too_deep(value, MAX_DEPTH) {
        let found = format!("objects and lists that are nested deeper than {MAX_DEPTH} levels");
        return Err(vec![below(Problem::new(pointer, "a document of fewer levels", found))]);
    }
    let schema = document_schema(kind);
    let problems = match check_schema(&schema) {
        Ok(validator) => explain(&validator, &schema, value),
        Err(problem) => vec![*problem],
    };
    if !problems.is_empty() {
        return Err(problems.into_iter().map(below).collect());
    }
    formed(kind, value, true).map_err(|problems| problems.into_iter().map(below).collect())
}

/// The name and the canonical form of a definition that was checked against its schema, with or without `kind`. What is wrong
/// with what a blueprint computes is passed over.
///
/// # Errors
/// What is wrong beyond the schema, by JSON Pointer.
pub fn canonical(kind: Kind, value: &Value) -> Result<(String, Value), Vec<Problem>> {
    formed(kind, value, false)
}

fn formed(kind: Kind, value: &Value, strict: bool) -> Result<(String, Value), Vec<Problem>> {
    let mut fields: Map<String, Value> = value.as_object().cloned().unwrap_or_default();
    fields.remove("kind");
    let bare = Value::Object(fields);
    let text = |field: &str| bare[field].as_str().unwrap_or_default().to_owned();
    let whole = |error: String| vec![Problem::new("", format!("a {}", kind.word()), error)];
    let again = |parsed: Result<Value, serde_json::Error>| parsed.map_err(|error| whole(error.to_string()));
    match kind {
        Kind::Policy => {
            let policy: Policy =
                serde_json::from_value(bare).map_err(|error| vec![Problem::saying("", error.to_string())])?;
            policy.check().map_err(|objections| {
                let each = objections.into_iter();
                each.map(|(pointer, why)| Problem::saying(pointer, why))
                    .collect::<Vec<_>>()
            })?;
            Ok(("policy".to_owned(), again(serde_json::to_value(&policy))?))
        }
        Kind::Settings => {
            let settings: Settings = serde_json::from_value(bare).map_err(|error| whole(error.to_string()))?;
            fitting(settings.problems())?;
            Ok(("settings".to_owned(), again(serde_json::to_value(settings))?))
        }
        Kind::View => view::canonical(&bare).map_err(whole),
        Kind::Subscription => {
            let subscription = SubscriptionDefinition::read(&bare).map_err(whole)?;
            fitting(subscription.problems())?;
            Ok((subscription.name.to_string(), subscription.document()))
        }
        Kind::Blueprint => {
            let read = blueprint::read(&bare);
            if let Some(field) = read.unknown.first() {
                let known = blueprint::OWN.into_iter().chain(blueprint::PORT);
                let problem = Problem::new(
                    join("", field),
                    format!("one of {}", known.clone().collect::<Vec<_>>().join(", ")),
                    format!("`{field}`"),
                );
                return Err(vec![problem.meant(field, known).on_name()]);
            }
            let value = read.value.map_err(whole)?;
            match read.unusable {
                Some(why) if !read.keeps_faults => return Err(whole(why)),
                _ if !strict || read.keeps_faults || read.faults.is_empty() => {
                    return Ok((text("identifier"), value));
                }
                _ => {}
            }
            let faults = read.faults.into_iter();
            let each = faults.map(|(pointer, why)| Problem::new(pointer, "what can be computed", why));
            Err(each.collect())
        }
        Kind::Credential => {
            let credential: Credential = serde_json::from_value(bare).map_err(|error| whole(error.to_string()))?;
            let problems: Vec<_> = credential
                .problems()
                .into_iter()
                .map(|(field, why)| Problem::new(format!("/{field}"), "a value that can be used", why))
                .collect();
            if !problems.is_empty() {
                return Err(problems);
            }
            Ok((credential.name.to_string(), again(serde_json::to_value(&credential))?))
        }
        Kind::Grant => {
            let grant: GrantDefinition = serde_json::from_value(bare).map_err(|error| whole(error.to_string()))?;
            if let Some(Err(error)) = grant.expires_at.as_deref().map(str::parse::<jiff::Timestamp>) {
                let found = error.to_string();
                return Err(vec![
                    Problem::new("/expires_at", "a time with its zone", found).example("2027-01-31T12:00:00Z"),
                ]);
            }
            Ok((grant.plugin.clone(), again(serde_json::to_value(&grant))?))
        }
        Kind::Integration => {
            let integration: Integration = serde_json::from_value(bare).map_err(|error| whole(error.to_string()))?;
            Ok((integration.name.to_string(), again(serde_json::to_value(&integration))?))
        }
        Kind::Entity => {
            let mut entity: Entity = serde_json::from_value(bare).map_err(|error| whole(error.to_string()))?;
            entity.properties.retain(|_, value| !value.is_null());
            let name = format!("{}/{}", entity.blueprint, entity.identifier);
            Ok((name, again(serde_json::to_value(&entity))?))
        }
        Kind::Mapping => {
            let wrong = Mapping::compile(&bare).err().unwrap_or_default();
            if !wrong.is_empty() {
                let each = wrong
                    .into_iter()
                    .map(|error| Problem::new(error.pointer.clone(), "a mapping in Port's shape", error.to_string()));
                return Err(each.collect());
            }
            Ok((text("tool"), bare))
        }
        Kind::Scorecard => Ok((format!("{}/{}", text("blueprint"), text("identifier")), bare)),
        Kind::Team | Kind::Role | Kind::Gate | Kind::Action | Kind::Automation => Ok((text("identifier"), bare)),
    }
}

/// Nothing, where nothing is wrong.
fn fitting(wrong: Vec<(String, String)>) -> Result<(), Vec<Problem>> {
    if wrong.is_empty() {
        return Ok(());
    }
    let each = wrong.into_iter();
    Err(each
        .map(|(pointer, why)| Problem::new(pointer, "a value that can be used", why))
        .collect())
}

/// A definition as its document: with `kind`.
pub(super) fn with_kind(kind: Kind, value: &Value) -> Value {
    let mut whole = json!({"kind": kind.name()});
    if let (Some(whole), Some(fields)) = (whole.as_object_mut(), value.as_object()) {
        whole.extend(fields.clone());
    }
    whole
}
