//! `seawall credential check`.

use super::COLUMNS;
use crate::cli::{
    Global,
    client::{Body, Client},
    error::Result,
    output::table,
};

/// Reads a credential's secret and exchanges it, as the next request would. Nothing secret is shown. Exit code 1 where it
/// does not work
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall credential check acme-oauth")]
pub(crate) struct Check {
    /// Its name
    name: String,
}

impl Check {
    pub(super) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let view = client
            .post(&["credentials", &self.name, "check"], Body::Nothing)
            .await?;
        global
            .output()
            .one(&view, |view| table(std::slice::from_ref(view), COLUMNS))
    }
}
