//! One document as an entity: its metadata and spec as properties.

use super::{
    Draft, Options, Source, api,
    blueprints::own,
    placeholder,
    reference::{self, Reference},
    relations::{self, Word},
};
use crate::{document::show, folder::Files, import::Imported};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Fields of the metadata with a property of their own, and their types.
const METADATA: [(&str, Shape); 5] = [
    ("description", Shape::Text),
    ("tags", Shape::Texts),
    ("labels", Shape::Object),
    ("annotations", Shape::Object),
    ("links", Shape::Objects),
];
/// Fields of a document that are read.
const TOP: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];

/// What a property holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Email,
    Texts,
    Object,
    Objects,
}

impl Shape {
    pub(super) fn fits(self, value: &Value) -> bool {
        let all = |fits: fn(&Value) -> bool| value.as_array().is_some_and(|all| all.iter().all(fits));
        match self {
            Self::Text => value.is_string(),
            Self::Email => value.as_str().is_some_and(is_email),
            Self::Texts => all(Value::is_string),
            Self::Object => value.is_object(),
            Self::Objects => all(Value::is_object),
        }
    }
}

/// Strict enough for every checker of the format `email`; what is not stays in `spec`.
fn is_email(text: &str) -> bool {
    let plain = |part: &str| {
        let dots = part
            .split('.')
            .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
        dots && part.chars().all(|c| c.is_ascii_alphanumeric() || "._%+-".contains(c))
    };
    text.split_once('@')
        .is_some_and(|(local, host)| plain(local) && plain(host) && !host.contains(['_', '%', '+']))
}

/// Reads a document; none where it is no entity that can be named. Beside it what its spec says of other entities.
pub(super) fn draft(
    files: &dyn Files,
    options: &Options,
    source: &Source,
    out: &mut Imported,
) -> Option<(Draft, Vec<Word>)> {
    let mut value = source.document.value().clone();
    let reference = named(&value, source, out)?;
    placeholder::fill(files, options, source, &mut value, out);
    let line = |pointer: &str| source.document.position(pointer).map(|at| at.line);
    for field in value.as_object().into_iter().flatten().map(|(field, _)| field) {
        if !TOP.contains(&field.as_str()) {
            let why = "an entity of Backstage has `apiVersion`, `kind`, `metadata` and `spec`; what it says beside them has no place";
            out.left(
                (&source.file, line(&format!("/{field}"))),
                format!("{reference}: `{field}`"),
                why,
            );
        }
    }
    let metadata = value["metadata"].as_object().cloned().unwrap_or_default();
    let spec = match value["spec"].take() {
        Value::Object(spec) => spec,
        Value::Null => Map::new(),
        other => {
            let why = format!("expected an object, found {}", show(&other));
            out.wrong((&source.file, line("/spec")), format!("{reference}: spec"), why);
            Map::new()
        }
    };
    let mut properties = of_metadata(&metadata, &value, source);
    let mut rest = spec;
    let words = relations::said(&reference, &rest, source, out);
    rest.retain(|field, _| !words.whole.contains(field));
    if reference.kind == "api" {
        page(&mut rest, &mut properties, &reference, source, out);
    }
    for (path, property, shape) in own(&reference.kind) {
        if let Some(value) = taken(&mut rest, path, *shape) {
            properties.insert((*property).to_owned(), value);
        }
    }
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let title = text(metadata.get("title"))
        .or_else(|| text(properties.get("displayName")))
        .or_else(|| text(metadata.get("name")))
        .unwrap_or_default();
    let draft = Draft {
        file: source.file.clone(),
        line: source.line,
        title,
        properties,
        rest,
        relations: BTreeMap::new(),
        reference,
    };
    Some((draft, words.words))
}

