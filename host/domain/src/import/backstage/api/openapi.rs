//! OpenAPI 3.x (<https://spec.openapis.org/oas/latest.html>) and Swagger 2.0.

use super::{Page, info, operation, text};
use serde_json::Value;

/// The methods of a path item, in the specification's order. `query` is of 3.2.
const METHODS: [&str; 9] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace", "query",
];

pub(super) fn read(value: &Value) -> Page {
    let mut page = info(value);
    page.servers = servers(value);
    let items = |name: &str| value[name].as_object().into_iter().flatten();
    for (path, item) in items("paths") {
        page.operations.extend(operations(path, item));
    }
    for (name, item) in items("webhooks") {
        page.operations.extend(operations(&format!("webhook {name}"), item));
    }
    page
}

fn servers(value: &Value) -> Vec<String> {
    let listed: Vec<_> = value["servers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|s| text(&s["url"]))
        .collect();
    let Some(host) = value["host"].as_str().filter(|_| listed.is_empty()) else {
        return listed;
    };
    // Swagger 2.0 has one host, and a scheme or several.
    let base = value["basePath"].as_str().unwrap_or_default();
    let schemes: Vec<_> = value["schemes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let schemes = if schemes.is_empty() { vec!["https"] } else { schemes };
    schemes
        .into_iter()
        .map(|scheme| format!("{scheme}://{host}{base}"))
        .collect()
}

fn operations(path: &str, item: &Value) -> impl Iterator<Item = Value> {
    METHODS.iter().filter_map(move |method| {
        let found = item.get(method).filter(|found| found.is_object())?;
        let upper = method.to_uppercase();
        Some(operation(&[
            ("name", format!("{upper} {path}").into()),
            ("method", upper.into()),
            ("path", path.into()),
            ("summary", found["summary"].clone()),
            ("id", found["operationId"].clone()),
            ("tags", found["tags"].clone()),
            ("deprecated", (found["deprecated"] == true).into()),
        ]))
    })
}
