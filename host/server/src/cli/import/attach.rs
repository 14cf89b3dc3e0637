//! Mapping files given to the integrations of their tools.

use crate::cli::{apply::Task, client::Client, error::Result, output::items};
use seawall_domain::{
    definition::{Change, FieldChange, Kind, Step},
    import::{Note, Severity},
};
use serde_json::Value;

/// An integration with the mapping that it gets.
pub(super) struct Attached {
    name: String,
    definition: Value,
}

/// Finds the integration of each mapping's tool: of its name, or of its plugin where there is one such. One that has another
/// mapping keeps it unless `overwrite`.
pub(super) async fn mappings(
    client: &Client,
    task: &mut Task,
    overwrite: bool,
    notes: &mut Vec<Note>,
) -> Result<Vec<Attached>> {
    let tools: Vec<_> = task
        .wanted
        .values()
        .filter(|wanted| wanted.kind == Kind::Mapping)
        .cloned()
        .collect();
    if tools.is_empty() {
        return Ok(Vec::new());
    }
    let all = client.all(&["integrations"], &[]).await?;
    let mut attached = Vec::new();
    for tool in tools {
        let named = |field: &str| {
            items(&all)
                .iter()
                .filter(|one| one[field] == tool.name.as_str())
                .collect::<Vec<_>>()
        };
        let found = match (named("name").as_slice(), named("plugin").as_slice()) {
            ([one], _) | ([], [one]) => one["name"].as_str().unwrap_or_default().to_owned(),
            (_, several) => {
                let why = if several.is_empty() {
                    "there is no integration of this tool yet; the mapping is kept, and `seawall export --kind Mapping` gives it back"
                } else {
                    "several integrations are of this tool; the mapping is kept: put it into the one that is meant"
                };
                notes.push(Note {
                    file: tool.origin.file.clone(),
                    line: tool.origin.line,
                    severity: Severity::NotCarried,
                    what: format!("mapping of `{}` as an integration's", tool.name),
                    why: why.to_owned(),
                });
                continue;
            }
        };
        let Some(mut definition) = crate::cli::apply::state::integration(client, &found).await? else {
            continue;
        };
        let mut mapping = tool.value.clone();
        if let Some(fields) = mapping.as_object_mut() {
            fields.remove("tool");
        }
        let before = definition["mapping"].clone();
        if before == mapping {
            continue;
        }
        let change = if !before.is_null() && !overwrite {
            Change::Hindered {
                why: "the integration has a mapping of its own; give --overwrite to replace it".into(),
            }
        } else {
            definition["mapping"] = mapping.clone();
            attached.push(Attached {
                name: found.clone(),
                definition,
            });
            Change::Change {
                fields: vec![FieldChange {
                    field: "mapping".into(),
                    before,
                    after: mapping,
                }],
            }
        };
        task.steps.push(Step {
            kind: Kind::Integration,
            name: found,
            change,
            drift: false,
            file: tool.origin.file.clone(),
            line: tool.origin.line,
        });
    }
    Ok(attached)
}

/// Puts them. The integration stays whose it was: an import makes nothing of it but the mapping.
pub(super) async fn put(client: &Client, attached: Vec<Attached>) -> Result {
    for Attached { name, definition } in attached {
        client.put(&["integrations", &name], definition).await?;
        eprintln!("integration {name} has the mapping");
    }
    Ok(())
}
