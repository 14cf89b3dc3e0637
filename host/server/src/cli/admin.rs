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
}

/// Makes a new master key and puts every sealed secret under it. The secrets themselves stay; nothing stops or waits. Copies of
/// the database from before need the old key: keep `master.key` with each
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall admin rotate-master-key")]
pub(crate) struct RotateMasterKey {}

impl Admin {
    pub(crate) async fn run(self, global: &Global) -> Result {
        let Self::RotateMasterKey(_) = self;
        let client = Client::new(global)?;
        client.post(&["master-key", "rotate"], Body::Nothing).await?;
        eprintln!("every sealed secret is under a new master key");
        match global.output().is_table() {
            true => Ok(()),
            false => global.output().data(&json!({"rotated": true})),
        }
    }
}
