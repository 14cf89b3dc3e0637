//! `seawall credential remove`.

use crate::cli::{
    Global,
    client::{Body, Client},
    error::Result,
};
use reqwest::Method;
use serde_json::json;

/// Removes a credential that nothing uses, with its secret where it is sealed
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall credential remove unleash-token")]
pub(crate) struct Remove {
    /// Its name
    name: String,
}

impl Remove {
    pub(super) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        client
            .send(Method::DELETE, &["credentials", &self.name], &[], Body::Nothing)
            .await?;
        eprintln!("credential {} is gone", self.name);
        match global.output().is_table() {
            true => Ok(()),
            false => global.output().data(&json!({"name": self.name})),
        }
    }
}
