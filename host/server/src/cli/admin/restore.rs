//! `seawall admin restore`.

use super::tables::{Bar, print};
use crate::{
    cli::{
        Global,
        args::Database,
        client::data_folder,
        error::{CliError, Result},
    },
    serve,
};
use std::path::PathBuf;

/// Brings a backup back into an empty database: a new file, or a database of PostgreSQL's without rows. The backup stays as it is,
/// and may be of an older Seawall
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall admin restore seawall-2026-06-01.db --data ./new
  SEAWALL_DATABASE=postgres://seawall:PASSWORD@db.example/seawall seawall admin restore seawall-2026-06-01.db")]
pub(crate) struct Restore {
    /// What `seawall admin backup` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    database: Database,
    /// The data folder [default: as for `seawall serve`]
    #[arg(long, env = "SEAWALL_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Restore {
    pub(super) async fn run(self, global: &Global) -> Result {
        let database = serve::database(self.database.given()?, &data_folder(self.data));
        let mut bar = Bar::new();
        let copied = seawall_store::restore(&self.file, &database, |progress| bar.show(progress)).await;
        bar.end();
        let copied = copied.map_err(|e| CliError::Failed(e.to_string()))?;
        eprintln!("{database} has what {} had", self.file.display());
        print(global, &copied)
    }
}
