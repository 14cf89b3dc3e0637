//! `seawall blueprint put`.

use super::{follow::follow, warn};
use crate::cli::{
    Global, args,
    client::{Body, Client},
    error::{CliError, Result},
    output::at,
};
use reqwest::Method;
use seawall_domain::definition::blueprint::ADDED;
use serde_json::{Value, json};
use std::{collections::BTreeSet, path::PathBuf};

/// Creates or replaces blueprints from a YAML or JSON file that holds one blueprint or a list, in Port's shape. Says what that does
/// to the entities that are there, and waits until it is done
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall blueprint put service.yaml --dry-run
  seawall blueprint put service.yaml
  seawall blueprint put service.yaml --dependants    what uses a property that it no longer has goes too
  curl … | seawall blueprint put -")]
pub(crate) struct Put {
    /// The file; `-` reads stdin
    file: PathBuf,
    /// Show what it would do to the entities that are there, and change nothing. Exit code 1 where values would be left out, or where
    /// something uses what goes
    #[arg(long)]
    dry_run: bool,
    /// What uses properties and relations that go is taken out of other blueprints, and of views; without, it is refused
    #[arg(long)]
    dependants: bool,
    /// Do not wait until entities are checked, merged and computed anew
    #[arg(long)]
    no_wait: bool,
}

impl Put {
    pub(super) async fn run(self, global: &Global, client: &Client) -> Result {
        let document = args::document(&self.file)?;
        let all = match document.value() {
            Value::Array(all) => all.clone(),
            one => vec![one.clone()],
        };
        let mut answers = Vec::new();
        for blueprint in all {
            answers.push(self.one(global, client, blueprint).await?);
        }
        if !self.dry_run && !self.no_wait {
            wait(client, &mut answers).await?;
        }
        let breaks = self.dry_run && answers.iter().any(breaks);
        if !global.output().is_table() {
            global.output().data(&json!({"items": answers, "next": null}))?;
        }
        if breaks { Err(CliError::Unwell) } else { Ok(()) }
    }

    async fn one(&self, global: &Global, client: &Client, mut blueprint: Value) -> Result<Value> {
        let Some(identifier) = blueprint["identifier"].as_str().map(str::to_owned) else {
            return Err(CliError::Usage(format!(
                "{}: a blueprint needs an `identifier`, such as `service`",
                self.file.display()
            )));
        };
        // What `get` adds of its own, so that its output can be put back.
        if let Some(fields) = blueprint.as_object_mut() {
            fields.retain(|name, _| !ADDED.contains(&name.as_str()));
        }
        let query = [
            ("dryRun", self.dry_run.to_string()),
            ("dependants", self.dependants.to_string()),
        ];
        let path = ["blueprints", &identifier];
        let answer = client.send(Method::PUT, &path, &query, Body::Json(blueprint)).await?;
        warn(&identifier, &answer);
        let (said, tense) = match self.dry_run {
            true => (&answer, Tense::Would),
            false => (&answer["effect"], Tense::Does),
        };
        if !self.dry_run {
            eprintln!("blueprint {identifier} is there");
        }
        if global.output().is_table() {
            global.output().text(&effect(&identifier, said, tense))?;
            if !self.dry_run && breaks(said) {
                eprintln!(
                    "what is left out is kept: `seawall catalog rejected` lists what people said, `seawall integration rejected NAME` what \
                     an integration gives"
                );
            }
        }
        Ok(answer)
    }
}

/// Waits for all that follows from blueprints that were put.
async fn wait(client: &Client, answers: &mut [Value]) -> Result {
    let mut names = BTreeSet::new();
    for answer in answers {
        let others = answer["effect"]["alsoRecomputes"].as_array().into_iter().flatten();
        names.extend(
            others
                .chain([&answer["identifier"]])
                .filter_map(Value::as_str)
                .map(str::to_owned),
        );
        if let Some(fields) = answer.as_object_mut() {
            // It is over when this is printed.
            fields.remove("recompute");
        }
    }
    for name in &names {
        follow(client, name).await?;
    }
    Ok(())
}

/// Whether anything of what is there does not stay.
fn breaks(effect: &Value) -> bool {
    let some = |what: &str| effect[what].as_u64() > Some(0);
    some("breaking") || some("setAside") || effect["dependants"].as_array().is_some_and(|all| !all.is_empty())
}

/// Whether something is done, or only looked at.
#[derive(Clone, Copy)]
enum Tense {
    Would,
    Does,
}

/// What a blueprint does or would do, in words.
fn effect(identifier: &str, effect: &Value, tense: Tense) -> String {
    let (lose, are, go) = match tense {
        Tense::Would => ("would lose", "would be", "would lose what it needs"),
        Tense::Does => ("lose", "are", "goes with it"),
    };
    let mut lines = vec![match (effect["new"] == true, effect["changed"] == true) {
        (true, _) => format!("{identifier} is new"),
        (_, false) => format!("{identifier} is as it was"),
        _ => format!(
            "{identifier}: of {} entities {} {lose} values and {} {are} set aside",
            at(effect, "/entities"),
            at(effect, "/breaking"),
            at(effect, "/setAside")
        ),
    }];
    let fields = effect["fields"].as_object().into_iter().flatten();
    lines.extend(fields.map(|(field, count)| format!("  {field}: {count}")));
    let list = |name: &str| effect[name].as_array().cloned().unwrap_or_default();
    lines.extend(
        list("examples")
            .iter()
            .filter_map(Value::as_str)
            .map(|example| format!("  {example}")),
    );
    lines.extend(
        list("dependants")
            .iter()
            .map(|one| format!("  {} {go}", dependant(one))),
    );
    if effect["recomputes"] == true {
        lines.push("  computed values are computed anew for all of them".to_owned());
    }
    let others: Vec<_> = list("alsoRecomputes")
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    if !others.is_empty() {
        lines.push(format!("  those of {} are computed anew too", others.join(", ")));
    }
    if effect["merges"] == true {
        lines.push("  entities with several sources are merged anew".to_owned());
    }
    lines.join("\n")
}

/// `mirror tier of service (needs system.tier)`.
fn dependant(one: &Value) -> String {
    let of = one["blueprint"]
        .as_str()
        .map(|name| format!(" of {name}"))
        .unwrap_or_default();
    let name = Some(at(one, "/name")).filter(|name| *name != at(one, "/what"));
    let name = name.map(|name| format!(" {name}")).unwrap_or_default();
    format!("{}{name}{of} (needs {})", at(one, "/what"), at(one, "/needs"))
}
