//! What a value of a file is, by its shape: Port's files say it by their names at best.

use super::fit::is_field;
use crate::definition::Kind;
use serde_json::Value;

/// One thing of a document.
pub(super) enum Found<'a> {
    Blueprint(&'a Value),
    Entity(&'a Value),
    Mapping(&'a Value),
    /// Kept as it is, with the blueprint that it stands under.
    Kept(Kind, Option<&'a str>, &'a Value),
    /// What it is, and why it stays behind.
    Left(String, &'static str),
}

/// What Port's API puts lists into.
const WRAPPERS: [&str; 7] = [
    "blueprints",
    "entities",
    "scorecards",
    "actions",
    "automations",
    "pages",
    "data",
];

/// All that a document holds, with where.
pub(super) fn classify(value: &Value) -> Vec<(String, Found<'_>)> {
    let mut out = Vec::new();
    walk(value, String::new(), None, &mut out);
    out
}

fn walk<'a>(value: &'a Value, pointer: String, blueprint: Option<&'a str>, out: &mut Vec<(String, Found<'a>)>) {
    if let Value::Array(all) = value {
        for (i, value) in all.iter().enumerate() {
            walk(value, format!("{pointer}/{i}"), blueprint, out);
        }
        return;
    }
    let there = |field: &str| !value[field].is_null();
    let is_wrapped = value.is_object() && !there("identifier") && !there("kind");
    // `{"ok": true, "blueprints": […]}`, and `{"blueprint": "service", "data": […]}` of actions and scorecards.
    let wrapped: Vec<_> = WRAPPERS
        .iter()
        .filter(|name| is_wrapped && value[**name].is_array())
        .collect();
    if !wrapped.is_empty() {
        let blueprint = value["blueprint"].as_str().or(blueprint);
        for name in wrapped {
            walk(&value[*name], format!("{pointer}/{name}"), blueprint, out);
        }
        return;
    }
    out.push((pointer, one(value, blueprint)));
}

fn one<'a>(value: &'a Value, blueprint: Option<&'a str>) -> Found<'a> {
    let there = |field: &str| !value[field].is_null();
    let name = value["identifier"].as_str().unwrap_or_default();
    let rules = value["rules"].as_array();
    if !value.is_object() {
        return Found::Left(
            "a value".into(),
            "it is no object, so it is neither a blueprint nor an entity",
        );
    }
    if value["resources"]
        .as_array()
        .is_some_and(|all| all.iter().any(|r| r["kind"].is_string()))
    {
        return Found::Mapping(value);
    }
    if there("widgets") {
        return Found::Left(format!("page `{name}`"), "pages of a portal have no place here yet");
    }
    if there("identifier") && (there("schema") || (there("relations") && !there("blueprint"))) {
        return Found::Blueprint(value);
    }
    if rules.is_some_and(|rules| there("levels") || rules.iter().any(|rule| rule["level"].is_string()))
        && !name.is_empty()
    {
        return Found::Kept(Kind::Scorecard, blueprint, value);
    }
    if there("trigger") || there("invocationMethod") || there("userInputs") {
        return match value["trigger"]["type"].as_str() {
            _ if name.is_empty() => Found::Left("an action".into(), "it has no `identifier`, so it cannot be kept"),
            Some("automation") => Found::Kept(Kind::Automation, blueprint, value),
            _ => Found::Kept(Kind::Action, blueprint, value),
        };
    }
    // One that only is there has no more than its two names.
    let is_bare = || {
        value
            .as_object()
            .is_some_and(|fields| fields.keys().all(|name| is_field(name)))
    };
    let entity = ["properties", "relations", "title", "team"]
        .iter()
        .any(|field| there(field))
        || is_bare();
    if value["blueprint"].is_string() && there("identifier") && entity {
        return Found::Entity(value);
    }
    if there("mappings") || there("integrationAppType") {
        return Found::Left(
            "a webhook or integration".into(),
            "how Port reaches a tool; add an integration instead",
        );
    }
    if value["name"].is_string() && there("users") {
        let name = value["name"].as_str().unwrap_or_default();
        return Found::Left(
            format!("team `{name}`"),
            "people sign in elsewhere; teams of Port's own have no place here yet",
        );
    }
    let fields: Vec<_> = value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .take(3)
        .collect();
    let what = format!("an object (`{}`)", fields.join("`, `"));
    Found::Left(
        what,
        "it has the shape of no blueprint, entity, mapping, action, automation or scorecard of Port's",
    )
}
