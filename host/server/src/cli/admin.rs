//! `seawall admin …`.

use crate::cli::{
    Global,
    client::{Body, Client},
    error::Result,
    output::{at, fields},
};
use serde_json::{Value, json};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Admin {
    /// Make a new master key and seal every secret under it, while the server answers
    RotateMasterKey(RotateMasterKey),
    /// Show or change what holds for the whole server
    Setting(Setting),
    /// Show or set how long the change log is kept
    Retention(Retention),
}

/// Makes a new master key and puts every sealed secret under it. The secrets themselves stay; nothing stops or waits. Copies of
/// the database from before need the old key: keep `master.key` with each
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall admin rotate-master-key")]
pub(crate) struct RotateMasterKey {}

/// Shows a setting, or sets it. There is `definitions.locked`: whether what was applied from git is read-only elsewhere
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall admin setting definitions.locked
  seawall admin setting definitions.locked false")]
pub(crate) struct Setting {
    /// Its name
    name: String,
    /// Its new value; left out: it is shown
    value: Option<bool>,
}

impl Setting {
    async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let path = ["settings", self.name.as_str()];
        let answer = match self.value {
            Some(value) => client.put(&path, json!({"value": value})).await?,
            None => client.get(&path).await?,
        };
        global.output().one(&answer, |answer| answer["value"].to_string())
    }
}

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
    async fn run(self, global: &Global) -> Result {
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

impl Admin {
    pub(crate) async fn run(self, global: &Global) -> Result {
        match self {
            Self::RotateMasterKey(rotate) => rotate.run(global).await,
            Self::Setting(setting) => setting.run(global).await,
            Self::Retention(retention) => retention.run(global).await,
        }
    }
}

impl RotateMasterKey {
    async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        client.post(&["master-key", "rotate"], Body::Nothing).await?;
        eprintln!("every sealed secret is under a new master key");
        match global.output().is_table() {
            true => Ok(()),
            false => global.output().data(&json!({"rotated": true})),
        }
    }
}
