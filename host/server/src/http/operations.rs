//! What the API says of itself: the OpenAPI document, in which each operation has a name of its own.

use axum::{Extension, Json};
use std::sync::Arc;
use utoipa::openapi::{OpenApi, path::Operation};

/// The OpenAPI document that is served.
#[derive(Clone)]
pub(super) struct Document(pub(super) Arc<OpenApi>);

/// The OpenAPI 3.1 document of this API.
#[utoipa::path(get, path = "/openapi.json", tag = "operation", responses((status = 200, body = Object)))]
pub(super) async fn document(Extension(Document(document)): Extension<Document>) -> Json<OpenApi> {
    Json((*document).clone())
}

/// Gives each operation a name that no other has: its handler's, which several resources share, and the resource's.
/// Generated clients name their functions so.
pub(super) fn name(openapi: &mut OpenApi) {
    for (path, item) in &mut openapi.paths.paths {
        let all = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in all.into_iter().flatten() {
            name_one(path, operation);
        }
    }
}

fn name_one(path: &str, operation: &mut Operation) {
    let Some(handler) = operation.operation_id.take() else {
        return;
    };
    let path = path.trim_start_matches("/api/v1").trim_end_matches(".json");
    let resource = path
        .split('/')
        .filter(|part| !part.is_empty() && !part.starts_with('{'));
    let resource = resource.map(|part| part.replace('-', "_"));
    let words: Vec<String> = std::iter::once(handler.clone())
        .chain(resource.filter(|part| *part != handler))
        .collect();
    operation.operation_id = Some(words.join("_"));
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::Value;
    use std::collections::BTreeMap;

    fn operations(document: &Value) -> Vec<(String, &Value)> {
        let paths = document["paths"].as_object().unwrap().iter();
        let each = paths.flat_map(|(path, item)| {
            let of_path = item.as_object().unwrap().iter();
            of_path.map(move |(method, operation)| (format!("{method} {path}"), operation))
        });
        each.collect()
    }

    #[test]
    fn each_operation_has_a_name_of_its_own() {
        let document = serde_json::to_value(crate::http::openapi()).unwrap();
        let mut named: BTreeMap<&str, String> = BTreeMap::new();
        for (place, operation) in operations(&document) {
            let id = operation["operationId"].as_str().unwrap_or_default();
            assert!(!id.is_empty(), "{place} has no name");
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            assert!(id.chars().all(word), "{place}: `{id}` is no name of a function");
            if let Some(other) = named.insert(id, place.clone()) {
                panic!("`{id}` is the name of {other} and of {place}");
            }
        }
        assert_eq!(named["list_blueprints"], "get /api/v1/blueprints");
        assert_eq!(
            named["put_blueprints_entities"],
            "put /api/v1/blueprints/{blueprint}/entities/{identifier}"
        );
    }

    #[test]
    fn every_route_is_described() {
        // `routes!` describes what it routes; whatever is routed by another way must be the page for people.
        let source = include_str!("mod.rs");
        let others = source.matches(".route(").count();
        assert_eq!(
            others, 1,
            "describe the route by `#[utoipa::path]` and add it by `routes!`"
        );
        assert!(source.contains(".route(\"/\", get(health::home))"));
        let document = serde_json::to_value(crate::http::openapi()).unwrap();
        for path in [
            "/api/v1/openapi.json",
            "/hooks/{integration}",
            "/metrics",
            "/healthz",
            "/readyz",
        ] {
            let operation = document["paths"][path]
                .as_object()
                .and_then(|item| item.values().next());
            let is_open = operation.map(|o| {
                o["security"].as_array().is_some_and(Vec::is_empty) || o["security"][0] == serde_json::json!({})
            });
            assert_eq!(is_open, Some(path != "/api/v1/openapi.json"), "{path}");
        }
    }
}
