//! `seawall admin …`: what the operator does to a server's database. Some ask the server, those that copy or seal anew open the
//! database themselves.

mod backup;
mod change_master_key;
mod copy;
mod restore;
mod retention;
mod rotate_master_key;
mod setting;
mod tables;

use crate::cli::{Global, error::Result};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Admin {
    /// Make a new master key and seal every secret under it, while the server answers
    RotateMasterKey(rotate_master_key::RotateMasterKey),
    /// Seal every secret under another master key, while no server uses the database
    ChangeMasterKey(change_master_key::ChangeMasterKey),
    /// Copy a database into an empty one, from SQLite to PostgreSQL or back
    Copy(copy::Copy),
    /// Write a copy of the database to a file, while the server answers
    Backup(backup::Backup),
    /// Bring a backup back into an empty database
    Restore(restore::Restore),
    /// Show or change what holds for the whole server
    Setting(setting::Setting),
    /// Show or set how long the change log is kept
    Retention(retention::Retention),
}

impl Admin {
    pub(crate) async fn run(self, global: &Global) -> Result {
        match self {
            Self::RotateMasterKey(command) => command.run(global).await,
            Self::ChangeMasterKey(command) => command.run(global).await,
            Self::Copy(command) => command.run(global).await,
            Self::Backup(command) => command.run(global).await,
            Self::Restore(command) => command.run(global).await,
            Self::Setting(command) => command.run(global).await,
            Self::Retention(command) => command.run(global).await,
        }
    }
}
