//! `seawall blueprint …`.

use crate::cli::{
    Global, args,
    client::{Body, Client},
    error::{CliError, Result},
    output::{at, plain},
};
use reqwest::Method;
use seawall_domain::definition::blueprint::ADDED;
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Blueprint {
    /// List blueprints
    List(List),
    /// Print a blueprint
    Get(Get),
    /// Create or replace blueprints from a file
    Put(Put),
    /// Remove a blueprint
    Delete(Delete),
}

/// Removes a blueprint. It is refused where it has entities, unless they are to go with it, and where others lead to it
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall blueprint delete service\n  seawall blueprint delete service --entities")]
pub(crate) struct Delete {
    /// Its identifier
    blueprint: String,
    /// Its entities go with it
    #[arg(long)]
    entities: bool,
}

/// Lists blueprints and how many entities each has
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

/// Creates or replaces blueprints from a YAML or JSON file that holds one blueprint or a list, in Port's shape
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  seawall blueprint put service.yaml --dry-run\n  seawall blueprint put service.yaml\n  curl … | seawall blueprint put -"
)]
pub(crate) struct Put {
    /// The file; `-` reads stdin
    file: PathBuf,
    /// Show what it would do to the entities that are there, and change nothing. Exit code 1 where values would be left out
    #[arg(long)]
    dry_run: bool,
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
            Self::Delete(delete) => {
                let path = ["blueprints", &delete.blueprint];
                let query = [("entities", delete.entities.to_string())];
                client.send(Method::DELETE, &path, &query, Body::Nothing).await?;
                eprintln!("blueprint {} is gone", delete.blueprint);
                Ok(())
            }
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

/// What a blueprint would do, in words.
fn effect(identifier: &str, effect: &Value) -> String {
    let mut lines = vec![match (effect["new"] == true, effect["changed"] == true) {
        (true, _) => format!("{identifier} is new"),
        (_, false) => format!("{identifier} is as it was"),
        _ => format!(
            "{identifier}: of {} entities {} would lose values and {} would be set aside",
            at(effect, "/entities"),
            at(effect, "/breaking"),
            at(effect, "/setAside")
        ),
    }];
    let fields = effect["fields"].as_object().into_iter().flatten();
    lines.extend(fields.map(|(field, count)| format!("  {field}: {count}")));
    let examples = effect["examples"].as_array().into_iter().flatten();
    lines.extend(examples.filter_map(Value::as_str).map(|example| format!("  {example}")));
    if effect["recomputes"] == true {
        lines.push("  computed values are computed anew for all of them".to_owned());
    }
    if effect["merges"] == true {
        lines.push("  entities with several sources are merged anew".to_owned());
    }
    lines.join("\n")
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
    let head = format!(
        "{} · {} · {} entities",
        at(blueprint, "/identifier"),
        at(blueprint, "/title"),
        at(blueprint, "/entities")
    );
    format!(
        "{head}\n\n{}",
        super::output::grid(headings, properties.chain(relations))
    )
}

impl Put {
    async fn run(self, global: &Global, client: &Client) -> Result {
        let document = args::document(&self.file)?;
        let all = match document.value() {
            Value::Array(all) => all.clone(),
            one => vec![one.clone()],
        };
        let mut put = Vec::new();
        for mut blueprint in all {
            let Some(identifier) = blueprint["identifier"].as_str().map(str::to_owned) else {
                return Err(CliError::Usage(format!(
                    "{}: a blueprint needs an `identifier`, such as `service`",
                    self.file.display()
                )));
            };
            // What `get` adds of its own, so that its output can be put back.
            if let Some(fields) = blueprint.as_object_mut() {
                fields.retain(|field, _| !ADDED.contains(&field.as_str()));
            }
            let query: &[(&str, String)] = if self.dry_run {
                &[("dryRun", "true".into())]
            } else {
                &[]
            };
            let path = ["blueprints", &identifier];
            let answer = client.send(Method::PUT, &path, query, Body::Json(blueprint)).await?;
            warn(&identifier, &answer);
            if !self.dry_run {
                eprintln!("blueprint {identifier} is there");
            } else if global.output().is_table() {
                global.output().text(&effect(&identifier, &answer))?;
            }
            put.push(answer);
        }
        let breaks = |effect: &Value| {
            ["breaking", "setAside"]
                .iter()
                .any(|what| effect[what].as_u64() > Some(0))
        };
        if self.dry_run && put.iter().any(breaks) {
            if !global.output().is_table() {
                global.output().data(&json!({"items": put, "next": null}))?;
            }
            return Err(CliError::Unwell);
        }
        if global.output().is_table() {
            Ok(())
        } else {
            global.output().data(&json!({"items": put, "next": null}))
        }
    }
}
