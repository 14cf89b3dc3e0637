//! `seawall integration …`.

mod add;
pub(crate) mod documents;
mod lifecycle;
mod list;
mod rejected;
mod release;
mod remove;
mod show;
mod sync;

use crate::cli::{Global, client::Client, error::Result};
pub(crate) use rejected::COLUMNS as REJECTED;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Create or replace integrations and credentials from a file
    Add(add::Add),
    /// List integrations
    List(list::List),
    /// Show one integration with its config, partitions and passes
    Show(show::Show),
    /// Show how an integration's passes stand
    Status(show::Status),
    /// Start passes now, or follow those that are under way
    Sync(sync::Sync),
    /// Start no passes until it is resumed
    Pause(lifecycle::Pause),
    /// Go on after a pause
    Resume(lifecycle::Resume),
    /// End the running passes; what their pages brought stays
    Cancel(lifecycle::Cancel),
    /// List what mapping and schema did not let through
    Rejected(rejected::Rejected),
    /// Decide about a pass that would remove many items
    Release(release::Release),
    /// Remove an integration with what only it gives
    Remove(remove::Remove),
}

/// Says what was done; programs get the integration as it stands now.
async fn done(global: &Global, client: &Client, name: &str, words: &str) -> Result {
    eprintln!("{words}");
    if global.output().is_table() {
        return Ok(());
    }
    global.output().data(&client.get(&["integrations", name]).await?)
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result {
        match self {
            Self::Add(command) => command.run(global).await,
            Self::List(command) => command.run(global).await,
            Self::Show(command) => command.run(global).await,
            Self::Status(command) => command.run(global).await,
            Self::Sync(command) => command.run(global).await,
            Self::Pause(command) => command.run(global).await,
            Self::Resume(command) => command.run(global).await,
            Self::Cancel(command) => command.run(global).await,
            Self::Rejected(command) => command.run(global).await,
            Self::Release(command) => command.run(global).await,
            Self::Remove(command) => command.run(global).await,
        }
    }
}
