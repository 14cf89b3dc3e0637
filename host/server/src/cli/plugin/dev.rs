//! `seawall plugin dev`.

use super::{
    report,
    setting::{Setting, invalid, load, runtime},
    watch::Snapshot,
};
use crate::cli::{
    Global,
    error::{CliError, Result},
};
use seawall_engine::{Checkouts, Preview, preview};
use seawall_runtime::Runtime;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Builds a plugin, pulls one page of each kind from the real tool, and shows items, mapped entities, what mapping and
/// schema did not let through, log lines, and each refused request with the manifest's lines that would allow it; again
/// on every save. Nothing is stored, and no server is needed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall plugin dev inventory --config base_url=http://127.0.0.1:8080
  seawall plugin dev plugins/unleash --config-file dev.yaml --secret token=UNLEASH_TOKEN --kind feature-flag
  seawall plugin dev inventory --config base_url=http://10.2.3.4 --allow-private 10.2.0.0/16 --once

All that the manifest asks for is taken as granted. Loopback may be reached; other private addresses need --allow-private.
Ctrl-C ends it. With --once the exit code is 1 where a kind could not be pulled.")]
pub(crate) struct Dev {
    #[command(flatten)]
    setting: Setting,
    /// Only this kind
    #[arg(long)]
    kind: Option<String>,
    /// Pull once and end
    #[arg(long)]
    once: bool,
}

/// What a program ends with that was interrupted, as shells have it.
const INTERRUPTED: i32 = 130;

enum Ended {
    Done,
    /// By Ctrl-C.
    Stopped,
}

impl Dev {
    pub(super) async fn run(self, global: &Global) -> Result {
        let runtime = runtime(self.setting.wasi)?;
        let stop = CancellationToken::new();
        tokio::spawn({
            let stop = stop.clone();
            async move { tokio::signal::ctrl_c().await.map(|()| stop.cancel()) }
        });
        let ended = tokio::select! {
            ended = self.turns(global, &runtime, &stop) => ended?,
            () = stop.cancelled() => Ended::Stopped,
        };
        match ended {
            Ended::Done => Ok(()),
            // Not by returning: that would wait for a component that is being compiled.
            Ended::Stopped => std::process::exit(if self.once { INTERRUPTED } else { 0 }),
        }
    }

    async fn turns(&self, global: &Global, runtime: &Runtime, stop: &CancellationToken) -> Result<Ended> {
        let mut files = Snapshot::of(&self.setting.dir);
        // What was fetched is there for the next save too, and gone with this command.
        let folder = tempfile::tempdir()?;
        let checkouts = Checkouts::open(folder.path().to_owned()).map_err(|e| CliError::Failed(e.to_string()))?;
        let checkouts = Arc::new(checkouts);
        loop {
            let outcome = self.turn(global, runtime, &checkouts).await;
            // The terminal has told the build's programs too, so what they say of their end is of no interest.
            if stop.is_cancelled() {
                return Ok(Ended::Stopped);
            }
            if self.once {
                return outcome.map(|()| Ended::Done);
            }
            if let Err(error) = outcome {
                error.print();
            }
            eprintln!("\nwaiting for a save in {} (Ctrl-C ends)", self.setting.dir.display());
            let (path, now) = files.changed(&self.setting.dir).await;
            eprintln!("{} was saved", path.display());
            files = now;
        }
    }

    async fn turn(&self, global: &Global, runtime: &Runtime, checkouts: &Arc<Checkouts>) -> Result {
        self.setting.check_early()?;
        let plugin = load(runtime, &self.setting.dir, None).await?;
        let config = self.setting.config(&plugin.bundle().manifest)?;
        let mut request = self.setting.request(plugin, &config, self.kind.clone())?;
        request.checkouts = Some(checkouts.clone());
        let previews = preview(&request).await.map_err(invalid)?;
        show(global, &previews)?;
        if previews.iter().any(|p| p.error.is_some()) {
            Err(CliError::Unwell)
        } else {
            Ok(())
        }
    }
}

fn show(global: &Global, previews: &[Preview]) -> Result {
    if !global.output().is_table() {
        return global.output().data(&report::data(previews));
    }
    if previews.is_empty() {
        eprintln!("the plugin lists no kinds: there is nothing to pull");
    }
    for preview in previews {
        global.output().text(&format!("{}\n", report::text(preview)))?;
    }
    Ok(())
}
