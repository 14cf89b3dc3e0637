//! `seawall admin setting`.

use crate::cli::{Global, client::Client, error::Result};
use serde_json::json;

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
    pub(super) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let path = ["settings", self.name.as_str()];
        let answer = match self.value {
            Some(value) => client.put(&path, json!({"value": value})).await?,
            None => client.get(&path).await?,
        };
        global.output().one(&answer, |answer| answer["value"].to_string())
    }
}
