//! `seawall plugin remove`.

use crate::cli::{
    Global,
    client::{Body, Client},
    error::Result,
};
use reqwest::Method;
use serde_json::json;

/// Removes a version of a plugin that no integration runs. Its grant is revoked; decisions and records stay
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall plugin remove unleash@1.1.0
  seawall plugin remove sha256:… --reason \"was a trial\"")]
pub(crate) struct Remove {
    /// name@version, digest, or a name: its newest version
    plugin: String,
    /// Why, for those who look later
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Remove {
    pub(super) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let mut query = Vec::new();
        query.extend(self.reason.map(|reason| ("reason", reason)));
        query.extend(client.by().map(|by| ("by", by.to_owned())));
        client
            .send(Method::DELETE, &["plugins", &self.plugin], &query, Body::Nothing)
            .await?;
        eprintln!("{} is gone", self.plugin);
        match global.output().is_table() {
            true => Ok(()),
            false => global.output().data(&json!({"removed": self.plugin})),
        }
    }
}
