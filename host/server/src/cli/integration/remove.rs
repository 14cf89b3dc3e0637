//! `seawall integration remove`.

use crate::cli::{
    Global,
    ask::confirmed,
    client::{Body, Client},
    error::{CliError, Result},
    follow::style,
    output::at,
};
use indicatif::ProgressBar;
use reqwest::Method;
use std::time::Duration;

/// Removes an integration with its partitions, its passes and the entities that only it gives. Entities that others give
/// too stay, as do egress records, runs and credentials
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall integration remove github-main           says what goes, and asks
  seawall integration remove github-main --yes     does not ask; for scripts")]
pub(crate) struct Remove {
    /// The integration
    name: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Remove {
    pub(super) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let path = ["integrations", self.name.as_str()];
        let view = client.get(&path).await?;
        let what = format!(
            "{} with its {} items, and the entities that only it gives",
            self.name,
            at(&view, "/items"),
        );
        if !self.yes && !confirmed(&format!("remove {what}?"), "to remove it without asking")? {
            return Err(CliError::Failed("nothing was removed".into()));
        }
        let bar = ProgressBar::new_spinner().with_style(style("{spinner} {msg}"));
        bar.set_message(format!("removing {what}"));
        bar.enable_steady_tick(Duration::from_millis(100));
        let removed = client.send(Method::DELETE, &path, &[], Body::Nothing).await;
        bar.finish_and_clear();
        removed?;
        eprintln!("{} is removed", self.name);
        Ok(())
    }
}
