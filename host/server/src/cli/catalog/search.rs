//! `seawall catalog search`.

use super::{list::found, more};
use crate::cli::{
    Global,
    client::{Body, Client},
    error::Result,
};
use serde_json::json;

/// Finds entities that have all the words, those first in which they say most; the last word may be only begun
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall catalog search payments api
  seawall catalog search pay --blueprint service --blueprint team
  seawall catalog search timeout --in description --where 'tier = 1' --sort -$updatedAt")]
pub(crate) struct Search {
    /// The words
    #[arg(required = true, value_name = "TEXT")]
    words: Vec<String>,
    /// Whose entities; of all blueprints without it; repeatable
    #[arg(long = "blueprint", value_name = "BLUEPRINT")]
    blueprints: Vec<String>,
    /// Where the words are looked for; in title, identifier and all texts without it; repeatable
    #[arg(long = "in", value_name = "FIELD")]
    within: Vec<String>,
    /// Only entities that pass an AIP-160 filter
    #[arg(long = "where", value_name = "FILTER", allow_hyphen_values = true)]
    wanted: Option<String>,
    /// The field to sort by instead; a `-` before it sorts from high to low
    #[arg(long, value_name = "FIELD", allow_hyphen_values = true)]
    sort: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Go on where the page before ended
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

impl Search {
    pub(super) async fn run(self, global: &Global) -> Result {
        let body = json!({
            "q": self.words.join(" "),
            "blueprints": self.blueprints,
            "in": self.within,
            "filter": self.wanted,
            "sort": self.sort,
            "limit": self.limit,
            "cursor": self.cursor,
        });
        let page = Client::new(global)?.post(&["search"], Body::Json(body)).await?;
        let output = global.output();
        if !output.is_table() {
            return output.data(&page);
        }
        found(global, &page)?;
        more(global, &page);
        Ok(())
    }
}
