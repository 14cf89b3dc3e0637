//! Lists that come page by page.

use crate::cli::{Global, catalog::more, client::Client, error::Result, output::Column};

/// Which page of a list, of all commands that show one.
#[derive(Debug, clap::Args)]
pub(crate) struct Paging {
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Go on where the page before ended
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

/// How a list is shown.
pub(crate) struct Shown<'a> {
    pub(crate) columns: &'a [Column],
    /// What is said where it is empty.
    pub(crate) empty: &'a str,
}

impl Paging {
    /// Asks for the page of the list at `path` that `query` narrows, and prints it.
    pub(crate) async fn list(
        self,
        global: &Global,
        path: &[&str],
        mut query: Vec<(&str, String)>,
        shown: Shown<'_>,
    ) -> Result {
        query.push(("limit", self.limit.to_string()));
        query.extend(self.cursor.map(|cursor| ("cursor", cursor)));
        let page = Client::new(global)?.get_with(path, &query).await?;
        global.output().list(&page, shown.columns, shown.empty)?;
        more(global, &page);
        Ok(())
    }
}
