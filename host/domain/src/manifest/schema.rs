//! The manifest's JSON Schema: what editors complete and check by, and the first half of what `parse` checks.

use super::METHODS;
use crate::limits::LONGEST_MS;
use serde_json::{Value, json};

/// JSON Schema (draft 2020-12) of `plugin.yaml`.
pub fn json_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://seawall.dev/schemas/plugin.schema.json",
        "title": "Seawall plugin",
        "description": "What a plugin says of itself: plugin.yaml.",
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "version", "roles"],
        "properties": {
            "name": slug("The plugin's name", "prometheus"),
            "version": {
                "description": "Its version, by SemVer 2.0",
                "type": "string",
                "pattern": SEMVER,
                "examples": ["0.1.0"],
            },
            "title": text("What people call it", "Prometheus"),
            "description": text("What it does, in a sentence", "Lists scrape targets and alerts."),
            "homepage": {
                "description": "Where its source or documentation is",
                "type": "string",
                "pattern": "^https?://",
                "examples": ["https://example.com/prometheus-plugin"],
            },
            "license": text("SPDX licence expression", "Apache-2.0"),
            "roles": {
                "description": "Which interfaces of seawall:plugin it exports",
                "type": "array",
                "minItems": 1,
                "uniqueItems": true,
                "items": {"enum": ["ingestor", "webhook", "action", "rule"]},
                "examples": [["ingestor"]],
            },
            "config": json_schema_of("JSON Schema, of type object, of an integration's config"),
            "credentials": {
                "description": "Credentials that the host attaches to requests, by the names that rules use",
                "type": "object",
                "propertyNames": slug("A credential's name", "token"),
                "additionalProperties": {"$ref": "#/$defs/credential"},
                "examples": [{"token": {"attach": "bearer"}}],
            },
            "capabilities": capabilities(),
            "kinds": named("The kinds of items that it lists", "kind"),
            "operations": named("What it can do in its tool", "operation"),
            "rules": named("The rules by which it judges entities", "rule"),
            "limits": limits_schema(),
        },
        "$defs": definitions(),
    })
}

fn capabilities() -> Value {
    json!({
        "description": "What it asks to be allowed. Everything else is denied",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "network": {
                "description": "Requests that it wants to send",
                "type": "array",
                "items": {"$ref": "#/$defs/network"},
                "examples": [[{"to": "https://api.example.com"}]],
            },
            "files": {
                "description": "Directories that it wants to read",
                "type": "array",
                "items": {"$ref": "#/$defs/files"},
                "examples": [[{"at": "/checkout", "from": "{directory}"}]],
            },
            "git": {
                "description": "Git repositories whose newest commit it wants to read; for ingestors only",
                "type": "array",
                "items": {"$ref": "#/$defs/git"},
                "examples": [[{"at": "/repository", "from": "{repository}"}]],
            },
            "catalog": {"description": "Whether it wants to read the catalog; for actions only", "type": "boolean"},
        },
    })
}

fn definitions() -> Value {
    json!({
        "network": {
            "type": "object",
            "additionalProperties": false,
            "required": ["to"],
            "properties": {
                "to": {
                    "description": "Scheme, host, optional port and base path, or values of the config: {base_url}. \
                        A host may start with *. for one or more labels; * alone is every host, which a grant has to allow by itself",
                    "type": "string",
                    "examples": ["https://api.example.com"],
                },
                "methods": {
                    "description": "Methods in capitals. Absent: GET",
                    "type": "array",
                    "minItems": 1,
                    "uniqueItems": true,
                    "items": {"enum": METHODS},
                    "examples": [["GET"]],
                },
                "paths": {
                    "description": "Path patterns below the base path: * is one segment, ** any number. Absent: any path",
                    "type": "array",
                    "minItems": 1,
                    "items": {"type": "string", "examples": ["/api/v1/**"]},
                    "examples": [["/api/v1/**"]],
                },
                "credential": text("The credential to attach, one of `credentials`", "token"),
                "reason": text("Why it needs this, for the person who decides", "Reads the alerts."),
            },
        },
        "files": {
            "type": "object",
            "additionalProperties": false,
            "required": ["at", "from"],
            "properties": {
                "at": text("Where the plugin sees it, an absolute path", "/checkout"),
                "from": text("Where it is on the host: an absolute path, or a value of the config", "{directory}"),
                "reason": text("Why it needs this, for the person who decides", "Reads manifests."),
            },
        },
        "git": {
            "type": "object",
            "additionalProperties": false,
            "required": ["at", "from"],
            "properties": {
                "at": text("Where the plugin sees it, an absolute path", "/repository"),
                "from": text("The repository's address over HTTP, or values of the config", "{repository}"),
                "ref": text("A branch or a tag, or a value of the config. Absent: what HEAD is", "main"),
                "credential": text("The credential to attach, one of `credentials`", "token"),
                "reason": text("Why it needs this, for the person who decides", "Reads manifests."),
            },
        },
        "credential": {
            "type": "object",
            "additionalProperties": false,
            "required": ["attach"],
            "properties": {
                "description": text("What it is for and how to make one", "A read-only token."),
                "required": {"description": "Whether an integration works only with it", "type": "boolean"},
                "attach": attach(),
            },
        },
        "kind": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "description": text("For people", "Repositories"),
                "strict": {
                    "description": "Whether an entity that breaks its schema is set aside instead of losing the property",
                    "type": "boolean",
                },
                "live": {"description": "Whether pull waits on a watch or a feed", "type": "boolean"},
            },
        },
        "operation": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "title": text("What people call it", "Switch a flag"),
                "description": text("For people", "Turns a feature flag on or off."),
                "inputs": json_schema_of("JSON Schema, of type object, of its inputs"),
                "target": name("The blueprint of the entity that it works on; absent: on none", "service"),
            },
        },
        "rule": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "title": text("What people call it", "Has an owner"),
                "description": text("For people", "Passes when a team owns the service."),
                "blueprint": name("The blueprint that it judges; absent: any", "service"),
                "params": json_schema_of("JSON Schema, of type object, of its parameters"),
                "related": {
                    "description": "Relations whose targets it asks to see",
                    "type": "array",
                    "items": {"type": "string"},
                    "examples": [["incidents"]],
                },
            },
        },
    })
}

