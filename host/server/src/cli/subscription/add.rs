//! `seawall subscription add`.

use crate::cli::{
    Global,
    args::{self, Pair},
    client::Client,
    error::Result,
};
use ipnet::IpNet;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Creates or replaces a subscription: a message for each change, signed as Standard Webhooks says
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall subscription add deploy-bot https://bot.example.com/hook --blueprint service --kind updated --field tier
  seawall subscription add audit https://audit.example.com/in --header 'Authorization=Bearer …'
  seawall subscription add local http://127.0.0.1:9000/ --private-range 127.0.0.0/8

The first time it prints the secret that messages are signed with; it is not shown again. One that is there keeps its secret, its
place, and without --header its headers.")]
pub(crate) struct Add {
    /// Its name
    name: String,
    /// Where messages go
    url: String,
    /// Only entities of this blueprint; repeatable
    #[arg(long = "blueprint", value_name = "BLUEPRINT")]
    blueprints: Vec<String>,
    /// Only these changes; repeatable
    #[arg(long = "kind", value_name = "KIND", value_parser = ["created", "updated", "deleted"])]
    kinds: Vec<String>,
    /// Of updates only those of this field: a property, relations.NAME, $title, $icon or $team; repeatable
    #[arg(long = "field", value_name = "FIELD")]
    fields: Vec<String>,
    /// A further header of each message; repeatable
    #[arg(long = "header", value_name = "NAME=VALUE")]
    headers: Vec<Pair>,
    /// Private addresses that it may lead to, loopback among them; repeatable
    #[arg(long = "private-range", value_name = "RANGE", value_parser = args::range)]
    private_ranges: Vec<IpNet>,
    /// A PEM file with the authorities that the receiver's certificate may come from
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// After so many tries a message is dead
    #[arg(long, value_name = "N")]
    tries: Option<u32>,
    /// Begin after this change position instead of with what comes next
    #[arg(long, value_name = "POSITION")]
    after: Option<i64>,
    /// Leave out the entity itself: a message says what changed and no more
    #[arg(long)]
    thin: bool,
    /// Send nothing yet
    #[arg(long)]
    paused: bool,
}

impl Add {
    pub(super) async fn run(self, global: &Global, client: &Client) -> Result {
        let mut body = json!({
            "url": self.url,
            "blueprints": self.blueprints,
            "kinds": self.kinds,
            "fields": self.fields,
            "privateRanges": self.private_ranges,
            "thin": self.thin,
            "paused": self.paused,
        });
        if !self.headers.is_empty() {
            // Values are texts as they stand.
            let pairs = self
                .headers
                .into_iter()
                .map(|pair| (pair.name, Value::String(pair.value)));
            body["headers"] = Value::Object(pairs.collect::<Map<_, _>>());
        }
        if let Some(ca) = &self.ca {
            body["ca"] = Value::String(args::read(ca)?);
        }
        if let Some(tries) = self.tries {
            body["retry"] = json!({"tries": tries});
        }
        if let Some(after) = self.after {
            body["after"] = json!(after);
        }
        let answer = client.put(&["subscriptions", &self.name], body).await?;
        super::show(global.output(), &answer)
    }
}
