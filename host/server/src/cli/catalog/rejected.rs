//! `seawall catalog rejected`.

use super::more;
use crate::cli::{Global, client::Client, error::Result, integration::REJECTED};

/// Lists what people and clients said that does not fit its blueprint as it is now, newest first: properties left out, entities set
/// aside. All of it is kept, and is there again where the blueprint takes it again
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall catalog rejected
  seawall catalog rejected --source ci:deploy -o json")]
pub(crate) struct Rejected {
    /// Whose words
    #[arg(long, default_value = "people")]
    source: String,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Go on where the page before ended
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

impl Rejected {
    pub(super) async fn run(self, global: &Global) -> Result {
        let mut query = vec![("limit", self.limit.to_string())];
        query.extend(self.cursor.map(|cursor| ("cursor", cursor)));
        let page = Client::new(global)?
            .get_with(&["sources", &self.source, "rejected"], &query)
            .await?;
        global.output().list(&page, REJECTED, "all of it fits")?;
        more(global, &page);
        Ok(())
    }
}
