//! `seawall admin backup`.

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

/// Writes a copy of the database to a new file, which is an SQLite database whatever is copied. The server may answer meanwhile:
/// the copy is one moment. Keep `master.key` and `plugins` of the data folder with it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall admin backup seawall-2026-06-01.db
  SEAWALL_DATABASE=postgres://seawall:PASSWORD@db.example/seawall seawall admin backup seawall-2026-06-01.db")]
pub(crate) struct Backup {
    /// The new file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    database: Database,
    /// The data folder [default: as for `seawall serve`]
    #[arg(long, env = "SEAWALL_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Backup {
    pub(super) async fn run(self, global: &Global) -> Result {
        let database = serve::database(self.database.given()?, &data_folder(self.data));
        let mut bar = Bar::new();
        let copied = seawall_store::backup(&database, &self.file, |progress| bar.show(progress)).await;
        bar.end();
        let copied = copied.map_err(|e| CliError::Failed(e.to_string()))?;
        eprintln!("{} is a copy of {database}", self.file.display());
        print(global, &copied)
    }
}
