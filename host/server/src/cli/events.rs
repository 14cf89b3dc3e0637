//! `seawall events`.

use crate::cli::{
    Global,
    catalog::{what, who},
    client::Client,
    error::{CliError, Result},
    output::{Column, at, items, time, visible},
};
use serde_json::Value;

/// Shows what happened to entities, oldest first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall events                                     what came last
  seawall events --follow --blueprint service        what comes from now on
  seawall events --after 1200 --kind deleted -o json
  seawall events --follow -o json | jq -r .identifier

With --follow each change is a line, in JSON and YAML a document of its own. A script that keeps the position of the last change that
it has seen, and gives it with --after, misses none.")]
pub(crate) struct Events {
    /// Only what came after this position; without it the last --limit changes are looked through
    #[arg(long, value_name = "POSITION")]
    after: Option<i64>,
    /// Go on with what comes
    #[arg(short, long)]
    follow: bool,
    /// Only of this blueprint; repeatable
    #[arg(long = "blueprint", value_name = "BLUEPRINT")]
    blueprints: Vec<String>,
    /// Only these; repeatable
    #[arg(long = "kind", value_name = "KIND", value_parser = ["created", "updated", "deleted"])]
    kinds: Vec<String>,
    /// Of updates only those of this field: a property, relations.NAME, $title, $icon or $team; repeatable
    #[arg(long = "field", value_name = "FIELD")]
    fields: Vec<String>,
    /// Only of the entity with this identifier
    #[arg(long, value_name = "IDENTIFIER")]
    identifier: Option<String>,
    /// Only those whose cause begins so, such as write:people
    #[arg(long, value_name = "PREFIX")]
    cause: Option<String>,
    /// At most so many at once
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

const COLUMNS: &[Column] = &[
    ("POSITION", |v| at(v, "/position")),
    ("AT", |v| time(v, "/at")),
    ("CHANGE", |v| at(v, "/kind")),
    ("BLUEPRINT", |v| at(v, "/blueprint")),
    ("ENTITY", |v| at(v, "/identifier")),
    ("BY", who),
    ("WHAT", what),
];

/// How long the server is asked to wait for a change, in seconds.
const WAIT: u32 = 30;

impl Events {
    pub(crate) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        if self.follow {
            return self.follow(global, &client).await;
        }
        let answer = match self.after {
            Some(after) => self.ask(&client, Some(after), None).await?,
            None => {
                let newest = newest(&client).await?;
                let after = (newest - i64::from(self.limit)).max(0);
                match self.ask(&client, Some(after), None).await {
                    // Less than that is kept.
                    Err(CliError::Refused(problem)) if problem.status == 410 => self.ask(&client, None, None).await?,
                    other => other?,
                }
            }
        };
        global.output().list(&answer, COLUMNS, "nothing happened")
    }

    async fn follow(self, global: &Global, client: &Client) -> Result {
        let mut after = match self.after {
            Some(after) => after,
            None => newest(client).await?,
        };
        loop {
            let answer = self.ask(client, Some(after), Some(WAIT)).await?;
            for change in items(&answer) {
                if global.output().is_table() {
                    global.output().text(&line(change))?;
                } else {
                    global.output().document(change)?;
                }
            }
            after = answer["next"].as_i64().unwrap_or(after);
        }
    }

    async fn ask(&self, client: &Client, after: Option<i64>, wait: Option<u32>) -> Result<Value> {
        let mut query = vec![("limit", self.limit.to_string())];
        query.extend(after.map(|after| ("after", after.to_string())));
        query.extend(wait.map(|wait| ("wait", wait.to_string())));
        for (name, values) in [
            ("blueprint", &self.blueprints),
            ("kind", &self.kinds),
            ("field", &self.fields),
        ] {
            query.extend(values.iter().map(|value| (name, value.clone())));
        }
        query.extend(self.identifier.clone().map(|identifier| ("identifier", identifier)));
        query.extend(self.cause.clone().map(|cause| ("cause", cause)));
        client.get_with(&["changes"], &query).await
    }
}

async fn newest(client: &Client) -> Result<i64> {
    let answer = client.get_with(&["changes"], &[("limit", "1".to_owned())]).await?;
    Ok(answer["position"].as_i64().unwrap_or_default())
}

/// A change in one line, so that lines can be counted and searched.
fn line(change: &Value) -> String {
    let what = what(change).replace('\n', "; ");
    let line = format!(
        "{}  {}  {:7}  {}/{}  {}  {what}",
        at(change, "/position"),
        time(change, "/at"),
        at(change, "/kind"),
        at(change, "/blueprint"),
        at(change, "/identifier"),
        who(change),
    );
    visible(line.trim_end()).replace('\n', " ")
}
