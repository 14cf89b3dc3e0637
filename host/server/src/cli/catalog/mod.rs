//! `seawall catalog …`.

mod get;
mod graph;
mod history;
mod list;
mod rejected;
mod search;
mod write;

use crate::cli::{Global, args::Pair, error::Result, output::at};
pub(crate) use history::{what, who};
pub(crate) use list::{BLUEPRINTS, entities, with_columns};
use serde_json::Value;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Catalog {
    /// Show one entity, where it comes from and who refers to it
    Get(get::Get),
    /// List entities of a blueprint, or the blueprints
    List(list::List),
    /// Find entities by what they say
    Search(search::Search),
    /// Show what is around an entity
    Graph(graph::Graph),
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
    /// List what people said that does not fit
    Rejected(rejected::Rejected),
}

impl Catalog {
    pub(crate) async fn run(self, global: &Global) -> Result {
        match self {
            Self::Get(command) => command.run(global).await,
            Self::List(command) => command.run(global).await,
            Self::Search(command) => command.run(global).await,
            Self::Graph(command) => command.run(global).await,
            Self::History(command) => command.run(global).await,
            Self::Count(command) => command.run(global).await,
            Self::Set(command) => command.run(global).await,
            Self::Put(command) => command.run(global).await,
            Self::Delete(command) => command.run(global).await,
            Self::Rejected(command) => command.run(global).await,
        }
    }
}

/// `--filter` and `--where` as parameters of the API.
fn filters(filters: &[Pair], wanted: Option<String>) -> Vec<(&'static str, String)> {
    let pairs = filters.iter().map(|Pair { name, value }| {
        let value = if serde_json::from_str::<Value>(value).is_ok() {
            value.clone()
        } else {
            // As it is: a star is a star.
            Value::from(value.as_str()).to_string().replace('*', "\\*")
        };
        format!("{name}={value}")
    });
    pairs.chain(wanted).map(|filter| ("filter", filter)).collect()
}

/// Says on stderr that there is a next page, to people.
pub(crate) fn more(global: &Global, page: &Value) {
    if global.output().is_table() && page["next"].is_string() {
        eprintln!("there are more: --cursor {}", at(page, "/next"));
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_pair_asks_for_the_value_as_it_is() {
        let pairs: Vec<Pair> = ["tier=1", "title=Pay * \"x\"", "on=true"]
            .map(|pair| pair.parse().unwrap())
            .to_vec();
        let all = filters(&pairs, Some("a < 2".into()));
        let all: Vec<&str> = all.iter().map(|(_, filter)| filter.as_str()).collect();
        assert_eq!(all, ["tier=1", r#"title="Pay \* \"x\"""#, "on=true", "a < 2"]);
    }
}
