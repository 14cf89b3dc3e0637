//! `seawall plugin list`.

use crate::cli::{
    Global,
    client::Client,
    error::Result,
    output::{Column, at, bytes, short_digest, time},
};

/// Lists installed plugins, newest first
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  seawall plugin list\n  seawall plugin list -o json | jq '.items[] | select(.status == \"awaiting-grant\")'"
)]
pub(crate) struct List {}

const COLUMNS: &[Column] = &[
    ("NAME", |v| at(v, "/name")),
    ("VERSION", |v| at(v, "/version")),
    ("STATUS", |v| at(v, "/status")),
    ("IN FORCE", |v| {
        if v["inForce"] == true {
            "yes".into()
        } else {
            String::new()
        }
    }),
    ("ROLES", |v| at(v, "/roles")),
    ("DIGEST", |v| short_digest(v, "/digest")),
    ("SIZE", |v| bytes(v, "/size")),
    ("INSTALLED", |v| time(v, "/installedAt")),
];

impl List {
    pub(super) async fn run(self, global: &Global) -> Result {
        let all = Client::new(global)?.all(&["plugins"], &[]).await?;
        global.output().list(
            &all,
            COLUMNS,
            "there are none; install one with `seawall plugin install FILE.wasm`",
        )
    }
}