fn attach() -> Value {
    json!({
        "description": "How it is attached: `bearer`, `basic`, `{header: {name: …}}` or `{query: {name: …}}`",
        "examples": ["bearer"],
        "oneOf": [
            {"enum": ["bearer", "basic"]},
            {
                "type": "object",
                "additionalProperties": false,
                "minProperties": 1,
                "maxProperties": 1,
                "properties": {
                    "header": {
                        "description": "A header; its value is `prefix` and the secret",
                        "type": "object",
                        "additionalProperties": false,
                        "required": ["name"],
                        "properties": {
                            "name": text("The header's name", "X-Api-Key"),
                            "prefix": {"description": "Put before the secret", "type": "string", "examples": ["Token "]},
                        },
                    },
                    "query": {
                        "description": "A query parameter",
                        "type": "object",
                        "additionalProperties": false,
                        "required": ["name"],
                        "properties": {"name": text("The parameter's name", "api_key")},
                    },
                },
            },
        ],
    })
}

/// Bounds of a call. All absent ones keep their defaults.
pub(crate) fn limits_schema() -> Value {
    let bound = |description: &str, example: u64| json!({"description": description, "type": "integer", "minimum": 1, "maximum": 1_u64 << 40, "examples": [example]});
    let time = |description: &str, example: u64| json!({"description": description, "type": "integer", "minimum": 1, "maximum": LONGEST_MS, "examples": [example]});
    let count = |description: &str, example: u64| json!({"description": description, "type": "integer", "minimum": 1, "maximum": u32::MAX, "examples": [example]});
    json!({
        "description": "Bounds of one call",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "timeout_ms": time("Wall-clock time of a call, in milliseconds", 60_000),
            "memory_bytes": bound("Memory of an instance, in bytes", 256 << 20),
            "response_bytes": bound("Bytes of one response's body", 64 << 20),
            "request_bytes": bound("Bytes of one request's body", 16 << 20),
            "requests_in_flight": count("Requests at once", 16),
            "requests": count("Requests of one call", 1_000),
            "log_lines": count("Log lines of one call", 1_000),
            "result_bytes": bound("Bytes of a result, such as one page", 64 << 20),
            "checkout_timeout_ms": time("Wall-clock time of bringing a checkout up to date, in milliseconds", 300_000),
            "checkout_pack_bytes": bound("Bytes that a git server sends at once", 256 << 20),
            "checkout_bytes": bound("Bytes of a checkout's files", 512 << 20),
            "checkout_files": bound("Files and folders of a checkout", 100_000),
        },
    })
}

/// A name as [`crate::ids`] checks plugin, integration and credential names.
pub(crate) fn slug(description: &str, example: &str) -> Value {
    json!({
        "description": format!("{description}: lower-case letters, digits and dashes, starting with a letter, at most 63"),
        "type": "string",
        "pattern": "^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$",
        "examples": [example],
    })
}

/// A name as [`crate::ids`] checks blueprints and kinds.
fn name(description: &str, example: &str) -> Value {
    json!({
        "description": format!("{description} (1 to 1,000 bytes without control characters or outer spaces)"),
        "type": "string",
        "maxLength": 1000,
        "pattern": r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$",
        "examples": [example],
    })
}

fn text(description: &str, example: &str) -> Value {
    json!({"description": description, "type": "string", "examples": [example]})
}

fn json_schema_of(description: &str) -> Value {
    json!({
        "description": description,
        "type": "object",
        "examples": [{"type": "object", "properties": {"base_url": {"type": "string"}}}],
    })
}

fn named(description: &str, of: &str) -> Value {
    json!({
        "description": description,
        "type": "object",
        "propertyNames": name("A name", "repository"),
        "additionalProperties": {"$ref": format!("#/$defs/{of}")},
        "examples": [{"repository": {}}],
    })
}

/// From <https://semver.org>, with plain groups.
const SEMVER: &str = r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$";
