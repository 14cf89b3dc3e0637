//! The cassette's JSON Schema: what editors complete and check by, and the first half of what `parse` checks.

use super::{FORMAT, PAGES};
use crate::manifest::slug;
use serde_json::{Value, json};

/// JSON Schema (draft 2020-12) of `tests/cassettes/NAME.yaml`.
pub fn json_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://seawall.dev/schemas/cassette.schema.json",
        "title": "Seawall cassette",
        "description": "A conversation of a plugin with its tool: tests/cassettes/NAME.yaml.",
        "type": "object",
        "additionalProperties": false,
        "required": ["format", "plugin", "version", "recorded", "config", "run"],
        "properties": {
            "format": {"description": "The shape of this file", "enum": [FORMAT], "examples": [FORMAT]},
            "plugin": slug("The plugin's name", "unleash"),
            "version": text("Its version when it was recorded", "0.1.0"),
            "recorded": {
                "description": "When it was recorded, which is what the plugin's clock shows",
                "type": "string",
                "format": "date-time",
                "examples": ["2026-01-31T12:00:00Z"],
            },
            "config": {
                "description": "The integration's config",
                "type": "object",
                "examples": [{"base_url": "https://tool.example.com"}],
            },
            "run": script(),
            "exchanges": {
                "description": "Requests and their answers, in order",
                "type": "array",
                "items": {"$ref": "#/$defs/exchange"},
                "examples": [[{"request": {"method": "GET", "url": "{base_url}/items"}, "response": {"status": 200}}]],
            },
        },
        "$defs": {"exchange": exchange()},
    })
}

fn script() -> Value {
    json!({
        "description": "What the plugin is called for: `pull`, `operation` or `delivery`",
        "type": "object",
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
        "examples": [{"pull": {"kinds": ["project"]}}],
        "properties": {
            "pull": {
                "description": "All partitions of some kinds, page by page",
                "type": "object",
                "additionalProperties": false,
                "required": ["kinds"],
                "properties": {
                    "kinds": {
                        "description": "The kinds, in this order",
                        "type": "array",
                        "minItems": 1,
                        "uniqueItems": true,
                        "items": text("A kind", "project"),
                        "examples": [["project"]],
                    },
                    "pages": {
                        "description": "So many pages of each partition at most",
                        "type": "integer", "minimum": 1, "maximum": 10_000, "default": PAGES,
                    },
                },
            },
            "operation": {
                "description": "One operation, to its end",
                "type": "object",
                "additionalProperties": false,
                "required": ["name", "run"],
                "properties": {
                    "name": text("One of the manifest's operations", "switch-flag"),
                    "run": text("The run's id", "5f0c2a9d1b7e4c38"),
                    "inputs": {"description": "Its inputs", "type": "object", "examples": [{"enabled": true}]},
                    "target": {
                        "description": "The entity that it works on, as it was before",
                        "type": "object",
                        "required": ["blueprint", "identifier"],
                        "examples": [{"blueprint": "flag", "identifier": "a", "properties": {}, "relations": {}}],
                    },
                },
            },
            "delivery": message("One delivery of the tool's", &[], json!({})),
        },
    })
}

fn exchange() -> Value {
    let request = json!({
        "method": {
            "description": "The method, in capitals",
            "type": "string", "pattern": "^[A-Z]+$", "examples": ["GET"],
        },
        "url": text("The address, which may begin with a value of the config", "{base_url}/api/items?page=2"),
    });
    let response = json!({
        "status": {
            "description": "The status", "type": "integer", "minimum": 100, "maximum": 599, "examples": [200],
        },
    });
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["request", "response"],
        "properties": {
            "request": message("What is asked", &["method", "url"], request),
            "times": {
                "description": "How often the same is asked in a row and answered so",
                "type": "integer", "minimum": 1, "maximum": 1_000_000, "default": 1,
            },
            "response": message("What is answered", &["status"], response),
        },
    })
}

/// What has headers and a body.
fn message(description: &str, required: &[&str], own: Value) -> Value {
    let mut properties = json!({
        "headers": {
            "description": "Headers, by their names in small letters",
            "type": "object",
            "additionalProperties": {"type": "string"},
            "examples": [{"content-type": "application/json"}],
        },
        "json": text("The body, where it is JSON", "{\"items\": []}"),
        "text": text("The body, where it is other text", "ok"),
        "base64": text("The body, where it is no text", "AAEC/w=="),
    });
    if let (Some(all), Value::Object(own)) = (properties.as_object_mut(), own) {
        all.extend(own);
    }
    json!({
        "description": description,
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

fn text(description: &str, example: &str) -> Value {
    json!({"description": description, "type": "string", "examples": [example]})
}
