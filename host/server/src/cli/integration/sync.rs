//! `seawall integration sync`.

use crate::cli::{
    Global,
    client::{Body, Client},
    error::Result,
    follow::{Mark, PASSES, follow, verdict},
};

/// Starts a pass of every partition now, whatever the schedule says. One that runs already goes on, and another one follows it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall integration sync prometheus-main
  seawall integration sync prometheus-main --follow      show items, rates and pages until all passes have ended
  seawall integration sync prometheus-main --follow -o json | jq '.items[].counts'

With --follow the exit code is 1 where a pass failed or waits for a person.")]
pub(crate) struct Sync {
    /// The integration
    name: String,
    /// Wait for the end, with progress
    #[arg(short, long)]
    follow: bool,
}

impl Sync {
    pub(super) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let mark = Mark::of(&client, &self.name).await?;
        client
            .post(&["integrations", &self.name, "sync"], Body::Nothing)
            .await?;
        if !self.follow {
            let name = &self.name;
            let words = format!("{name} starts its passes; watch them with `seawall integration status {name}`");
            return super::done(global, &client, name, &words).await;
        }
        let followed = follow(&client, &self.name, &mark).await?;
        if followed.problem.is_none() || !followed.passes.is_empty() {
            global.output().list(
                &followed.answer(),
                PASSES,
                "it has no partitions: there is nothing to list",
            )?;
        }
        verdict(&self.name, &followed)
    }
}
