//! `seawall catalog …`.

mod get;
mod history;
mod list;
mod write;

use crate::cli::{Global, args::Pair, error::Result, output::at};
pub(crate) use list::{BLUEPRINTS, entities};
use serde_json::Value;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Catalog {
    /// Show one entity, where it comes from and who refers to it
    Get(get::Get),
    /// List entities of a blueprint, or the blueprints
    List(list::List),
    /// Show how an entity changed
    History(history::History),
    /// Count entities
    Count(list::Count),
    /// Create an entity, or change what people say of it
    Set(write::Set),
    /// Create and replace entities from a file
    Put(write::Put),
    /// Take back what people say of an entity
    Delete(write::Delete),
}

impl Catalog {
    pub(crate) async fn run(self, global: &Global) -> Result {
        match self {
            Self::Get(command) => command.run(global).await,
            Self::List(command) => command.run(global).await,
            Self::History(command) => command.run(global).await,
            Self::Count(command) => command.run(global).await,
            Self::Set(command) => command.run(global).await,
            Self::Put(command) => command.run(global).await,
            Self::Delete(command) => command.run(global).await,
        }
    }
}

/// `--filter` as parameters of the API.
fn filters(filters: &[Pair]) -> Vec<(&'static str, String)> {
    filters
        .iter()
        .map(|Pair { name, value }| ("filter", format!("{name}={value}")))
        .collect()
}

/// Says on stderr that there is a next page, to people.
pub(crate) fn more(global: &Global, page: &Value) {
    if global.output().is_table() && page["next"].is_string() {
        eprintln!("there are more: --cursor {}", at(page, "/next"));
    }
}
