//! The JSON Schema of an integration's document.

use crate::credential::pem;
use crate::manifest::{limits_schema, slug};
use serde_json::{Value, json};

/// JSON Schema of an integration's document.
pub fn integration_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "an integration",
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "plugin"],
        "properties": {
            "kind": {"const": "Integration"},
            "name": slug("The integration's name", "prometheus-main"),
            "plugin": slug("The plugin that it puts to work", "prometheus"),
            "digest": {
                "description": "Pins one component: `sha256:` and 64 lower-case hexadecimal digits",
                "type": "string",
                "pattern": "^sha256:[0-9a-f]{64}$",
            },
            "config": {
                "description": "Settings that the plugin's schema describes",
                "type": "object",
                "examples": [{"base_url": "https://prometheus.example.com"}],
            },
            "credentials": {
                "description": "The manifest's credentials by name, each with the credential to use",
                "type": "object",
                "propertyNames": slug("A credential's name in the manifest", "token"),
                "additionalProperties": slug("A credential's name", "prometheus-token"),
                "examples": [{"token": "prometheus-token"}],
            },
            "every_seconds": {
                "description": "Seconds between passes",
                "type": "integer",
                "minimum": 1,
                "maximum": u32::MAX,
                "examples": [60],
            },
            "mapping": {
                "description": "Port's mapping file",
                "type": "object",
                "examples": [{"resources": []}],
            },
            "ca": pem("Authorities that the tool's certificate may come from, as PEM; absent: the system's"),
            "webhook": webhook_schema(),
            "limits": limits_schema(),
            "delete_share": {
                "description": "The share of a partition that a pass may remove without asking, 0 to 1",
                "type": "number",
                "minimum": 0,
                "maximum": 1,
                "examples": [0.2],
            },
            "delete_floor": {
                "description": "As many items may be removed without asking, whatever their share",
                "type": "integer",
                "minimum": 0,
                "maximum": u32::MAX,
                "examples": [10],
            },
        },
    })
}

fn webhook_schema() -> Value {
    json!({
        "description": "How the tool's deliveries to `/hooks/NAME` are checked",
        "type": "object",
        "additionalProperties": false,
        "required": ["scheme", "secret"],
        "properties": {
            "scheme": {
                "description": "Whose way of signing it is",
                "enum": ["github", "gitlab", "slack", "pagerduty", "standard", "hmac", "token", "basic"],
                "examples": ["github"],
            },
            "secret": slug("The credential whose secret the tool signs with, or sends", "github-webhook"),
            "header": {
                "description": "For `hmac` and `token`: the header that holds the signature or the token",
                "type": "string",
                "examples": ["X-Signature-256"],
            },
            "prefix": {
                "description": "For `hmac` and `token`: what stands before it in the header",
                "type": "string",
                "examples": ["sha256="],
            },
            "id_header": {
                "description": "For `hmac`, `token` and `basic`: the header that names a delivery",
                "type": "string",
                "examples": ["X-Delivery-Id"],
            },
        },
        "examples": [{"scheme": "github", "secret": "github-webhook"}],
    })
}
