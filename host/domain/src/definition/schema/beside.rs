//! The schemas of what stands beside the catalog: settings, saved views, subscriptions.

use super::{flag, list, object, text};
use crate::{definition::Kind, manifest::slug};
use serde_json::{Value, json};

pub(super) fn settings() -> Value {
    let number = |description: &str, least: u32, example: u32| json!({"description": description, "type": "integer", "minimum": least, "examples": [example]});
    let properties = json!({
        "definitions": {
            "description": "Of definitions",
            "type": "object",
            "additionalProperties": false,
            "properties": {"locked": flag("Whether what comes from git is read-only elsewhere; left out: yes")},
            "examples": [{"locked": true}],
        },
        "retention": {
            "description": "How long the change log is kept",
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "days": number("Changes that are older go", 0, 90),
                "rows": number("So many of the newest stay, however old", 0, 100_000),
                "pendingDays": number("What a subscription was not told of yet stays for so many days", 0, 120),
            },
            "examples": [{"days": 90, "rows": 100_000, "pendingDays": 120}],
        },
    });
    object(Kind::Settings, &[], true, properties)
}

pub(super) fn view() -> Value {
    let properties = json!({
        "name": {"description": "Its name", "type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[^/]*$", "examples": ["gold-services"]},
        "title": {"description": "What people call it", "type": ["string", "null"], "examples": ["Gold services"]},
        "blueprints": list("Whose entities; left out: of all blueprints", "service"),
        "filter": {"description": "Which of them, as an AIP-160 filter", "type": ["string", "null"], "examples": ["tier = gold"]},
        "query": {
            "description": "Which of them, as Port's rules; with a filter, both have to hold",
            "type": ["object", "null"],
            "examples": [{"combinator": "and", "rules": [{"property": "tier", "operator": "=", "value": "gold"}]}],
        },
        "q": {"description": "Words that they have", "type": ["string", "null"], "examples": ["payments"]},
        "sort": {"description": "The field to sort by; a `-` before it sorts from high to low", "type": ["string", "null"], "examples": ["-$updatedAt"]},
        "columns": list("Fields that are shown, in order", "relations.owner"),
    });
    object(Kind::View, &["name"], true, properties)
}

pub(super) fn subscription() -> Value {
    let properties = json!({
        "name": slug("Its name", "deploy-bot"),
        "url": text("Where messages go: `https://…`, or `http://…` to addresses that `privateRanges` names", "https://bot.example.com/hook"),
        "blueprints": list("Only entities of these blueprints; left out: all", "service"),
        "kinds": {
            "description": "Only these changes; left out: all",
            "type": "array",
            "items": {"enum": ["created", "updated", "deleted"]},
            "examples": [["updated"]],
        },
        "fields": list("Of updates only those that change one of these: a property, `relations.NAME`, `$title`, `$icon` or `$team`; left out: all", "tier"),
        "privateRanges": list("Private addresses that it may lead to", "10.2.0.0/16"),
        "ca": {"description": "Authorities that the receiver's certificate may come from, as PEM; left out: the system's", "type": ["string", "null"]},
        "retry": {
            "description": "When a message that was not taken is sent again",
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "tries": {"description": "After so many it waits for a person", "type": "integer", "minimum": 1, "maximum": 50, "examples": [12]},
                "firstSeconds": {"description": "Between the first and the second try", "type": "number", "minimum": 0.1, "maximum": 3_600, "examples": [5]},
                "mostSeconds": {"description": "The most between two tries", "type": "number", "minimum": 0.1, "maximum": 86_400, "examples": [21_600]},
            },
            "examples": [{"tries": 12}],
        },
        "thin": flag("Whether messages leave out the entity itself"),
        "paused": flag("Whether nothing is sent; what happens meanwhile is told later"),
        "headers": list("The names of further headers; their values are sealed in the server's database, and never in a document", "Authorization"),
    });
    object(Kind::Subscription, &["name", "url"], true, properties)
}
