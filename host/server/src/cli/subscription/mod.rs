//! `seawall subscription …`.

mod add;
mod letters;

use crate::cli::{
    Global,
    client::{Body, Client},
    error::Result,
    output::{Column, Output, at, fields, plain, time},
};
use reqwest::Method;
use serde_json::Value;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Subscription {
    /// Tell somebody of changes by webhook
    Add(add::Add),
    /// List who is told of changes
    #[command(after_help = "Examples:\n  seawall subscription list\n  seawall subscription list -o json")]
    List,
    /// Show one and how it stands
    #[command(
        visible_alias = "get",
        after_help = "Examples:\n  seawall subscription show deploy-bot"
    )]
    Show(One),
    /// Send nothing until it is resumed
    #[command(after_help = "Examples:\n  seawall subscription pause deploy-bot")]
    Pause(One),
    /// Go on where it was paused
    #[command(after_help = "Examples:\n  seawall subscription resume deploy-bot")]
    Resume(One),
    /// Remove one with its messages
    #[command(after_help = "Examples:\n  seawall subscription remove deploy-bot")]
    Remove(One),
    /// Make a new secret; the one before signs for 24 hours more
    #[command(after_help = "Examples:\n  seawall subscription rotate deploy-bot")]
    Rotate(One),
    /// List messages that were not taken, or show one
    Dead(letters::Dead),
    /// Send dead messages again
    Retry(letters::Retry),
    /// Drop a dead message
    Drop(letters::Drop),
}

#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// Its name
    name: String,
}

const COLUMNS: &[Column] = &[
    ("NAME", |v| at(v, "/name")),
    ("URL", |v| at(v, "/url")),
    ("STATE", state),
    ("SENT", |v| at(v, "/sent")),
    ("WAITING", |v| at(v, "/waiting")),
    ("DEAD", |v| at(v, "/dead")),
    ("BEHIND", |v| at(v, "/behind")),
    ("LAST", |v| time(v, "/sentAt")),
    ("PROBLEM", |v| at(v, "/problem")),
];

fn state(subscription: &Value) -> String {
    let state = match (&subscription["paused"], &subscription["problem"]) {
        (Value::Bool(true), _) => "paused",
        (_, Value::Null) => "sending",
        _ => "failing",
    };
    state.to_owned()
}

fn people(subscription: &Value) -> String {
    fields(&[
        ("subscription", at(subscription, "/name")),
        ("url", at(subscription, "/url")),
        ("state", state(subscription)),
        ("problem", at(subscription, "/problem")),
        ("blueprints", plain(&subscription["blueprints"])),
        ("kinds", plain(&subscription["kinds"])),
        ("fields", plain(&subscription["fields"])),
        ("headers", plain(&subscription["headers"])),
        ("private ranges", plain(&subscription["privateRanges"])),
        ("position", at(subscription, "/position")),
        ("behind", at(subscription, "/behind")),
        ("sent", at(subscription, "/sent")),
        ("failed tries", at(subscription, "/failed")),
        ("waiting", at(subscription, "/waiting")),
        ("dead", at(subscription, "/dead")),
        ("lost", at(subscription, "/lost")),
        ("last sent", time(subscription, "/sentAt")),
        ("old secret until", time(subscription, "/previousSecretUntil")),
        ("secret", at(subscription, "/secret")),
    ])
}

/// Prints a subscription; a secret is there this once.
fn show(output: Output, answer: &Value) -> Result {
    if answer["secret"].is_string() {
        eprintln!("the secret is not shown again: give it to the receiver now");
    }
    output.one(answer, people)
}

impl Subscription {
    pub(crate) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let post = async |one: One, verb: &str| {
            let path = ["subscriptions", one.name.as_str(), verb];
            let answer = client.post(&path, Body::Nothing).await?;
            show(global.output(), &answer)
        };
        match self {
            Self::Add(add) => add.run(global, &client).await,
            Self::List => {
                let answer = client.get(&["subscriptions"]).await?;
                let empty = "nobody is told; `seawall subscription add NAME URL` adds one";
                global.output().list(&answer, COLUMNS, empty)
            }
            Self::Show(one) => show(global.output(), &client.get(&["subscriptions", &one.name]).await?),
            Self::Pause(one) => post(one, "pause").await,
            Self::Resume(one) => post(one, "resume").await,
            Self::Rotate(one) => post(one, "rotate").await,
            Self::Remove(one) => {
                let path = ["subscriptions", one.name.as_str()];
                client.send(Method::DELETE, &path, &[], Body::Nothing).await?;
                eprintln!("subscription {} is gone", one.name);
                Ok(())
            }
            Self::Dead(dead) => dead.run(global, &client).await,
            Self::Retry(retry) => retry.run(global, &client).await,
            Self::Drop(drop) => drop.run(&client).await,
        }
    }
}
