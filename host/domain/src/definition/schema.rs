//! The JSON Schema of each kind's documents.

mod beside;
mod blueprint;

use super::Kind;
use crate::{credential::credential_schema, integration::integration_schema};
use serde_json::{Map, Value, json};

/// The schema of one kind's documents.
pub fn schema(kind: Kind) -> Value {
    match kind {
        Kind::Credential => credential_schema(),
        Kind::Integration => integration_schema(),
        Kind::Policy => policy(),
        Kind::Settings => beside::settings(),
        Kind::View => beside::view(),
        Kind::Subscription => beside::subscription(),
        Kind::Grant => grant(),
        Kind::Blueprint => blueprint::blueprint(),
        Kind::Entity => entity(),
        Kind::Mapping => kept(kind, &["tool", "resources"], mapping()),
        Kind::Team => kept(kind, &["identifier"], json!({"members": list("Who is in it", "ann")})),
        Kind::Role | Kind::Gate => kept(kind, &["identifier"], json!({})),
        Kind::Action | Kind::Automation => kept(kind, &["identifier", "trigger"], action(kind)),
        Kind::Scorecard => kept(kind, &["identifier", "blueprint", "rules"], scorecard()),
    }
}

/// The schema that documents of a kind are read by.
pub(super) fn document_schema(kind: Kind) -> Value {
    match kind {
        Kind::Blueprint => outline(),
        kind => schema(kind),
    }
}

/// All schemas by the name of their file, and `definition`, which takes a document of any kind.
pub fn schemas() -> Vec<(String, Value)> {
    let mut all: Vec<(String, Value)> = Kind::ALL.into_iter().map(|kind| (kind.word(), schema(kind))).collect();
    let each = Kind::ALL.into_iter().map(|kind| {
        let named = json!({"properties": {"kind": {"const": kind.name()}}, "required": ["kind"]});
        let mut of_kind = schema(kind);
        if let Some(fields) = of_kind.as_object_mut() {
            fields.remove("$schema");
        }
        json!({"if": named, "then": of_kind})
    });
    let any = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "a definition",
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {
            "description": "What it is a definition of",
            "enum": Kind::ALL.map(Kind::name),
        }},
        "allOf": each.collect::<Vec<_>>(),
    });
    all.push(("definition".to_owned(), any));
    all
}

fn object(kind: Kind, required: &[&str], closed: bool, properties: Value) -> Value {
    let article = if kind.word().starts_with(['a', 'e']) { "an" } else { "a" };
    let mut own: Map<String, Value> = Map::new();
    own.insert("kind".into(), json!({"const": kind.name()}));
    if let Value::Object(properties) = properties {
        own.extend(properties);
    }
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("{article} {}", kind.word()),
        "type": "object",
        "required": required,
        "properties": own,
    });
    if closed {
        schema["additionalProperties"] = false.into();
    }
    schema
}

fn text(description: &str, example: &str) -> Value {
    json!({"description": description, "type": "string", "minLength": 1, "examples": [example]})
}

fn list(description: &str, example: &str) -> Value {
    json!({"description": description, "type": "array", "items": {"type": "string"}, "examples": [[example]]})
}

fn flag(description: &str) -> Value {
    json!({"description": description, "type": "boolean", "examples": [true]})
}

/// A document that is kept as it is: what names it, and what its tools agree on; the rest is free.
fn kept(kind: Kind, required: &[&str], properties: Value) -> Value {
    let mut own = json!({
        "identifier": text("Its name", "deploy"),
        "title": {"description": "What people call it", "type": ["string", "null"]},
        "description": {"description": "For people", "type": ["string", "null"]},
    });
    if let (Some(own), Value::Object(properties)) = (own.as_object_mut(), properties) {
        own.extend(properties);
    }
    object(kind, required, false, own)
}

fn mapping() -> Value {
    json!({
        "tool": text("The tool whose items it maps", "jira"),
        "resources": {
            "description": "Port's mapping: a kind, a selector and jq expressions each",
            "type": "array",
            "items": {"type": "object"},
            "examples": [[{"kind": "issue", "selector": {"query": "true"}}]],
        },
    })
}

fn action(kind: Kind) -> Value {
    let example = match kind {
        Kind::Automation => {
            json!({"type": "automation", "event": {"type": "ENTITY_CREATED", "blueprintIdentifier": "service"}})
        }
        _ => json!({"type": "self-service", "operation": "DAY-2", "blueprintIdentifier": "service"}),
    };
    json!({
        "trigger": {"description": "What starts it", "type": ["object", "string"], "examples": [example]},
        "invocationMethod": {
            "description": "What it calls",
            "type": "object",
            "examples": [{"type": "WEBHOOK", "url": "https://ci.example.com/deploy"}],
        },
    })
}

fn scorecard() -> Value {
    json!({
        "blueprint": text("The blueprint whose entities it judges", "service"),
        "levels": {
            "description": "Its levels, the lowest first",
            "type": "array",
            "items": {"type": "object"},
            "examples": [[{"title": "Basic", "color": "paleBlue"}]],
        },
        "rules": {
            "description": "Its rules, each with a level and a query",
            "type": "array",
            "items": {"type": "object"},
            "examples": [[{"identifier": "has-team", "level": "Bronze"}]],
        },
    })
}

