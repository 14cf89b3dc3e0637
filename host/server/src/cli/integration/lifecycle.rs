//! `seawall integration pause|resume|cancel`.

use crate::cli::{
    Global,
    client::{Body, Client},
    error::Result,
};

/// Starts no passes until it is resumed; a running one goes on from its cursor then
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall integration pause prometheus-main")]
pub(crate) struct Pause {
    /// The integration
    name: String,
}

/// Goes on after a pause
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall integration resume prometheus-main")]
pub(crate) struct Resume {
    /// The integration
    name: String,
}

/// Ends the running passes. What their pages brought stays, nothing is removed, the next pass starts by schedule
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall integration cancel prometheus-main")]
pub(crate) struct Cancel {
    /// The integration
    name: String,
}

async fn tell(global: &Global, name: &str, what: &str, done: &str) -> Result {
    let client = Client::new(global)?;
    client.post(&["integrations", name, what], Body::Nothing).await?;
    super::done(global, &client, name, &format!("{name} {done}")).await
}

impl Pause {
    pub(super) async fn run(self, global: &Global) -> Result {
        tell(global, &self.name, "pause", "is paused").await
    }
}

impl Resume {
    pub(super) async fn run(self, global: &Global) -> Result {
        tell(global, &self.name, "resume", "goes on").await
    }
}

impl Cancel {
    pub(super) async fn run(self, global: &Global) -> Result {
        tell(global, &self.name, "cancel", "ends its running passes").await
    }
}
