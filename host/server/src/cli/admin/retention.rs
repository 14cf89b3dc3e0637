//! `seawall admin retention`.

use crate::cli::{
    Global,
    client::Client,
    error::Result,
    output::{at, fields},
};
use serde_json::Value;

/// Shows how long the change log is kept, or sets it: histories of entities, followers' cursors, and what an entity was on a day
/// reach back so far. What is older goes soon, and does not come back
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  seawall admin retention\n  seawall admin retention --days 365 --rows 1000000 --pending-days 400"
)]
pub(crate) struct Retention {
    /// Changes that are older go
    #[arg(long, value_name = "DAYS")]
    days: Option<u32>,
    /// So many of the newest stay, however old
    #[arg(long, value_name = "N")]
    rows: Option<u64>,
    /// What a subscription was not told of yet stays for so long
    #[arg(long, value_name = "DAYS")]
    pending_days: Option<u32>,
}

impl Retention {
    pub(super) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let mut kept = client.get(&["retention"]).await?;
        let set = [
            ("days", self.days.map(Value::from)),
            ("rows", self.rows.map(Value::from)),
            ("pendingDays", self.pending_days.map(Value::from)),
        ];
        let mut changed = false;
        for (name, value) in set {
            if let Some(value) = value {
                (kept[name], changed) = (value, true);
            }
        }
        if changed {
            kept = client.put(&["retention"], kept).await?;
        }
        global.output().one(&kept, |kept| {
            fields(&[
                ("days", at(kept, "/days")),
                ("rows at least", at(kept, "/rows")),
                ("days of what is to be told", at(kept, "/pendingDays")),
            ])
        })
    }
}
