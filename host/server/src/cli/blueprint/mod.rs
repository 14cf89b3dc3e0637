//! `seawall blueprint …`.

mod delete;
mod follow;
mod put;

use crate::cli::{
    Global,
    client::Client,
    error::Result,
    output::{at, plain},
};
use serde_json::Value;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Blueprint {
    /// List blueprints
    List(List),
    /// Print a blueprint
    Get(Get),
    /// Create or replace blueprints from a file
    Put(put::Put),
    /// Remove blueprints
    Delete(delete::Delete),
}

/// Lists blueprints and how many entities each has, and how far those are that are still computed anew
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall blueprint list")]
pub(crate) struct List {}

/// Prints a blueprint in Port's shape
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall blueprint get service -o yaml > service.yaml")]
pub(crate) struct Get {
    /// Its identifier
    blueprint: String,
}

impl Blueprint {
    pub(crate) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        match self {
            Self::List(_) => {
                let all = client.all(&["blueprints"], &[]).await?;
                global.output().list(
                    &all,
                    super::catalog::BLUEPRINTS,
                    "there are none yet; plugins bring them with their integrations",
                )
            }
            Self::Get(get) => {
                let blueprint = client.get(&["blueprints", &get.blueprint]).await?;
                warn(&get.blueprint, &blueprint);
                global.output().one(&blueprint, people)
            }
            Self::Put(put) => put.run(global, &client).await,
            Self::Delete(delete) => delete.run(&client).await,
        }
    }
}

/// Says what is probably a mistake in a blueprint, of which the server answered.
pub(crate) fn warn(identifier: &str, answer: &Value) {
    for warning in answer["warnings"].as_array().into_iter().flatten() {
        let (pointer, detail) = (at(warning, "/pointer"), at(warning, "/detail"));
        eprintln!("warning: blueprint {identifier}, {pointer}: {detail}");
    }
}

/// What is still done for a blueprint, in words; empty where all is done.
pub(crate) fn under_way(blueprint: &Value) -> String {
    let steps = blueprint["recompute"]["steps"].as_array().into_iter().flatten();
    let words = |step: &Value| {
        let doing = match step["step"].as_str() {
            Some("check") => "checking",
            Some("merge") => "merging",
            _ => "computing",
        };
        format!("{doing} {} of {}", at(step, "/done"), at(step, "/total"))
    };
    steps.map(words).collect::<Vec<_>>().join(", ")
}

/// A line a property and relation.
fn people(blueprint: &Value) -> String {
    let required: Vec<_> = blueprint["schema"]["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = blueprint["schema"]["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, schema)| {
            let need = if required.contains(&name.as_str()) {
                "required"
            } else {
                ""
            };
            let kind = if schema["format"].is_string() {
                at(schema, "/format")
            } else {
                plain(&schema["type"])
            };
            vec![name.clone(), kind, need.to_owned(), at(schema, "/title")]
        });
    let relations = blueprint["relations"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, relation)| {
            let many = if relation["many"] == true {
                "many of "
            } else {
                "one of "
            };
            let need = if relation["required"] == true { "required" } else { "" };
            vec![
                format!("relations.{name}"),
                format!("{many}{}", at(relation, "/target")),
                need.to_owned(),
                at(relation, "/title"),
            ]
        });
    let headings = ["FIELD", "TYPE", "NEED", "TITLE"].map(str::to_owned).to_vec();
    let mut head = format!(
        "{} · {} · {} entities",
        at(blueprint, "/identifier"),
        at(blueprint, "/title"),
        at(blueprint, "/entities")
    );
    let under_way = under_way(blueprint);
    if !under_way.is_empty() {
        head.push_str(&format!(" · {under_way}"));
    }
    format!(
        "{head}\n\n{}",
        super::output::grid(headings, properties.chain(relations))
    )
}
