//! `seawall admin …`.

use crate::cli::{
    Global,
    client::{Body, Client},
    error::Result,
};
use serde_json::json;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Admin {
    /// Make a new master key and seal every secret under it, while the server answers
    RotateMasterKey(RotateMasterKey),
    /// Show or change what holds for the whole server
    Setting(Setting),
}

/// Makes a new master key and puts every sealed secret under it. The secrets themselves stay; nothing stops or waits. Copies of
/// the database from before need the old key: keep `master.key` with each
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall admin rotate-master-key")]
pub(crate) struct RotateMasterKey {}

/// Shows a setting, or sets it. There is `definitions.locked`: whether what was applied from git is read-only elsewhere
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall admin setting definitions.locked
  seawall admin setting definitions.locked false")]
pub(crate) struct Setting {
    /// Its name
    name: String,
    /// Its new value; left out: it is shown
    value: Option<bool>,
}

impl Setting {
    async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let path = ["settings", self.name.as_str()];
        let answer = match self.value {
            Some(value) => client.put(&path, json!({"value": value})).await?,
            None => client.get(&path).await?,
        };
        global.output().one(&answer, |answer| answer["value"].to_string())
    }
}

impl Admin {
    pub(crate) async fn run(self, global: &Global) -> Result {
        match self {
            Self::RotateMasterKey(rotate) => rotate.run(global).await,
            Self::Setting(setting) => setting.run(global).await,
        }
    }
}

impl RotateMasterKey {
    async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        client.post(&["master-key", "rotate"], Body::Nothing).await?;
        eprintln!("every sealed secret is under a new master key");
        match global.output().is_table() {
            true => Ok(()),
            false => global.output().data(&json!({"rotated": true})),
        }
    }
}
