//! `seawall admin copy`.

use super::tables::{Bar, print};
use crate::cli::{
    Global,
    args::database,
    error::{CliError, Result},
};

/// Copies a database into an empty one, and compares both row by row. What is copied is one moment, whatever a server writes
/// meanwhile: to move, stop the server before. Sealed secrets stay under their master key; plugins' files are in the data folder
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall admin copy --from sqlite:data/seawall.db --to postgres://seawall:PASSWORD@db.example/seawall
  seawall admin copy --from postgres://seawall:PASSWORD@db.example/seawall --to sqlite:data/seawall.db")]
pub(crate) struct Copy {
    /// The database to read: sqlite:FILE, or postgres://USER:PASSWORD@HOST:5432/DATABASE
    #[arg(long, env = "SEAWALL_COPY_FROM", hide_env_values = true, value_name = "URL")]
    from: String,
    /// The empty database to fill
    #[arg(long, env = "SEAWALL_COPY_TO", hide_env_values = true, value_name = "URL")]
    to: String,
}

impl Copy {
    pub(super) async fn run(self, global: &Global) -> Result {
        let (from, to) = (database(&self.from)?, database(&self.to)?);
        let mut bar = Bar::new();
        let copied = seawall_store::copy(&from, &to, |progress| bar.show(progress)).await;
        bar.end();
        let copied = copied.map_err(|e| CliError::Failed(e.to_string()))?;
        eprintln!("copied {from} to {to}; both are the same");
        print(global, &copied)
    }
}
