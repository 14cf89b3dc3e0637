//! `seawall catalog get`.

use crate::cli::{
    Global,
    client::Client,
    error::Result,
    output::{Column, at, fields, plain, table, time},
};
use serde_json::Value;

/// Shows one entity, which integrations say what of it, and who refers to it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall catalog get service payments-api
  seawall catalog get service payments-api --provenance
  seawall catalog get service payments-api --at 2026-11-23T09:00:00Z
  seawall catalog get service payments-api -o json | jq .properties")]
pub(crate) struct Get {
    /// Its blueprint
    blueprint: String,
    /// Its identifier
    identifier: String,
    /// Also show where each value comes from, and since when it is what it is
    #[arg(long, conflicts_with = "at")]
    provenance: bool,
    /// As it was at a moment, such as 2026-11-23T09:00:00Z
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

/// A row a field.
fn origins(provenance: &Value) -> Vec<Value> {
    let fields = provenance.as_object().into_iter().flatten();
    let row = |(field, origin): (&String, &Value)| {
        let names = origin["sources"].as_array().into_iter().flatten();
        let names: Vec<String> = names
            .map(|s| format!("{} {}", at(s, "/integration"), at(s, "/key")))
            .collect();
        let from = if let Some(why) = origin["problem"].as_str() {
            format!("computed, and comes to nothing: {why}")
        } else if origin["default"] == true {
            "the default".to_owned()
        } else if names.is_empty() {
            "computed".to_owned()
        } else {
            names.join("\n")
        };
        serde_json::json!({"field": field, "from": from, "since": origin["since"]})
    };
    fields.map(row).collect()
}

const ORIGINS: &[Column] = &[
    ("FIELD", |v| at(v, "/field")),
    ("FROM", |v| at(v, "/from")),
    ("SINCE", |v| time(v, "/since")),
];

const SOURCES: &[Column] = &[
    ("SOURCE", |v| at(v, "/integration")),
    ("KIND", |v| at(v, "/kind")),
    ("PARTITION", |v| at(v, "/partition")),
    ("ITEM", |v| at(v, "/key")),
    ("CHANGED", |v| time(v, "/changedAt")),
];

const REFERRERS: &[Column] = &[
    ("REFERRED TO BY", |v| {
        format!("{}/{}", at(v, "/blueprint"), at(v, "/identifier"))
    }),
    ("AS", |v| at(v, "/relation")),
];

impl Get {
    pub(super) async fn run(self, global: &Global) -> Result {
        let path = ["blueprints", &self.blueprint, "entities", &self.identifier];
        let mut query = Vec::new();
        query.extend(self.at.map(|at| ("at", at)));
        query.extend(self.provenance.then(|| ("include", "provenance".to_owned())));
        let entity = Client::new(global)?.get_with(&path, &query).await?;
        global.output().one(&entity, people)
    }
}

/// A time, and who it was.
fn moment(entity: &Value, when: &str, who: &str) -> String {
    match entity.pointer(who).and_then(Value::as_str) {
        Some(who) => format!("{} by {who}", time(entity, when)),
        None => time(entity, when),
    }
}

pub(super) fn people(entity: &Value) -> String {
    let named = |name: &str| {
        let all = entity[name].as_object().into_iter().flatten();
        all.map(|(field, value)| (format!("{name}.{field}"), plain(value)))
            .collect::<Vec<_>>()
    };
    let (properties, relations) = (named("properties"), named("relations"));
    let mut pairs = vec![
        (
            "entity",
            format!("{}/{}", at(entity, "/blueprint"), at(entity, "/identifier")),
        ),
        ("title", at(entity, "/title")),
        ("team", at(entity, "/team")),
        ("created", moment(entity, "/createdAt", "/createdBy")),
        ("updated", moment(entity, "/updatedAt", "/updatedBy")),
    ];
    pairs.extend(
        properties
            .iter()
            .chain(&relations)
            .map(|(name, value)| (name.as_str(), value.clone())),
    );
    let mut parts = vec![fields(&pairs)];
    for (name, columns) in [("sources", SOURCES), ("referrers", REFERRERS)] {
        if let Some(rows) = entity[name].as_array().filter(|rows| !rows.is_empty()) {
            parts.push(table(rows, columns));
        }
    }
    let from = origins(&entity["provenance"]);
    if !from.is_empty() {
        parts.push(table(&from, ORIGINS));
    }
    parts.join("\n\n")
}
