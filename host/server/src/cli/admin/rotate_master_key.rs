//! `seawall admin rotate-master-key`.

use crate::cli::{
    Global,
    client::{Body, Client},
    error::Result,
};
use serde_json::json;

/// Makes a new master key and puts every sealed secret under it. The secrets themselves stay; nothing stops or waits. Copies of
/// the database from before need the old key: keep `master.key` with each
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall admin rotate-master-key")]
pub(crate) struct RotateMasterKey {}

impl RotateMasterKey {
    pub(super) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        client.post(&["master-key", "rotate"], Body::Nothing).await?;
        eprintln!("every sealed secret is under a new master key");
        match global.output().is_table() {
            true => Ok(()),
            false => global.output().data(&json!({"rotated": true})),
        }
    }
}