/// A blueprint's outline: what is within is compiled, which says more, and of some sources is kept with its faults.
fn outline() -> Value {
    let named = |description: &str, example: Value| {
        json!({
            "description": description,
            "type": "object",
            "additionalProperties": {"type": "object"},
            "examples": [example],
        })
    };
    let mut outline = blueprint::blueprint();
    let properties = &mut outline["properties"];
    properties["schema"]["properties"]["properties"] =
        named("A JSON Schema for each property", json!({"tier": {"type": "string"}}));
    properties["precedence"] = json!({"type": ["object", "array"]});
    for (section, example) in [
        ("mirrorProperties", json!({"tier": {"path": "system.tier"}})),
        (
            "calculationProperties",
            json!({"url": {"type": "string", "calculation": ".properties.host"}}),
        ),
        ("aggregationProperties", json!({"open": {"target": "issue"}})),
    ] {
        properties[section] = named("Computed properties", example);
    }
    if let Some(properties) = properties.as_object_mut() {
        properties.remove("ownership");
        properties.remove("teamInheritance");
    }
    outline
}

fn entity() -> Value {
    let properties = json!({
        "blueprint": text("Its blueprint", "service"),
        "identifier": text("Its name, unique within the blueprint", "checkout"),
        "title": {"description": "What people call it", "type": ["string", "null"], "examples": ["Checkout"]},
        "icon": {"description": "The name of an icon", "type": ["string", "null"]},
        "team": list("The teams that own it", "payments"),
        "properties": {"description": "Values by property", "type": "object", "examples": [{"tier": "gold"}]},
        "relations": {
            "description": "An identifier, or a list of them, by relation",
            "type": "object",
            "additionalProperties": {"type": ["string", "array"], "items": {"type": "string"}},
            "examples": [{"owner": "payments"}],
        },
    });
    object(Kind::Entity, &["blueprint", "identifier"], true, properties)
}

fn grant() -> Value {
    let part = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["rule"],
        "properties": {
            "rule": {"description": "Its number", "type": "integer", "minimum": 0, "examples": [0]},
            "methods": list("Some of its methods; left out: all", "GET"),
            "paths": list("Some of its paths; left out: all", "/items/*"),
        },
    });
    let properties = json!({
        "plugin": text("The plugin: its name, or `name@version`", "unleash"),
        "private_ranges": list("Private, loopback or link-local ranges that it may reach", "10.2.0.0/16"),
        "plaintext_to_loopback": flag("Whether a credential may go without TLS to loopback"),
        "any_host": flag("Whether a rule whose host is `*` holds, which leads to every host that is not private"),
        "expires_at": {"description": "When it ends", "type": "string", "format": "date-time", "examples": ["2027-01-31T12:00:00Z"]},
        "rules": {
            "description": "The manifest's network rules that are granted, by number or in part; left out: all",
            "type": "array",
            "items": {"anyOf": [{"type": "integer", "minimum": 0}, part], "description": "A rule's number, or a part of it"},
            "examples": [[0, {"rule": 2, "methods": ["GET"]}]],
        },
        "git": numbers("The manifest's checkouts that are granted, by number; left out: all"),
        "files": numbers("The manifest's directories that are granted, by number; left out: all"),
        "catalog": flag("Whether the catalog may be read; left out: as the manifest asks"),
        "reason": text("Why, for those who look later", "SEC-1234"),
    });
    object(Kind::Grant, &["plugin"], true, properties)
}

fn policy() -> Value {
    let properties = json!({
        "never": {
            "description": "What no grant may contain",
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "hosts": list("Hosts, without scheme and port", "*.internal.example.com"),
                "methods": list("Methods", "DELETE"),
                "any_host": flag("Whether no rule whose host is `*` may be granted"),
                "private_ranges": list("Ranges that no grant may open", "10.1.0.0/16"),
            },
            "examples": [{"methods": ["DELETE"]}],
        },
        "approvers": list("Who may approve; left out: everybody", "ann"),
        "two_people": flag("Whether who installed a version may not approve it"),
        "max_days": {"description": "The most days that a grant may last", "type": ["integer", "null"], "minimum": 1, "maximum": u32::MAX, "examples": [90]},
        "max_limits": {
            "description": "The most that limits may be, by name",
            "type": "object",
            "additionalProperties": {"type": "integer", "minimum": 1},
            "examples": [{"timeout_ms": 60000}],
        },
        "trust": {
            "description": "Whose plugins may be used",
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "require_signature": flag("Whether a plugin has to be signed by one of the keys"),
                "keys": {
                    "description": "Public keys by name, as PEM",
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                    "examples": [{"acme": "-----BEGIN PUBLIC KEY-----…"}],
                },
                "registries": list("Where plugins may come from", "ghcr.io/acme/*"),
                "publishers": {
                    "description": "Which keys may sign plugins of a name",
                    "type": "object",
                    "additionalProperties": {"type": "array", "items": {"type": "string"}},
                    "examples": [{"acme-*": ["acme"]}],
                },
            },
            "examples": [{"require_signature": true}],
        },
    });
    object(Kind::Policy, &[], true, properties)
}

fn numbers(description: &str) -> Value {
    json!({"description": description, "type": "array", "items": {"type": "integer", "minimum": 0}, "examples": [[0]]})
}
