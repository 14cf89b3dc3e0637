//! `seawall delivery …`.

use crate::cli::{
    Global, args,
    client::{Body, Client},
    error::Result,
    output::{Column, at, fields, time},
    paging::{Paging, Shown},
};
use reqwest::Method;
use serde_json::Value;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Delivery {
    /// List what tools sent by webhook
    List(List),
    /// Show a delivery as it came
    #[command(
        after_help = "Examples:\n  seawall delivery show 12\n  seawall delivery show 12 -o json | jq -r .text | jq"
    )]
    Show(One),
    /// Let a dead delivery be tried again
    #[command(after_help = "Examples:\n  seawall delivery retry 12")]
    Retry(One),
    /// Give up a delivery that is dead or waits
    #[command(after_help = "Examples:\n  seawall delivery drop 12")]
    Drop(One),
}

/// Lists what tools sent by webhook, newest first. Those that were done or dropped are known for a week, without their bodies
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall delivery list --state dead
  seawall delivery list --integration github-main --limit 1000 -o json")]
pub(crate) struct List {
    /// Only of this integration
    #[arg(long, value_name = "NAME")]
    integration: Option<String>,
    /// Only those that stand so
    #[arg(long, value_parser = ["waiting", "done", "dead", "dropped"])]
    state: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// The delivery's number, as `delivery list` shows it
    #[arg(value_parser = args::number)]
    id: i64,
}

const COLUMNS: &[Column] = &[
    ("ID", |v| at(v, "/id")),
    ("RECEIVED", |v| time(v, "/receivedAt")),
    ("INTEGRATION", |v| at(v, "/integration")),
    ("STATE", |v| at(v, "/state")),
    ("ATTEMPTS", |v| at(v, "/attempts")),
    ("BYTES", |v| at(v, "/bytes")),
    ("ERROR", |v| at(v, "/error")),
];

impl Delivery {
    pub(crate) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let one = |one: One| one.id.to_string();
        let answer = match self {
            Self::List(list) => return list.run(global).await,
            Self::Show(delivery) => client.get(&["deliveries", &one(delivery)]).await?,
            Self::Retry(delivery) => {
                client
                    .post(&["deliveries", &one(delivery), "retry"], Body::Nothing)
                    .await?
            }
            Self::Drop(delivery) => {
                let path = ["deliveries", &one(delivery)];
                client.send(Method::DELETE, &path, &[], Body::Nothing).await?
            }
        };
        global.output().one(&answer, people)
    }
}

impl List {
    async fn run(self, global: &Global) -> Result {
        let mut query = Vec::new();
        query.extend(self.integration.map(|name| ("integration", name)));
        query.extend(self.state.map(|state| ("state", state)));
        let shown = Shown {
            columns: COLUMNS,
            empty: "no tool has sent such a delivery",
        };
        self.paging.list(global, &["deliveries"], query, shown).await
    }
}

fn people(delivery: &Value) -> String {
    let headers = delivery["headers"].as_array().into_iter().flatten();
    let headers: Vec<_> = headers
        .map(|pair| format!("{}: {}", at(pair, "/0"), at(pair, "/1")))
        .collect();
    let body = match delivery["base64"].as_str() {
        Some(base64) => format!("(base64) {base64}"),
        None => at(delivery, "/text"),
    };
    fields(&[
        ("delivery", at(delivery, "/id")),
        ("integration", at(delivery, "/integration")),
        ("state", at(delivery, "/state")),
        ("received", time(delivery, "/receivedAt")),
        ("attempts", at(delivery, "/attempts")),
        ("tried again", time(delivery, "/dueAt")),
        ("ended", time(delivery, "/endedAt")),
        ("error", at(delivery, "/error")),
        ("key", at(delivery, "/key")),
        ("headers", headers.join("\n")),
        ("body", body),
    ])
}
