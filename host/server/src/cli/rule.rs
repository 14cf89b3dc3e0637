//! `seawall rule …`.

use crate::cli::{
    Global,
    args::{self, Pair},
    client::{Body, Client},
    error::{CliError, Result},
    output::{at, fields},
};
use serde_json::json;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Rule {
    /// Let a rule judge entities
    Evaluate(Evaluate),
}

/// Lets a plugin's rule judge a blueprint's entities, or one of them; `seawall verdict list` shows what it said
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall rule evaluate naming/kebab-case --blueprint service
  seawall rule evaluate freshness/updated-within --blueprint service --param days=30 --identifier payments-api")]
pub(crate) struct Evaluate {
    /// The rule
    #[arg(value_name = "PLUGIN/RULE")]
    rule: String,
    /// Whose entities
    #[arg(long)]
    blueprint: String,
    /// Only this entity
    #[arg(long)]
    identifier: Option<String>,
    /// A parameter; JSON where it parses as such, a text otherwise; repeatable
    #[arg(long = "param", value_name = "NAME=VALUE")]
    params: Vec<Pair>,
}

impl Rule {
    pub(crate) async fn run(self, global: &Global) -> Result {
        let Self::Evaluate(evaluate) = self;
        let Some((plugin, rule)) = evaluate.rule.split_once('/') else {
            return Err(CliError::Usage(format!(
                "`{}` is no PLUGIN/RULE, such as `naming/kebab-case`",
                evaluate.rule
            )));
        };
        let mut body = json!({"blueprint": evaluate.blueprint, "params": args::object(&evaluate.params, None)});
        if let Some(identifier) = evaluate.identifier {
            body["identifier"] = identifier.into();
        }
        let done = Client::new(global)?
            .post(&["rules", plugin, rule, "evaluations"], Body::Json(body))
            .await?;
        global.output().one(&done, |done| {
            fields(&[
                ("judged", at(done, "/judged")),
                ("passed", at(done, "/passed")),
                ("failed", at(done, "/failed")),
                ("not applicable", at(done, "/notApplicable")),
            ])
        })
    }
}
