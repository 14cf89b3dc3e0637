//! `seawall integration list`.

use crate::cli::{
    Global,
    client::Client,
    error::Result,
    output::{Column, at, time},
};

/// Lists integrations and how they stand
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  seawall integration list\n  seawall integration list -o json | jq -r '.items[] | select(.state == \"failing\") | .name'"
)]
pub(crate) struct List {}

const COLUMNS: &[Column] = &[
    ("NAME", |v| at(v, "/name")),
    ("PLUGIN", |v| at(v, "/plugin")),
    ("STATE", |v| at(v, "/state")),
    ("PARTITIONS", |v| at(v, "/partitions")),
    ("ITEMS", |v| at(v, "/items")),
    ("EVERY", |v| format!("{}s", at(v, "/everySeconds"))),
    ("LAST PASS", |v| time(v, "/lastPassAt")),
    ("PROBLEM", |v| at(v, "/problem")),
];

impl List {
    pub(super) async fn run(self, global: &Global) -> Result {
        let all = Client::new(global)?.all(&["integrations"], &[]).await?;
        global.output().list(
            &all,
            COLUMNS,
            "there are none; add one with `seawall integration add FILE.yaml`",
        )
    }
}
