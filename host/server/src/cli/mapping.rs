//! `seawall mapping …`.

use crate::cli::{
    Global,
    error::{CliError, Result},
    output::{Column, at, grid, table, visible},
    workbench,
};
use seawall_domain::{
    Report, Severity,
    mapping::{Tally, Trial, TrialInput, TrialItem, TrialKind},
};
use serde_json::Value;
use std::path::PathBuf;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Mapping {
    /// Try a mapping on a folder of example items
    Try(Try),
    /// Show stored items of an integration
    Items(workbench::Items),
    /// Show what another mapping would make of the stored items
    Preview(workbench::Preview),
    /// Put a mapping in force, and map the stored items anew
    Apply(workbench::Apply),
    /// Put the mapping in force that was before
    Rollback(workbench::Rollback),
    /// Show the mappings that an integration has had
    History(workbench::History),
}

/// Tries a mapping on example items: shows for each kind the items, the entities, values that were converted, properties
/// that were left out and entities that were set aside, each with its reason. Nothing is stored, and no server is needed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall mapping try integrations/github
  seawall mapping try integrations/github -o json | jq '.kinds[] | {kind, tally}'

The folder:
  resources/blueprints.json         blueprints in Port's shape
  resources/port-app-config.yaml    the mapping
  examples/KIND/*.json              items, as the tool answers them

Exit code 1 where an entity is set aside, an expression does not compile, a blueprint does not load or an item cannot be read.")]
pub(crate) struct Try {
    /// The folder
    dir: PathBuf,
}

impl Mapping {
    pub(crate) async fn run(self, global: &Global) -> Result {
        match self {
            Self::Try(one) => one.run(global),
            Self::Items(items) => items.run(global).await,
            Self::Preview(preview) => preview.run(global).await,
            Self::Apply(apply) => apply.run(global).await,
            Self::Rollback(rollback) => rollback.run(global).await,
            Self::History(history) => history.run(global).await,
        }
    }
}

impl Try {
    fn run(self, global: &Global) -> Result {
        let Self { dir } = self;
        let mut input = TrialInput::read(&dir).map_err(|e| CliError::Usage(e.to_string()))?;
        input.now = Some(seawall_engine::system_clock());
        let trial = input.run();
        let output = global.output();
        if output.is_table() {
            output.text(&people(&trial))?;
        } else {
            output.data(&serde_json::to_value(&trial).map_err(|e| CliError::Failed(e.to_string()))?)?;
        }
        if trial.is_clean() {
            Ok(())
        } else {
            Err(CliError::Unwell)
        }
    }
}

fn people(trial: &Trial) -> String {
    let mut parts = Vec::new();
    for (what, errors) in [
        ("blueprint", &trial.blueprint_errors),
        ("mapping", &trial.mapping_errors),
    ] {
        parts.extend(errors.iter().map(|error| format!("{what}: {error}")));
    }
    let errors = trial.blueprint_errors.len() + trial.mapping_errors.len();
    if errors > 0 {
        // What the rest makes of the items must not look as if all were well.
        let said = match errors {
            1 => "1 error above: a server refuses the mapping until it is mended".to_owned(),
            n => format!("{n} errors above: a server refuses the mapping until they are mended"),
        };
        parts.push(format!(
            "NOT USABLE, {said}. What follows was made without what is broken."
        ));
    }
    parts.push(counts(trial));
    parts.extend(trial.kinds.iter().filter_map(kind));
    if errors > 0 {
        // Where a long list ends, its beginning is out of sight.
        parts.push(format!(
            "NOT USABLE: {} at the top",
            if errors == 1 { "see the error" } else { "see the errors" }
        ));
    }
    visible(&parts.join("\n\n"))
}

fn counts(trial: &Trial) -> String {
    let headings = [
        "KIND",
        "ITEMS",
        "NOT SELECTED",
        "ENTITIES",
        "CONVERTED",
        "LEFT OUT",
        "SET ASIDE",
    ]
    .map(str::to_owned)
    .to_vec();
    let row = |name: String, tally: &Tally| {
        let counts = [
            tally.items,
            tally.not_selected,
            tally.entities,
            tally.converted,
            tally.left_out,
            tally.set_aside,
        ];
        std::iter::once(name)
            .chain(counts.map(|count| count.to_string()))
            .collect::<Vec<_>>()
    };
    let rows = trial.kinds.iter().map(|kind| {
        let name = if kind.mapped {
            kind.kind.clone()
        } else {
            format!("{} (not mapped)", kind.kind)
        };
        row(name, &kind.tally)
    });
    let total = row(format!("all, {} blueprints", trial.blueprints), &trial.total);
    grid(headings, rows.chain([total]))
}

const REPORTS: &[Column] = &[
    ("", |v| at(v, "/severity")),
    ("ITEM", |v| at(v, "/key")),
    ("FIELD", |v| at(v, "/field")),
    ("RULE", |v| at(v, "/rule")),
    ("VALUE", |v| at(v, "/value")),
    ("MESSAGE", |v| at(v, "/message")),
];

/// A kind's entities, and what was not taken as it was; none where it has no examples.
fn kind(kind: &TrialKind) -> Option<String> {
    let mut lines = vec![format!("── {}", kind.kind)];
    for TrialItem {
        file,
        error,
        selected,
        entities,
        ..
    } in &kind.items
    {
        match error {
            Some(error) => lines.push(format!("{file}: cannot be read: {error}")),
            None if !selected => lines.push(format!("{file}: not selected")),
            None => {}
        }
        for entity in entities {
            let title = entity
                .title
                .as_deref()
                .map(|title| format!("  {title}"))
                .unwrap_or_default();
            let (properties, relations) = (entity.properties.len(), entity.relations.len());
            lines.push(format!(
                "{file} → {}/{}{title}  ({properties} properties, {relations} relations)",
                entity.blueprint, entity.identifier
            ));
        }
    }
    let reports: Vec<&Report> = kind.items.iter().flat_map(|item| &item.reports).collect();
    if !reports.is_empty() {
        let mut rows: Vec<_> = reports.iter().map(|report| (rank(report.severity), report)).collect();
        rows.sort_by_key(|(rank, _)| *rank);
        let rows: Vec<Value> = rows
            .into_iter()
            .filter_map(|(_, report)| serde_json::to_value(report).ok())
            .collect();
        lines.push(String::new());
        lines.push(table(&rows, REPORTS));
    }
    (lines.len() > 1).then(|| lines.join("\n"))
}

/// What was lost first.
fn rank(severity: Severity) -> u8 {
    match severity {
        Severity::SetAside => 0,
        Severity::LeftOut => 1,
        Severity::Converted => 2,
    }
}
