//! `seawall mapping items|preview|apply|rollback|history`: the workbench of an integration's mapping.

use crate::cli::{
    Global, args,
    client::{Body, Client},
    error::{CliError, Result},
    follow::style,
    output::{Column, at, plain, table, time},
};
use indicatif::ProgressBar;
use reqwest::Method;
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};

/// Shows items as the tool gave them and as they are stored
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  seawall mapping items github pull-request\n  seawall mapping items github pull-request --limit 1 -o json | jq '.items[0].value'"
)]
pub(crate) struct Items {
    /// The integration
    integration: String,
    /// Their kind
    kind: String,
    /// At most so many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// From the answer before
    #[arg(long)]
    cursor: Option<String>,
}

const ITEMS: &[Column] = &[
    ("PARTITION", |v| at(v, "/partition")),
    ("KEY", |v| at(v, "/key")),
    ("CHANGED", |v| time(v, "/changedAt")),
    ("VALUE", |v| {
        seawall_domain::text::cut(&plain(&v["value"]), 80).into_owned()
    }),
];

/// Shows what another mapping would make of the stored items: entities that come, change and go, and values that are
/// rejected. Nothing is changed, and the tool is not asked
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  seawall mapping preview github port-app-config.yaml\n\nExit code 1 where anything would be rejected that is not so now."
)]
pub(crate) struct Preview {
    /// The integration
    integration: String,
    /// The mapping in Port's shape; `-` reads stdin; absent: the plugin's own
    file: Option<PathBuf>,
}

/// Puts a mapping in force, and maps the stored items anew without asking the tool
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall mapping apply github port-app-config.yaml --by ann")]
pub(crate) struct Apply {
    /// The integration
    integration: String,
    /// The mapping in Port's shape; `-` reads stdin; absent: the plugin's own
    file: Option<PathBuf>,
    #[command(flatten)]
    meant: Meant,
}

/// Puts the mapping in force that was before the present one; done again, the one before that
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  seawall mapping rollback github\n  seawall mapping rollback github --to 3 --by ann"
)]
pub(crate) struct Rollback {
    /// The integration
    integration: String,
    /// The version to go back to; `seawall mapping history` shows those that there are
    #[arg(long, value_name = "VERSION")]
    to: Option<u64>,
    #[command(flatten)]
    meant: Meant,
}

/// Shows the mappings that an integration has had: who put each in force, and when
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  seawall mapping history github\n  seawall mapping history github -o json | jq '.items[1].mapping'"
)]
pub(crate) struct History {
    /// The integration
    integration: String,
}

const VERSIONS: &[Column] = &[
    ("VERSION", |v| at(v, "/version")),
    ("AT", |v| time(v, "/at")),
    ("BY", |v| at(v, "/by")),
    ("WHAT", |v| match (&v["backTo"], &v["mapping"]) {
        (Value::Null, Value::Null) => "the plugin's own".to_owned(),
        (Value::Null, mapping) => format!("{} resources", mapping["resources"].as_array().map_or(0, Vec::len)),
        (back_to, _) => format!("back to {back_to}"),
    }),
];

#[derive(Debug, clap::Args)]
struct Meant {
    /// Also where it removes a larger share of entities than the integration allows
    #[arg(long)]
    force: bool,
}

impl Meant {
    fn query(&self) -> Vec<(&'static str, String)> {
        vec![("force", self.force.to_string())]
    }
}

fn body(file: Option<&PathBuf>) -> Result<Body> {
    let mapping = match file {
        Some(file) => args::document(file)?.value().clone(),
        None => Value::Null,
    };
    Ok(Body::Json(json!({"mapping": mapping})))
}

impl Items {
    pub(crate) async fn run(self, global: &Global) -> Result {
        let mut query = vec![("kind", self.kind.clone()), ("limit", self.limit.to_string())];
        query.extend(self.cursor.map(|cursor| ("cursor", cursor)));
        let path = ["integrations", &self.integration, "items"];
        let page = Client::new(global)?.get_with(&path, &query).await?;
        global.output().list(&page, ITEMS, "there are none")?;
        super::catalog::more(global, &page);
        Ok(())
    }
}

