//! `seawall export`.

use crate::cli::{
    Global,
    apply::state::{self, Granted},
    client::Client,
    error::{CliError, Result},
    output::items,
};
use seawall_domain::definition::{
    Definition, GrantDefinition, Kind, Origin, file_name, is_beyond_documents, is_placeholder, pointed, text,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Writes what the server holds as definitions: a file each into a folder, or all to stdout. `seawall diff` finds such a folder
/// unchanged. Secrets are never exported
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall export platform/                         a folder for git
  seawall export --kind Blueprint --kind Grant     to stdout, as YAML documents
  seawall export team/ --kind Entity --source people

Entities come from tools, and are exported only where --kind asks for them: what one source says.")]
pub(crate) struct Export {
    /// The folder; it has to be new or empty. Left out: stdout
    folder: Option<PathBuf>,
    /// Only this kind; repeatable. Left out: all but entities
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<Kind>,
    /// Whose words on entities
    #[arg(long, value_name = "SOURCE", default_value = "people")]
    source: String,
    /// Write into a folder that has files; those of the same names are replaced
    #[arg(long)]
    force: bool,
}

impl Export {
    pub(crate) async fn run(self, global: &Global) -> Result {
        if let Some(folder) = &self.folder
            && !self.force
            && folder.read_dir().is_ok_and(|mut files| files.next().is_some())
        {
            return Err(CliError::Usage(format!(
                "{} is not empty; name a new folder, or add --force to replace files of the same names",
                folder.display()
            )));
        }
        let client = Client::new(global)?;
        let mut all = Vec::new();
        for kind in Kind::ALL {
            let wanted = if self.kinds.is_empty() {
                kind != Kind::Entity
            } else {
                self.kinds.contains(&kind)
            };
            if wanted {
                all.extend(
                    self.of(&client, kind)
                        .await?
                        .into_iter()
                        .map(|(name, value)| (kind, name, value)),
                );
            }
        }
        match &self.folder {
            Some(folder) => write(global, folder, &all),
            None => print(global, &all),
        }
    }

    async fn of(&self, client: &Client, kind: Kind) -> Result<Vec<(String, Value)>> {
        match kind {
            Kind::Blueprint => state::blueprints(client).await,
            Kind::Credential => state::credentials(client).await,
            Kind::Policy => Ok(vec![("policy".to_owned(), state::policy(client).await?)]),
            Kind::Settings => Ok(vec![state::settings(client).await?]),
            Kind::View => state::views(client).await,
            Kind::Subscription => state::subscriptions(client).await,
            Kind::Entity => described(client, &self.source).await,
            Kind::Grant => grants(client).await,
            Kind::Integration => {
                let mut found = Vec::new();
                for one in items(&client.all(&["integrations"], &[]).await?) {
                    let name = one["name"].as_str().unwrap_or_default();
                    let value = state::integration(client, name).await?;
                    found.extend(value.map(|value| (name.to_owned(), value)));
                }
                Ok(found)
            }
            kind => {
                let query = [("kind", kind.name().to_owned())];
                let all = client.get_with(&["definitions"], &query).await?;
                let one = |one: &Value| {
                    (
                        one["name"].as_str().unwrap_or_default().to_owned(),
                        one["definition"].clone(),
                    )
                };
                Ok(items(&all).iter().map(one).collect())
            }
        }
    }
}

/// What a source says of entities, but those that it says nothing of and that are there because others point to them, which whoever
/// applies the others makes again; and those to which nobody points any more, where their blueprint requires something: they
/// would be refused.
async fn described(client: &Client, source: &str) -> Result<Vec<(String, Value)>> {
    let mut all = state::entities(client, source).await?;
    let known = state::blueprints(client).await?.into_iter();
    let known: BTreeMap<_, _> = known.map(|(name, value)| ((Kind::Blueprint, name), value)).collect();
    let definition = |(name, value): &(String, Value)| Definition {
        kind: Kind::Entity,
        name: name.clone(),
        value: value.clone(),
        origin: Origin::default(),
    };
    let targets = pointed(&all.iter().map(definition).collect::<Vec<_>>(), &known);
    let before = all.len();
    let is_beyond = |value: &Value| {
        let of = value["blueprint"].as_str().unwrap_or_default();
        let blueprint = known.get(&(Kind::Blueprint, of.to_owned()));
        blueprint.is_some_and(|blueprint| is_beyond_documents(value, blueprint))
    };
    // One with no title of its own says so; a placeholder's is its identifier.
    all.retain(|(name, value)| !is_placeholder(name, value, &targets) || value["title"].is_null() && !is_beyond(value));
    if before > all.len() {
        eprintln!(
            "{} placeholders are left out: they say nothing, and are made again for those that point to them",
            before - all.len()
        );
    }
    let before = all.len();
    all.retain(|(_, value)| !is_beyond(value));
    if before > all.len() {
        eprintln!(
            "{} entities are left out: `{source}` says nothing of them, nobody points to them any more, and their blueprints require \
             properties or relations, so that no document could describe them; `seawall catalog set` describes one, `seawall catalog \
             delete BLUEPRINT IDENTIFIER --source {source}` takes one away",
            before - all.len()
        );
    }
    Ok(all)
}

/// Of each plugin's newest version under its name, of older ones under `name@version`.
async fn grants(client: &Client) -> Result<Vec<(String, Value)>> {
    let mut found: Vec<(String, Value)> = Vec::new();
    let all = client.all(&["plugins"], &[]).await?;
    let mut seen = Vec::new();
    for plugin in items(&all) {
        let (name, version) = (
            plugin["name"].as_str().unwrap_or_default(),
            plugin["version"].as_str().unwrap_or_default(),
        );
        let newest = !seen.contains(&name);
        seen.push(name);
        let name = if newest {
            name.to_owned()
        } else {
            format!("{name}@{version}")
        };
        if found.iter().any(|(known, _)| *known == name) {
            continue;
        }
        if let Some(Granted {
            asked,
            grant: Some(grant),
        }) = state::of_plugin(client, &name).await?
        {
            let document = GrantDefinition::of(&name, &grant, &asked);
            let value = serde_json::to_value(&document).map_err(|e| CliError::Failed(e.to_string()))?;
            found.push((name, value));
        }
    }
    Ok(found)
}

fn written(kind: Kind, name: &str, value: &Value) -> Result<(String, &'static str)> {
    text(kind, value).map_err(|why| CliError::Failed(format!("{} `{name}` cannot be written: {why}", kind.word())))
}

fn write(global: &Global, folder: &Path, all: &[(Kind, String, Value)]) -> Result {
    let mut files = Vec::new();
    for (kind, name, value) in all {
        let (text, extension) = written(*kind, name, value)?;
        let file = file_name(*kind, name, extension);
        let path = folder.join(&file);
        let failed = |e: std::io::Error| CliError::Failed(format!("{}: {e}", path.display()));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        std::fs::write(&path, text).map_err(failed)?;
        files.push(json!({"kind": kind, "name": name, "file": file}));
    }
    eprintln!("{} definitions are in {}", files.len(), folder.display());
    match global.output().is_table() {
        true => Ok(()),
        false => global.output().data(&json!({"items": files, "next": null})),
    }
}

fn print(global: &Global, all: &[(Kind, String, Value)]) -> Result {
    let mut documents = Vec::new();
    for (kind, name, value) in all {
        documents.push(written(*kind, name, value)?.0);
    }
    global.output().text(&documents.join("---\n"))
}