fn named(value: &Value, source: &Source, out: &mut Imported) -> Option<Reference> {
    let kind = value["kind"].as_str().unwrap_or_default();
    let mut part = |field: &str, default: Option<&str>| {
        let place = source
            .document
            .position(&format!("/metadata/{field}"))
            .map(|at| at.line);
        let place = (source.file.as_str(), place);
        match (&value["metadata"][field], default) {
            (Value::Null, Some(default)) => Some(default.to_owned()),
            (Value::String(text), _) if text.contains("{{") || text.contains("{%") => {
                out.left(
                    place,
                    format!("{kind} `{text}`"),
                    "a template's skeleton, which names no entity yet",
                );
                None
            }
            (Value::String(text), _) if reference::is_part(text) => Some(text.clone()),
            (found, _) => {
                let found = show(found);
                let why = format!("expected a name without `:` and `/`, such as `{field}: checkout`, found {found}");
                out.wrong(place, format!("{kind}: metadata.{field}"), why);
                None
            }
        }
    };
    let name = part("name", None)?;
    let namespace = part("namespace", Some(reference::DEFAULT))?;
    if !reference::is_part(kind) {
        let why = format!("expected a kind, such as `Component`, found {}", show(&value["kind"]));
        out.wrong((&source.file, Some(source.line)), "kind", why);
        return None;
    }
    Some(Reference::new(kind, &namespace, &name))
}

fn of_metadata(metadata: &Map<String, Value>, whole: &Value, source: &Source) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut rest = Map::new();
    for (field, value) in metadata {
        let own = METADATA.iter().find(|(name, _)| name == field);
        match field.as_str() {
            "title" if value.is_string() => {}
            "name" | "namespace" => drop(properties.insert(field.clone(), value.clone())),
            _ if value.is_null() => {}
            _ if own.is_some_and(|(_, shape)| shape.fits(value)) => {
                drop(properties.insert(field.clone(), value.clone()));
            }
            _ => drop(rest.insert(field.clone(), value.clone())),
        }
    }
    properties
        .entry("namespace")
        .or_insert_with(|| reference::DEFAULT.into());
    if !rest.is_empty() {
        properties.insert("metadata".into(), rest.into());
    }
    for (property, value) in [
        ("apiVersion", whole["apiVersion"].clone()),
        ("source", json!(source.file)),
    ] {
        if value.is_string() {
            properties.insert(property.into(), value);
        }
    }
    properties
}

/// Takes `profile.email` out of a spec, where it fits.
fn taken(spec: &mut Map<String, Value>, path: &str, shape: Shape) -> Option<Value> {
    let Some((outer, inner)) = path.split_once('.') else {
        return shape.fits(spec.get(path)?).then(|| spec.remove(path)).flatten();
    };
    let object = spec.get_mut(outer)?.as_object_mut()?;
    let value = taken(object, inner, shape)?;
    if object.is_empty() {
        spec.remove(outer);
    }
    Some(value)
}

/// What an API's definition says, as properties. One that cannot be read stays as it is.
fn page(
    spec: &mut Map<String, Value>,
    properties: &mut Map<String, Value>,
    reference: &Reference,
    source: &Source,
    out: &mut Imported,
) {
    let definition = spec.remove("definition").unwrap_or_default();
    let kind = spec.get("type").and_then(Value::as_str).unwrap_or_default();
    let (read, text) = match &definition {
        Value::Null => return,
        Value::String(text) => (api::read(kind, text), Some(text)),
        value => (api::of_document(value), None),
    };
    match read {
        Ok(page) => properties.extend(page),
        Err(why) => {
            let line = source.document.position("/spec/definition").map(|at| at.line);
            out.left((&source.file, line), format!("{reference}: the API's page"), why);
        }
    }
    // An API with a document of its own has it there, whole.
    if properties.contains_key("openapi") || properties.contains_key("asyncapi") {
        return;
    }
    match text {
        Some(text) => drop(properties.insert("definition".into(), text.clone().into())),
        None => drop(spec.insert("definition".into(), definition)),
    }
}
