//! `seawall admin change-master-key`.

use crate::{
    cli::{
        Global,
        args::Database,
        client::data_folder,
        error::{CliError, Result},
    },
    serve,
};
use seawall_store::MasterKey;
use serde_json::json;
use std::path::PathBuf;

/// Puts every sealed secret under the key in a file, which is made where there is none. The key from before is SEAWALL_MASTER_KEY,
/// or `master.key` in the data folder. Stop every server that uses the database before, and give each the new key after
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  SEAWALL_DATABASE=postgres://seawall:PASSWORD@db.example/seawall seawall admin change-master-key --new-key next.key")]
pub(crate) struct ChangeMasterKey {
    #[command(flatten)]
    database: Database,
    /// The new key's file: 64 hexadecimal digits; made with a random key where there is none
    #[arg(long, value_name = "FILE")]
    new_key: PathBuf,
    /// The data folder [default: as for `seawall serve`]
    #[arg(long, env = "SEAWALL_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
}

impl ChangeMasterKey {
    pub(super) async fn run(self, global: &Global) -> Result {
        let failed = |e: &dyn std::fmt::Display| CliError::Failed(e.to_string());
        let data = data_folder(self.data);
        let database = serve::database(self.database.given()?, &data);
        let old = serve::key_source(&data).map_err(|e| failed(&e))?;
        let new = MasterKey::load_or_create(&self.new_key).map_err(|e| failed(&e))?;
        database.change_master_key(old, new).await.map_err(|e| failed(&e))?;
        eprintln!(
            "every sealed secret of {database} is under the key in {}; put it in the place of `master.key` in every data \
             folder, or its content into SEAWALL_MASTER_KEY",
            self.new_key.display()
        );
        match global.output().is_table() {
            true => Ok(()),
            false => global.output().data(&json!({"changed": true})),
        }
    }
}
