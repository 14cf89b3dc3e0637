//! `seawall integration show|status`.

use crate::cli::{
    Global,
    client::Client,
    error::{CliError, Result},
    follow::PASSES,
    output::{self, Column, at, fields, short_digest, table, time},
};
use serde_json::Value;

/// Shows one integration with its config, its credentials' names, its partitions and its newest passes
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  seawall integration show prometheus-main\n  seawall integration show prometheus-main -o yaml"
)]
pub(crate) struct Show {
    /// The integration
    name: String,
}

/// Shows how an integration's passes stand. Exit code 1 where it fails, is stopped, or waits for a person
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  seawall integration status prometheus-main\n  seawall integration status prometheus-main >/dev/null || alert"
)]
pub(crate) struct Status {
    /// The integration
    name: String,
}

const PARTITIONS: &[Column] = &[
    ("KIND", |v| at(v, "/kind")),
    ("PARTITION", |v| at(v, "/name")),
    ("ITEMS", |v| at(v, "/items")),
    ("DUE", |v| time(v, "/due")),
    ("LISTED", |v| {
        if v["gone"] == true { "no longer" } else { "" }.to_owned()
    }),
];

fn head(view: &Value) -> String {
    fields(&[
        ("name", at(view, "/name")),
        ("plugin", at(view, "/plugin")),
        ("digest", short_digest(view, "/definition/digest")),
        ("state", at(view, "/state")),
        ("problem", at(view, "/problem")),
        ("every", format!("{} seconds", at(view, "/everySeconds"))),
    ])
}

/// `token = unleash-token` for each credential of the plugin's.
fn credentials(view: &Value) -> String {
    let all = view["definition"]["credentials"].as_object().into_iter().flatten();
    all.map(|(own, used)| format!("{own} = {}", output::plain(used)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Its newest passes. An open one of a paused integration waits at its cursor, which is no running.
fn passes(view: &Value) -> Vec<Value> {
    let mut passes = list(view, "passes").to_vec();
    let open = passes.iter_mut().filter(|pass| pass["state"] == "running");
    for pass in open.filter(|_| view["paused"] == true) {
        pass["state"] = "paused".into();
    }
    passes
}

fn list<'a>(view: &'a Value, name: &str) -> &'a [Value] {
    view[name].as_array().map_or(&[][..], Vec::as_slice)
}

impl Show {
    pub(super) async fn run(self, global: &Global) -> Result {
        let view = Client::new(global)?.get(&["integrations", &self.name]).await?;
        global.output().one(&view, |view| {
            let config = serde_saphyr::to_string(&view["definition"]["config"]).unwrap_or_default();
            let more = fields(&[
                ("credentials", credentials(view)),
                ("config", config.trim_end().to_owned()),
            ]);
            format!(
                "{}\n{more}\n\n{}\n\n{}",
                head(view),
                table(list(view, "slices"), PARTITIONS),
                table(&passes(view), PASSES)
            )
        })
    }
}

impl Status {
    pub(super) async fn run(self, global: &Global) -> Result {
        let view = Client::new(global)?.get(&["integrations", &self.name]).await?;
        global.output().one(&view, |view| {
            format!("{}\n\n{}", head(view), table(&passes(view), PASSES))
        })?;
        match view["state"].as_str() {
            Some("failing" | "stopped" | "held") => Err(CliError::Unwell),
            _ => Ok(()),
        }
    }
}
