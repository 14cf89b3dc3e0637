//! `seawall integration add`.

use super::documents::{self, Definition};
use crate::cli::{
    Global, args,
    client::Client,
    error::{CliError, Result},
    follow::{Mark, PASSES, follow, verdict},
};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Creates or replaces integrations and credentials from a YAML file of one or more documents, and starts their passes
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall integration add prometheus.yaml
  seawall integration add prometheus.yaml --follow
  cat *.yaml | seawall integration add -

A file:
  kind: Credential
  name: unleash-token
  source: {env: UNLEASH_TOKEN}
  ---
  kind: Integration
  name: unleash-main
  plugin: unleash
  config: {base_url: \"https://unleash.example.com\"}
  credentials: {token: unleash-token}
  every_seconds: 60

Credentials are put first, whatever the order. Applying a file twice changes nothing.")]
pub(crate) struct Add {
    /// The file; `-` reads stdin
    file: PathBuf,
    /// Wait for the end of the first passes, with progress
    #[arg(short, long)]
    follow: bool,
}

impl Add {
    pub(super) async fn run(self, global: &Global) -> Result {
        let text = args::read(&self.file)?;
        let definitions = documents::in_order(documents::read(&self.file.display().to_string(), &text)?);
        let client = Client::new(global)?;
        let (mut added, mut marks) = (Vec::new(), Vec::new());
        for (definition, document) in definitions {
            match definition {
                Definition::Credential(credential) => {
                    documents::put_credential(&client, &credential, None, &document).await?;
                }
                Definition::Integration(integration) => {
                    let name = integration.name.to_string();
                    marks.push((name.clone(), Mark::of(&client, &name).await?));
                    let body = serde_json::to_value(&integration).map_err(|e| CliError::Failed(e.to_string()))?;
                    let put = client.put(&["integrations", &name], body).await;
                    added.push(put.map_err(|error| error.located(&document))?);
                    eprintln!("integration {name} is there");
                }
            }
        }
        if !self.follow {
            if !global.output().is_table() {
                global.output().data(&json!({"items": added, "next": null}))?;
            }
            return Ok(());
        }
        wait(global, &client, marks).await
    }
}

/// Follows each integration, prints all passes, and ends with the first that is not well.
async fn wait(global: &Global, client: &Client, marks: Vec<(String, Mark)>) -> Result {
    let (mut passes, mut outcome): (Vec<Value>, Result) = (Vec::new(), Ok(()));
    for (name, mark) in marks {
        let followed = follow(client, &name, &mark).await?;
        outcome = outcome.and(verdict(&name, &followed));
        passes.extend(followed.passes);
    }
    global
        .output()
        .list(&json!({"items": passes, "next": null}), PASSES, "nothing to list")?;
    outcome
}
