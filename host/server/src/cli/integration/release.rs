//! `seawall integration release`.

use crate::cli::{
    Global,
    client::{Body, Client},
    error::Result,
};
use serde_json::json;

/// Decides about a pass that would remove many items at once and waits for a person
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall integration release github-main 812            remove what the pass no longer lists
  seawall integration release github-main 812 --keep     keep it; the next pass asks again if it is still gone")]
pub(crate) struct Release {
    /// The integration
    name: String,
    /// The pass's id, as `seawall integration show` gives it
    pass: i64,
    /// Remove nothing
    #[arg(long)]
    keep: bool,
}

impl Release {
    pub(super) async fn run(self, global: &Global) -> Result {
        let pass = self.pass.to_string();
        let body = Body::Json(json!({"remove": !self.keep}));
        let client = Client::new(global)?;
        client
            .post(&["integrations", &self.name, "passes", &pass, "release"], body)
            .await?;
        let what = if self.keep { "kept" } else { "removed" };
        let words = format!("pass {pass}: what it no longer lists is {what}");
        super::done(global, &client, &self.name, &words).await
    }
}
