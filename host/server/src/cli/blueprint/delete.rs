//! `seawall blueprint delete`.

use crate::cli::{
    client::{Body, Client},
    error::Result,
};
use reqwest::Method;

/// Removes blueprints. It is refused where others use one, where an integration's mapping gives entities of it, and where it has
/// entities, unless these are to go with it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall blueprint delete service
  seawall blueprint delete service --entities
  seawall blueprint delete service system          also where the two relate to each other
  seawall blueprint delete service --dependants    relations, mirrors and views of others that lead to it go too")]
pub(crate) struct Delete {
    /// Their identifiers
    #[arg(required = true)]
    blueprints: Vec<String>,
    /// Their entities go with them
    #[arg(long)]
    entities: bool,
    /// What uses them is taken out of other blueprints and of views
    #[arg(long)]
    dependants: bool,
    /// Also where mappings of integrations give entities of them, all of which are rejected from then on
    #[arg(long)]
    force: bool,
}

impl Delete {
    pub(super) async fn run(self, client: &Client) -> Result {
        for blueprint in &self.blueprints {
            let others: Vec<_> = self.blueprints.iter().filter(|other| *other != blueprint).collect();
            let along: Vec<_> = others.into_iter().map(String::as_str).collect();
            let query = [
                ("entities", self.entities.to_string()),
                ("dependants", self.dependants.to_string()),
                ("force", self.force.to_string()),
                ("along", along.join(",")),
            ];
            let path = ["blueprints", blueprint];
            client.send(Method::DELETE, &path, &query, Body::Nothing).await?;
            eprintln!("blueprint {blueprint} is gone");
        }
        Ok(())
    }
}
