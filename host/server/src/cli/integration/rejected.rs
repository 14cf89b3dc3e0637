//! `seawall integration rejected`.

use crate::cli::{
    Global,
    error::Result,
    output::{Column, at, time},
    paging::{Paging, Shown},
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
    #[command(flatten)]
    paging: Paging,
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
        let path = ["integrations", &self.name, "rejected"];
        let shown = Shown {
            columns: COLUMNS,
            empty: "everything was taken as it is",
        };
        self.paging.list(global, &path, Vec::new(), shown).await
    }
}
