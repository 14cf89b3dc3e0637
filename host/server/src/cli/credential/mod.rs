//! `seawall credential …`.

mod add;
mod check;
mod remove;
mod set;

use crate::cli::{
    Global,
    client::Client,
    error::Result,
    output::{Column, at, time},
};
use serde_json::Value;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Credential {
    /// Create or replace credentials from a file: tokens of OAuth and GitHub Apps, AWS keys, client certificates, OpenBao
    Add(add::Add),
    /// Create or replace a credential, or its secret alone
    Set(set::Set),
    /// List credentials, never their secrets
    List(List),
    /// Read a credential's secret and exchange it, as the next request would
    Check(check::Check),
    /// Remove a credential that nothing uses
    Remove(remove::Remove),
}

/// Lists credentials, where their secrets come from, what is made of them, and what uses them
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall credential list")]
pub(crate) struct List {}

/// The columns of credentials.
const COLUMNS: &[Column] = &[
    ("NAME", |v| at(v, "/name")),
    ("SOURCE", source),
    ("EXCHANGE", |v| keys(&v["exchange"])),
    ("ENDS IN", |v| match v["endsInSeconds"].as_u64() {
        Some(seconds) => format!("{seconds} s"),
        None => String::new(),
    }),
    ("USED BY", |v| at(v, "/usedBy")),
    ("CHANGED", |v| time(v, "/updatedAt")),
    ("ERROR", |v| at(v, "/error")),
];

fn source(credential: &Value) -> String {
    match &credential["source"] {
        Value::Object(source) => source
            .iter()
            .map(|(kind, of)| match of.as_str() {
                Some(of) => format!("{kind} {of}"),
                None => format!("{kind} {} {}", at(of, "/path"), at(of, "/field")),
            })
            .collect(),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

fn keys(object: &Value) -> String {
    let keys = object.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
    keys.collect::<Vec<_>>().join(", ")
}

impl Credential {
    pub(crate) async fn run(self, global: &Global) -> Result {
        match self {
            Self::Add(add) => add.run(global).await,
            Self::Set(set) => set.run(global).await,
            Self::Check(check) => check.run(global).await,
            Self::Remove(remove) => remove.run(global).await,
            Self::List(_) => {
                let all = Client::new(global)?.all(&["credentials"], &[]).await?;
                global
                    .output()
                    .list(&all, COLUMNS, "there are none; make one with `seawall credential set`")
            }
        }
    }
}
