//! `seawall plugin rollback`.

use crate::cli::{
    Global,
    client::{Body, Client},
    error::Result,
    grant,
};
use serde_json::json;

/// Puts another granted version of a plugin in force, on the terms that it was granted on: the one that was granted last before
/// the one that is. Calls in flight end on the version that they began with; integrations that pin a version keep it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall plugin rollback unleash --reason \"flags went missing\"
  seawall plugin rollback unleash --to unleash@1.2.0")]
pub(crate) struct Rollback {
    /// The plugin
    plugin: String,
    /// This version: name@version, or digest
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// Why, for those who look later
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Rollback {
    pub(super) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let by = client.by().map(str::to_owned);
        let mut body = json!({});
        for (name, value) in [("to", self.to), ("reason", self.reason), ("by", by)] {
            if let Some(value) = value {
                body[name] = value.into();
            }
        }
        let plugin = client
            .post(&["plugins", &self.plugin, "rollback"], Body::Json(body))
            .await?;
        global.output().one(&plugin, |plugin| grant::people(&plugin["grant"]))
    }
}
