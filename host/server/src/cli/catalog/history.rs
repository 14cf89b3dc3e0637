//! `seawall catalog history`.

use crate::cli::{
    Global,
    client::Client,
    error::Result,
    output::{Column, at, plain, time},
};
use serde_json::Value;

/// Shows how an entity changed, newest first; also one that is gone
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  seawall catalog history service payments-api\n  seawall catalog history service payments-api --limit 5 -o yaml"
)]
pub(crate) struct History {
    /// Its blueprint
    blueprint: String,
    /// Its identifier
    identifier: String,
    /// At most so many changes
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

const COLUMNS: &[Column] = &[
    ("POSITION", |v| at(v, "/position")),
    ("AT", |v| time(v, "/at")),
    ("CHANGE", |v| at(v, "/kind")),
    ("BY", who),
    ("WHAT", what),
];

/// `pass:2 of github`, `mapping:github by ann`, `write:people:ann`: what did a change, and who.
pub(crate) fn who(change: &Value) -> String {
    let cause = at(change, "/cause");
    let beside = |field: &str, word: &str| match at(change, field) {
        // A cause that names it itself says it once.
        name if name.is_empty() || cause.ends_with(&format!(":{name}")) => String::new(),
        name => format!(" {word} {name}"),
    };
    format!("{cause}{}{}", beside("/integration", "of"), beside("/by", "by"))
}

/// `tier: 1 → 2` for each field.
pub(crate) fn what(change: &Value) -> String {
    let short = |value: &Value| match plain(value) {
        text if text.is_empty() => "nothing".to_owned(),
        text => seawall_domain::text::cut(&text, 60).into_owned(),
    };
    let fields = change["diff"].as_object().into_iter().flatten();
    let line = |(name, pair): (&String, &Value)| format!("{name}: {} → {}", short(&pair[0]), short(&pair[1]));
    fields.map(line).collect::<Vec<_>>().join("\n")
}

impl History {
    pub(super) async fn run(self, global: &Global) -> Result {
        let path = ["blueprints", &self.blueprint, "entities", &self.identifier, "history"];
        let answer = Client::new(global)?
            .get_with(&path, &[("limit", self.limit.to_string())])
            .await?;
        global.output().list(&answer, COLUMNS, "there are no changes")?;
        if global.output().is_table() && answer["cutOff"] == true {
            eprintln!("what came before is no longer kept: see `seawall admin retention`");
        }
        Ok(())
    }
}
