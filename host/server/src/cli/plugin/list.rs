//! `seawall plugin list`.

use crate::cli::{
    Global,
    client::Client,
    error::Result,
    output::{Column, at, bytes, short_digest, time},
};
use seawall_domain::provenance::FILE;
use serde_json::Value;

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
    ("SIGNED BY", |v| at(v, "/signedBy")),
    ("SOURCE", source),
    ("REFUSED", |v| at(v, "/refused")),
    ("ROLES", |v| at(v, "/roles")),
    ("DIGEST", |v| short_digest(v, "/digest")),
    ("SIZE", |v| bytes(v, "/size")),
    ("INSTALLED", |v| time(v, "/installedAt")),
];

/// Where it came from, without the digest, which is long; nothing where all came from files.
fn source(plugin: &Value) -> String {
    let source = at(plugin, "/source");
    let source = source.split('@').next().unwrap_or_default();
    if source == FILE {
        String::new()
    } else {
        source.to_owned()
    }
}

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
