//! `seawall run …`.

use crate::cli::{
    Global,
    args::{self, Pair},
    client::{Body, Client},
    error::{CliError, Result},
    output::{Column, at, fields, items, plain, time, visible},
    paging::{Paging, Shown},
};
use serde_json::{Value, json};
use std::time::Duration;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Run {
    /// Start an operation of an integration's plugin
    Start(Start),
    /// List runs
    List(List),
    /// Show one run
    #[command(visible_alias = "get")]
    Show(Show),
    /// Print a run's log
    Log(Log),
}

/// Starts an operation of an integration's plugin
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall run start unleash-main switch-flag --target unleashFeatureFlag/new-checkout --input environment=production --input enabled=true --follow
  seawall run start unleash-main switch-flag --target unleashFeatureFlag/new-checkout --input environment=production --input enabled=false --key deploy-812

The same --key gives the same run: a script that is repeated starts nothing twice. With --follow the exit code is 1 where
the run does not succeed.")]
pub(crate) struct Start {
    /// The integration
    integration: String,
    /// The operation, as `seawall plugin inspect` lists them
    operation: String,
    /// The entity that it works on
    #[arg(long, value_name = "BLUEPRINT/IDENTIFIER")]
    target: Option<String>,
    /// An input; JSON where it parses as such, a text otherwise; repeatable
    #[arg(long = "input", value_name = "NAME=VALUE")]
    inputs: Vec<Pair>,
    /// The idempotency key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Print its log until it ends
    #[arg(short, long)]
    follow: bool,
}

/// Lists runs, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall run list\n  seawall run list --limit 10 -o json")]
pub(crate) struct List {
    #[command(flatten)]
    paging: Paging,
}

/// Shows one run with its inputs and outputs
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall run show 0f3a…")]
pub(crate) struct Show {
    /// Its id
    id: String,
}

/// Prints a run's log
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall run log 0f3a…\n  seawall run log 0f3a… --follow")]
pub(crate) struct Log {
    /// Its id
    id: String,
    /// Go on until it ends
    #[arg(short, long)]
    follow: bool,
}

const COLUMNS: &[Column] = &[
    ("RUN", |v| at(v, "/id")),
    ("STATE", |v| at(v, "/state")),
    ("INTEGRATION", |v| at(v, "/integration")),
    ("OPERATION", |v| at(v, "/operation")),
    ("TARGET", target),
    ("LABEL", |v| at(v, "/label")),
    ("BY", |v| at(v, "/by")),
    ("STARTED", |v| time(v, "/createdAt")),
];

const LINES: &[Column] = &[
    ("AT", |v| time(v, "/at")),
    ("LEVEL", |v| at(v, "/level")),
    ("MESSAGE", |v| at(v, "/message")),
];

/// How often a run's log is asked for.
const PERIOD: Duration = Duration::from_millis(200);

fn target(run: &Value) -> String {
    if run["target"].is_object() {
        format!("{}/{}", at(run, "/target/blueprint"), at(run, "/target/identifier"))
    } else {
        String::new()
    }
}

fn people(run: &Value) -> String {
    fields(&[
        ("run", at(run, "/id")),
        ("state", at(run, "/state")),
        ("label", at(run, "/label")),
        ("integration", at(run, "/integration")),
        ("operation", at(run, "/operation")),
        ("target", target(run)),
        ("inputs", plain(&run["inputs"])),
        ("outputs", plain(&run["outputs"])),
        ("link", at(run, "/link")),
        ("by", at(run, "/by")),
        ("started", time(run, "/createdAt")),
        ("updated", time(run, "/updatedAt")),
    ])
}

impl Run {
    pub(crate) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        match self {
            Self::Start(start) => start.run(global, &client).await,
            Self::List(List { paging }) => {
                let shown = Shown {
                    columns: COLUMNS,
                    empty: "there are none; start one with `seawall run start`",
                };
                paging.list(global, &["runs"], Vec::new(), shown).await
            }
            Self::Show(show) => global.output().one(&client.get(&["runs", &show.id]).await?, people),
            Self::Log(log) if log.follow => end(global, &follow(&client, &log.id).await?),
            Self::Log(log) => {
                let lines = client.get(&["runs", &log.id, "log"]).await?;
                global.output().list(&lines, LINES, "it has said nothing")
            }
        }
    }
}

impl Start {
    async fn run(self, global: &Global, client: &Client) -> Result {
        let inputs = args::object(&self.inputs, None);
        let mut body = json!({"integration": self.integration, "operation": self.operation, "inputs": inputs});
        if let Some(target) = &self.target {
            let (blueprint, identifier) = args::reference(target)?;
            body["target"] = json!({"blueprint": blueprint, "identifier": identifier});
        }
        let headers: Vec<_> = self.key.map(|key| ("idempotency-key", key)).into_iter().collect();
        let run = client
            .send_with(reqwest::Method::POST, &["runs"], &[], Body::Json(body), &headers)
            .await?;
        if self.follow {
            return end(global, &follow(client, &at(&run, "/id")).await?);
        }
        global.output().one(&run, people)
    }
}

/// Prints lines on stderr as they come, until the run has ended; answers the run.
async fn follow(client: &Client, id: &str) -> Result<Value> {
    let mut after = 0;
    loop {
        // The state is asked for first, so that the last lines of a run that has ended are not missed.
        let run = client.get(&["runs", id]).await?;
        let lines = client
            .get_with(&["runs", id, "log"], &[("after", after.to_string())])
            .await?;
        for line in items(&lines) {
            after = line["line"].as_i64().unwrap_or(after);
            eprintln!(
                "{}  {:5}  {}",
                time(line, "/at"),
                at(line, "/level"),
                visible(&at(line, "/message"))
            );
        }
        if matches!(run["state"].as_str(), Some("succeeded" | "failed" | "cancelled")) {
            return Ok(run);
        }
        tokio::time::sleep(PERIOD).await;
    }
}

fn end(global: &Global, run: &Value) -> Result {
    global.output().one(run, people)?;
    if run["state"] == "succeeded" {
        Ok(())
    } else {
        Err(CliError::Unwell)
    }
}