impl Preview {
    pub(crate) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let path = ["integrations", &self.integration, "mapping", "preview"];
        let diff = client.post(&path, body(self.file.as_ref())?).await?;
        global.output().one(&diff, people)?;
        if diff["total"]["rejected"].as_u64().unwrap_or(0) > 0 {
            return Err(CliError::Unwell);
        }
        Ok(())
    }
}

impl Apply {
    pub(crate) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let path = ["integrations", &self.integration, "mapping"];
        let diff = client
            .send(Method::PUT, &path, &self.meant.query(), body(self.file.as_ref())?)
            .await?;
        follow(&client, &self.integration).await?;
        global.output().one(&diff, people)
    }
}

impl Rollback {
    pub(crate) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let path = ["integrations", &self.integration, "mapping", "rollback"];
        let mut query = self.meant.query();
        query.extend(self.to.map(|to| ("to", to.to_string())));
        let diff = client.send(Method::POST, &path, &query, Body::Nothing).await?;
        follow(&client, &self.integration).await?;
        global.output().one(&diff, people)
    }
}

impl History {
    pub(crate) async fn run(self, global: &Global) -> Result {
        let path = ["integrations", &self.integration, "mapping"];
        let view = Client::new(global)?.get(&path).await?;
        let versions = json!({"items": view["versions"], "next": null});
        global.output().list(&versions, VERSIONS, "there are none")?;
        if global.output().is_table() {
            eprintln!("version {} is in force", at(&view, "/version"));
        }
        Ok(())
    }
}

/// Waits until all stored items have been mapped anew.
async fn follow(client: &Client, integration: &str) -> Result {
    let bar = ProgressBar::new(0).with_style(style("{pos} of {len} items mapped {bar:30} {per_sec}"));
    loop {
        let view = client.get(&["integrations", integration, "mapping"]).await?;
        let Some(done) = view["remapping"]["done"].as_u64() else {
            bar.finish_and_clear();
            return Ok(());
        };
        bar.set_length(view["remapping"]["items"].as_u64().unwrap_or(0));
        bar.set_position(done);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

const KINDS: &[Column] = &[
    ("KIND", |v| at(v, "/kind")),
    ("ITEMS", |v| at(v, "/items")),
    ("ADDED", |v| at(v, "/added")),
    ("CHANGED", |v| at(v, "/changed")),
    ("REMOVED", |v| at(v, "/removed")),
    ("SAME", |v| at(v, "/unchanged")),
    ("REJECTED", |v| at(v, "/rejected")),
];

const EXAMPLES: &[Column] = &[
    ("WHAT", |v| at(v, "/what")),
    ("ENTITY", |v| at(v, "/entity")),
    ("ITEM", |v| at(v, "/key")),
    ("HOW", how),
];

fn how(example: &Value) -> String {
    if let Some(reason) = example["reason"].as_str() {
        return reason.to_owned();
    }
    let short = |value: &Value| seawall_domain::text::cut(&value.to_string(), 40).into_owned();
    let fields = example["diff"].as_object().into_iter().flatten();
    let line = |(name, pair): (&String, &Value)| format!("{name}: {} → {}", short(&pair[0]), short(&pair[1]));
    fields.map(line).collect::<Vec<_>>().join("\n")
}

fn people(diff: &Value) -> String {
    let kinds = diff["kinds"].as_array().cloned().unwrap_or_default();
    let examples: Vec<Value> = kinds
        .iter()
        .flat_map(|kind| kind["examples"].as_array().cloned().unwrap_or_default())
        .collect();
    let mut parts = vec![table(&kinds, KINDS)];
    if !examples.is_empty() {
        parts.push(table(&examples, EXAMPLES));
    }
    parts.join("\n\n")
}
