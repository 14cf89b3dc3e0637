//! `seawall integration rejected`.

use crate::cli::{
    Global,
    client::Client,
    error::Result,
    output::{Column, at, time},
};

/// Lists what the mapping or a blueprint's schema did not let through, newest first: properties left out, entities set aside
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall integration rejected prometheus-main
  seawall integration rejected prometheus-main --limit 1000 -o json")]
pub(crate) struct Rejected {
    /// The integration
    name: String,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Go on where the page before ended
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

pub(crate) const COLUMNS: &[Column] = &[
    ("WHAT", |v| at(v, "/severity")),
    ("KIND", |v| at(v, "/kind")),
    ("KEY", |v| at(v, "/key")),
    ("ENTITY", |v| at(v, "/entity")),
    ("FIELD", |v| at(v, "/field")),
    ("RULE", |v| at(v, "/rule")),
    ("MESSAGE", |v| at(v, "/message")),
    ("AT", |v| time(v, "/at")),
];

impl Rejected {
    pub(super) async fn run(self, global: &Global) -> Result {
        let mut query = vec![("limit", self.limit.to_string())];
        query.extend(self.cursor.map(|cursor| ("cursor", cursor)));
        let page = Client::new(global)?
            .get_with(&["integrations", &self.name, "rejected"], &query)
            .await?;
        global.output().list(&page, COLUMNS, "everything was taken as it is")?;
        super::super::catalog::more(global, &page);
        Ok(())
    }
}
