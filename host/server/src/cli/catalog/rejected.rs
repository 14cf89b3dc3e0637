//! `seawall catalog rejected`.

use crate::cli::{
    Global,
    error::Result,
    integration::REJECTED,
    paging::{Paging, Shown},
};

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
    #[command(flatten)]
    paging: Paging,
}

impl Rejected {
    pub(super) async fn run(self, global: &Global) -> Result {
        let path = ["sources", &self.source, "rejected"];
        let shown = Shown {
            columns: REJECTED,
            empty: "all of it fits",
        };
        self.paging.list(global, &path, Vec::new(), shown).await
    }
}
