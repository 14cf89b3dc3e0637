//! `seawall verdict …`.

use crate::cli::{
    Global, args,
    client::Client,
    error::Result,
    output::{Column, at, time},
};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verdict {
    /// List what rules said of entities
    List(List),
}

/// Lists what rules said of entities when they were last evaluated
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall verdict list --rule naming/kebab-case
  seawall verdict list --entity service/payments-api
  seawall verdict list -o json | jq '[.items[] | select(.verdict == \"fail\")] | length'")]
pub(crate) struct List {
    /// Only of this rule
    #[arg(long, value_name = "PLUGIN/RULE")]
    rule: Option<String>,
    /// Only of this entity
    #[arg(long, value_name = "BLUEPRINT/IDENTIFIER")]
    entity: Option<String>,
}

const COLUMNS: &[Column] = &[
    ("RULE", |v| at(v, "/rule")),
    ("ENTITY", |v| {
        format!("{}/{}", at(v, "/blueprint"), at(v, "/identifier"))
    }),
    ("VERDICT", |v| at(v, "/verdict")),
    ("REASON", |v| at(v, "/reason")),
    ("AT", |v| time(v, "/at")),
];

impl Verdict {
    pub(crate) async fn run(self, global: &Global) -> Result {
        let Self::List(list) = self;
        let mut query: Vec<(&str, String)> = list.rule.map(|rule| ("rule", rule)).into_iter().collect();
        if let Some(entity) = &list.entity {
            let (blueprint, identifier) = args::reference(entity)?;
            query.extend([
                ("blueprint", blueprint.to_owned()),
                ("identifier", identifier.to_owned()),
            ]);
        }
        let answer = Client::new(global)?.get_with(&["verdicts"], &query).await?;
        global.output().list(
            &answer,
            COLUMNS,
            "there are none; let a rule judge with `seawall rule evaluate`",
        )
    }
}
