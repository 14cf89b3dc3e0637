//! `seawall view …`.

use crate::cli::{
    Global,
    args::document,
    catalog::{more, with_columns},
    client::{Body, Client},
    error::{CliError, Result},
    output::{Column, at},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum View {
    /// Save a question under a name
    Save(Save),
    /// List saved views
    #[command(after_help = "Examples:\n  seawall view list\n  seawall view list -o yaml")]
    List,
    /// Show the entities that a view asks for
    Show(Show),
    /// Remove a view
    Delete(Delete),
}

/// Saves a question under a name, in place of one of the same name; what it asks is tried first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall view save gold --blueprint service --where 'tier = 1' --sort -$updatedAt --column language --column relations.owner
  seawall view save orphans --query rules.json

The file of --query has Port's rules: {\"combinator\": \"and\", \"rules\": [{\"property\": \"tier\", \"operator\": \"=\", \"value\": 1}]}")]
pub(crate) struct Save {
    /// Its name
    name: String,
    /// What people call it
    #[arg(long)]
    title: Option<String>,
    /// Whose entities; of all blueprints without it; repeatable
    #[arg(long = "blueprint", value_name = "BLUEPRINT")]
    blueprints: Vec<String>,
    /// Only entities that pass an AIP-160 filter
    #[arg(long = "where", value_name = "FILTER", allow_hyphen_values = true)]
    wanted: Option<String>,
    /// Only entities that pass Port's rules, in a file; `-` reads stdin
    #[arg(long, value_name = "FILE")]
    query: Option<PathBuf>,
    /// Only entities that have these words
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// The field to sort by; a `-` before it sorts from high to low
    #[arg(long, value_name = "FIELD", allow_hyphen_values = true)]
    sort: Option<String>,
    /// A field that is shown; repeatable
    #[arg(long = "column", value_name = "FIELD")]
    columns: Vec<String>,
}

/// Shows a page of the entities that a view asks for
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  seawall view show gold\n  seawall view show gold --limit 1000 -o json | jq .total"
)]
pub(crate) struct Show {
    /// Its name
    name: String,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Go on where the page before ended
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

/// Removes a view
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall view delete gold")]
pub(crate) struct Delete {
    /// Its name
    name: String,
}

const COLUMNS: &[Column] = &[
    ("NAME", |v| at(v, "/name")),
    ("TITLE", |v| at(v, "/title")),
    ("BLUEPRINTS", |v| at(v, "/blueprints")),
    ("WHERE", |v| match at(v, "/filter") {
        filter if filter.is_empty() => at(v, "/query"),
        filter => filter,
    }),
    ("TEXT", |v| at(v, "/q")),
    ("SORT", |v| at(v, "/sort")),
    ("COLUMNS", |v| at(v, "/columns")),
];

impl View {
    pub(crate) async fn run(self, global: &Global) -> Result {
        match self {
            Self::Save(command) => command.run(global).await,
            Self::List => {
                let all = Client::new(global)?.get(&["views"]).await?;
                let empty = "there are none yet; `seawall view save NAME --where FILTER` saves one";
                global.output().list(&all, COLUMNS, empty)
            }
            Self::Show(command) => command.run(global).await,
            Self::Delete(command) => {
                let path = ["views", &command.name];
                Client::new(global)?
                    .send(Method::DELETE, &path, &[], Body::Nothing)
                    .await?;
                eprintln!("removed");
                Ok(())
            }
        }
    }
}

impl Save {
    async fn run(self, global: &Global) -> Result {
        let query = match &self.query {
            None => Value::Null,
            Some(path) => document(path)?.value().clone(),
        };
        if !matches!(query, Value::Null | Value::Object(_)) {
            return Err(CliError::Usage(
                "--query: the file has to hold an object with `combinator` and `rules`".into(),
            ));
        }
        let view = json!({
            "title": self.title,
            "blueprints": self.blueprints,
            "filter": self.wanted,
            "query": query,
            "q": self.text,
            "sort": self.sort,
            "columns": self.columns,
        });
        let saved = Client::new(global)?.put(&["views", &self.name], view).await?;
        global.output().one(&saved, |saved| {
            format!("saved: seawall view show {}", at(saved, "/name"))
        })
    }
}

impl Show {
    async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let view = client.get(&["views", &self.name]).await?;
        let mut query = vec![("limit", self.limit.to_string())];
        query.extend(self.cursor.map(|cursor| ("cursor", cursor)));
        let page = client.get_with(&["views", &self.name, "entities"], &query).await?;
        if !global.output().is_table() {
            return global.output().data(&page);
        }
        let columns = view["columns"].as_array().map_or(&[][..], Vec::as_slice);
        let columns: Vec<String> = columns.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        with_columns(global, &page, &columns)?;
        more(global, &page);
        Ok(())
    }
}
