//! `seawall history`.

use crate::cli::{
    Global,
    error::Result,
    output::{Column, at, plain, short_digest, time},
    paging::{Paging, Shown},
};
use seawall_domain::{definition::Kind, text::cut};
use serde_json::Value;

/// Shows who changed which definition, when, why and how, the newest first. What happened to an entity is shown by `seawall
/// catalog history`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall history
  seawall history Blueprint service
  seawall history --of ann --limit 5 -o yaml")]
pub(crate) struct History {
    /// Only definitions of this kind, such as Blueprint
    kind: Option<Kind>,
    /// Only the one of this name
    name: Option<String>,
    /// Only what this person changed
    #[arg(long, value_name = "NAME")]
    of: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

const COLUMNS: &[Column] = &[
    ("AT", |v| time(v, "/at")),
    ("CHANGE", |v| at(v, "/change")),
    ("KIND", |v| at(v, "/kind")),
    ("NAME", |v| at(v, "/name")),
    ("BY", who),
    ("WHY", |v| at(v, "/reason")),
    ("WHAT", what),
];

/// More fields of one change are only counted.
const FEW: usize = 10;

fn who(change: &Value) -> String {
    let parts = [at(change, "/by"), at(change, "/source"), at(change, "/file")];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

fn what(change: &Value) -> String {
    if change["change"] == "resealed" {
        return "its secret".to_owned();
    }
    let short = |value: &Value| match value {
        Value::Null => "nothing".to_owned(),
        value => cut(&plain(value), 60).into_owned(),
    };
    let fields = change["fields"].as_array().map_or(&[][..], Vec::as_slice);
    let line = |field: &Value| {
        format!(
            "{}: {} → {}",
            at(field, "/field"),
            short(&field["before"]),
            short(&field["after"])
        )
    };
    let mut lines: Vec<_> = fields.iter().take(FEW).map(line).collect();
    if change["decided"].is_object() {
        let decided = &change["decided"];
        let word = at(decided, "/decision").replace('-', " ");
        lines.insert(
            0,
            format!(
                "{} ({}) {word}",
                at(decided, "/version"),
                short_digest(decided, "/digest")
            ),
        );
    }
    if fields.len() > FEW {
        lines.push(format!("and {} more fields (-o yaml shows them)", fields.len() - FEW));
    }
    lines.join("\n")
}

impl History {
    pub(crate) async fn run(self, global: &Global) -> Result {
        let mut query = Vec::new();
        query.extend(self.kind.map(|kind| ("kind", kind.name().to_owned())));
        query.extend(self.name.map(|name| ("name", name)));
        query.extend(self.of.map(|of| ("by", of)));
        let shown = Shown {
            columns: COLUMNS,
            empty: "no definition was changed",
        };
        self.paging.list(global, &["definition-changes"], query, shown).await
    }
}
