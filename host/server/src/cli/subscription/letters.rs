//! `seawall subscription dead`, `retry` and `drop`.

use crate::cli::{
    Global,
    client::{Body, Client},
    error::Result,
    output::{Column, at, fields, items, time},
    paging::{Paging, Shown},
};
use reqwest::Method;
use serde_json::{Value, json};

/// Lists messages of a subscription that wait for a person, newest first, or shows one with its body
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall subscription dead deploy-bot
  seawall subscription dead deploy-bot --waiting         those that are sent again by themselves
  seawall subscription dead deploy-bot 12 -o json | jq .payload")]
pub(crate) struct Dead {
    /// The subscription
    name: String,
    /// The message's number
    id: Option<i64>,
    /// Those that are sent again by themselves instead
    #[arg(long, conflicts_with = "id")]
    waiting: bool,
    #[command(flatten)]
    paging: Paging,
}

/// Lets dead messages be sent again, from their first try
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  seawall subscription retry deploy-bot 12\n  seawall subscription retry deploy-bot --all"
)]
pub(crate) struct Retry {
    /// The subscription
    name: String,
    /// The message's number, as `subscription dead` shows it
    #[arg(required_unless_present = "all")]
    id: Option<i64>,
    /// All that are dead, the oldest first
    #[arg(long, conflicts_with = "id")]
    all: bool,
}

/// Drops a dead message: it is never sent
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall subscription drop deploy-bot 12")]
pub(crate) struct Drop {
    /// The subscription
    name: String,
    /// The message's number, as `subscription dead` shows it
    id: i64,
}

const COLUMNS: &[Column] = &[
    ("ID", |v| at(v, "/id")),
    ("CHANGE", |v| at(v, "/position")),
    ("ENTITY", |v| at(v, "/entity")),
    ("STATE", |v| at(v, "/state")),
    ("TRIES", |v| at(v, "/attempts")),
    ("TRIED", |v| time(v, "/triedAt")),
    ("AGAIN", |v| time(v, "/dueAt")),
    ("ERROR", |v| at(v, "/error")),
];

fn people(letter: &Value) -> String {
    let payload = serde_json::to_string_pretty(&letter["payload"]).unwrap_or_default();
    fields(&[
        ("message", at(letter, "/id")),
        ("change", at(letter, "/position")),
        ("entity", at(letter, "/entity")),
        ("state", at(letter, "/state")),
        ("tries", at(letter, "/attempts")),
        ("tried", time(letter, "/triedAt")),
        ("sent again", time(letter, "/dueAt")),
        ("status", at(letter, "/status")),
        ("error", at(letter, "/error")),
        ("payload", payload),
    ])
}

impl Dead {
    pub(super) async fn run(self, global: &Global, client: &Client) -> Result {
        if let Some(id) = self.id {
            let path = ["subscriptions", &self.name, "letters", &id.to_string()];
            return global.output().one(&client.get(&path).await?, people);
        }
        let state = if self.waiting { "waiting" } else { "dead" };
        let shown = Shown {
            columns: COLUMNS,
            empty: "there are none",
        };
        let path = ["subscriptions", &self.name, "letters"];
        self.paging
            .list(global, &path, vec![("state", state.to_owned())], shown)
            .await
    }
}

impl Retry {
    pub(super) async fn run(self, global: &Global, client: &Client) -> Result {
        if let Some(id) = self.id {
            let path = ["subscriptions", &self.name, "letters", &id.to_string(), "retry"];
            return global.output().one(&client.post(&path, Body::Nothing).await?, people);
        }
        let query = [("state", "dead".to_owned())];
        let all = client.all(&["subscriptions", &self.name, "letters"], &query).await?;
        // The newest come first, and those of one entity are sent in order.
        for letter in items(&all).iter().rev() {
            let path = ["subscriptions", &self.name, "letters", &at(letter, "/id"), "retry"];
            client.post(&path, Body::Nothing).await?;
        }
        let count = items(&all).len();
        global.output().one(&json!({"retried": count}), |_| {
            format!("{count} messages are sent again")
        })
    }
}

impl Drop {
    pub(super) async fn run(self, client: &Client) -> Result {
        let path = ["subscriptions", &self.name, "letters", &self.id.to_string()];
        client.send(Method::DELETE, &path, &[], Body::Nothing).await?;
        eprintln!("message {} is dropped", self.id);
        Ok(())
    }
}
