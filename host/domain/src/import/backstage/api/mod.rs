//! An API's page: what its definition says of itself, as properties.

mod asyncapi;
mod graphql;
mod grpc;
mod openapi;

use crate::document::Document;
use serde_json::{Map, Value, json};

/// The most operations that are listed; all are counted.
const MOST: usize = 2_000;

/// What a definition says.
#[derive(Debug, Default)]
struct Page {
    title: Option<String>,
    version: Option<String>,
    description: Option<String>,
    servers: Vec<String>,
    /// Objects with `name`, and what else is known: `method`, `path`, `summary`, `id`, `deprecated`.
    operations: Vec<Value>,
}

/// The properties of a page, as schemas.
pub(super) fn properties() -> Map<String, Value> {
    let all = json!({
        "definitionTitle": {"type": "string", "title": "Title"},
        "definitionVersion": {"type": "string", "title": "Version"},
        "definitionDescription": {"type": "string", "format": "markdown", "title": "About the API"},
        "servers": {"type": "array", "items": {"type": "string"}, "title": "Servers"},
        "operationCount": {"type": "number", "title": "Operations"},
        "operations": {"type": "array", "items": {"type": "object"}, "title": "List of operations"},
        "openapi": {"type": "object", "spec": "open-api", "title": "OpenAPI"},
        "asyncapi": {"type": "object", "spec": "async-api", "title": "AsyncAPI"},
        "definition": {"type": "string", "title": "Definition"},
    });
    match all {
        Value::Object(all) => all,
        _ => Map::new(),
    }
}

/// Reads a definition of a `spec.type`.
///
/// # Errors
/// Why it cannot be read, with what to do.
pub(super) fn read(kind: &str, text: &str) -> Result<Map<String, Value>, String> {
    match kind.to_lowercase().as_str() {
        "graphql" => Ok(graphql::read(text)?.properties()),
        "grpc" | "protobuf" => Ok(grpc::read(text)?.properties()),
        kind => {
            let parsed = Document::parse("the definition", text);
            match parsed {
                Ok(document) if is_described(document.value()) => of_document(document.value()),
                // Of a kind that is not known, the text is all there is.
                _ if !["openapi", "asyncapi"].contains(&kind) => Ok(Map::new()),
                Ok(_) => Err(format!(
                    "the definition has neither `openapi`, `swagger` nor `asyncapi`, so it is no {kind} document; it is kept as text"
                )),
                Err(problems) => Err(format!("{problems}; it is kept as text")),
            }
        }
    }
}

fn is_described(value: &Value) -> bool {
    ["openapi", "swagger", "asyncapi"]
        .iter()
        .any(|word| value.get(word).is_some())
}

/// Reads a definition that is an object already.
///
/// # Errors
/// Where it is none of a kind that is known.
pub(super) fn of_document(value: &Value) -> Result<Map<String, Value>, String> {
    let (page, property) = if value.get("asyncapi").is_some() {
        (asyncapi::read(value), "asyncapi")
    } else if is_described(value) {
        (openapi::read(value), "openapi")
    } else {
        return Err("the definition has neither `openapi`, `swagger` nor `asyncapi`; it is kept in `spec`".to_owned());
    };
    let mut properties = page.properties();
    properties.insert(property.to_owned(), value.clone());
    Ok(properties)
}

impl Page {
    fn properties(self) -> Map<String, Value> {
        let mut out = Map::new();
        let texts = [
            ("definitionTitle", self.title),
            ("definitionVersion", self.version),
            ("definitionDescription", self.description),
        ];
        for (name, text) in texts {
            out.extend(
                text.filter(|text| !text.is_empty())
                    .map(|text| (name.to_owned(), text.into())),
            );
        }
        if !self.servers.is_empty() {
            out.insert("servers".into(), self.servers.into());
        }
        out.insert("operationCount".into(), self.operations.len().into());
        if !self.operations.is_empty() {
            let listed: Vec<_> = self.operations.into_iter().take(MOST).collect();
            out.insert("operations".into(), listed.into());
        }
        out
    }
}

/// A text, or a number where people write one for a version.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// `info` of both OpenAPI and AsyncAPI.
fn info(value: &Value) -> Page {
    let info = &value["info"];
    Page {
        title: text(&info["title"]),
        version: text(&info["version"]),
        description: text(&info["description"]),
        ..Page::default()
    }
}

/// An operation with those of its fields that are there.
fn operation(fields: &[(&str, Value)]) -> Value {
    let there = fields
        .iter()
        .filter(|(_, value)| !value.is_null() && *value != Value::Bool(false));
    there.map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

#[cfg(test)]
mod tests;
