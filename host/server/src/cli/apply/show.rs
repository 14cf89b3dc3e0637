//! Plans as people read them.

use super::work::Failure;
use crate::cli::output::{grid, plain};
use seawall_domain::{
    definition::{Change, Kind, Step},
    import::{Note, Severity},
    text::cut,
};
use std::collections::BTreeMap;

/// More entities of one blueprint with the same change stand in one line.
const FEW: usize = 10;

/// A line for each step that is not simply unchanged.
pub(super) fn steps(steps: &[Step]) -> String {
    let mut rows = Vec::new();
    let mut many: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for step in steps.iter().filter(|step| step.kind == Kind::Entity) {
        *many.entry((word(&step.change), blueprint(step))).or_default() += 1;
    }
    for step in steps {
        let quiet = matches!(step.change, Change::Unchanged { claim: false }) && !step.drift;
        let key = (word(&step.change), blueprint(step));
        if quiet {
            continue;
        }
        if step.kind == Kind::Entity && many.get(&key).is_some_and(|count| *count > FEW) {
            continue;
        }
        let drift = if step.drift {
            " (changed by somebody else since)"
        } else {
            ""
        };
        rows.push(vec![
            format!("{}{drift}", word(&step.change)),
            step.kind.name().to_owned(),
            step.name.clone(),
            details(step),
            place(&step.file, step.line),
        ]);
    }
    for ((word, blueprint), count) in many
        .into_iter()
        .filter(|((word, _), count)| *count > FEW && *word != "unchanged")
    {
        rows.push(vec![
            word.to_owned(),
            Kind::Entity.name().to_owned(),
            format!("{count} of {blueprint}"),
            String::new(),
            String::new(),
        ]);
    }
    if rows.is_empty() {
        return String::new();
    }
    let headings = ["CHANGE", "KIND", "NAME", "WHAT", "FILE"].map(str::to_owned).to_vec();
    grid(headings, rows)
}

fn blueprint(step: &Step) -> &str {
    step.name.split_once('/').map_or("", |(blueprint, _)| blueprint)
}

fn word(change: &Change) -> &'static str {
    match change {
        Change::Create => "create",
        Change::Change { .. } => "change",
        Change::Delete => "delete",
        Change::Stays => "stays",
        Change::Unchanged { claim: true } => "take over",
        Change::Unchanged { claim: false } => "unchanged",
        Change::Hindered { .. } => "cannot",
    }
}

fn details(step: &Step) -> String {
    match &step.change {
        Change::Change { fields } => {
            let shown = |value: &serde_json::Value| match value {
                serde_json::Value::Null => "nothing".to_owned(),
                value => cut(&plain(value), 60).into_owned(),
            };
            let line = |field: &seawall_domain::definition::FieldChange| {
                format!("{}: {} → {}", field.field, shown(&field.before), shown(&field.after))
            };
            fields.iter().map(line).collect::<Vec<_>>().join("\n")
        }
        Change::Hindered { why } => why.clone(),
        Change::Stays if step.kind == Kind::Entity => {
            "the folder no longer says anything of it; --prune --prune-entities=true removes it".to_owned()
        }
        Change::Stays => "the folder no longer has it; --prune removes it".to_owned(),
        _ => String::new(),
    }
}

fn place(file: &str, line: Option<u32>) -> String {
    match line {
        Some(line) if !file.is_empty() => format!("{file}:{line}"),
        _ => file.to_owned(),
    }
}

/// `2 to create, 1 to change, 5 unchanged`.
pub(super) fn counts(steps: &[Step]) -> String {
    let names = [
        ("create", "to create"),
        ("change", "to change"),
        ("delete", "to delete"),
        ("take over", "to take over as they are"),
        ("stays", "that the folder no longer has"),
        ("cannot", "that cannot be applied"),
        ("unchanged", "unchanged"),
    ];
    let count = |name: &str| steps.iter().filter(|step| word(&step.change) == name).count();
    let parts: Vec<_> = names
        .into_iter()
        .map(|(name, words)| (count(name), words))
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    if parts.is_empty() {
        "nothing".to_owned()
    } else {
        parts.join(", ")
    }
}

/// What is not carried, and what is wrong.
pub(super) fn notes(notes: &[Note]) -> String {
    let headings = ["", "WHERE", "WHAT", "WHY"].map(str::to_owned).to_vec();
    let rows = notes.iter().map(|note| {
        let severity = match note.severity {
            Severity::Wrong => "wrong",
            Severity::NotCarried => "not carried",
            Severity::Placeholder => "placeholder",
        };
        vec![
            severity.to_owned(),
            place(&note.file, note.line),
            note.what.clone(),
            note.why.clone(),
        ]
    });
    if notes.is_empty() {
        String::new()
    } else {
        grid(headings, rows)
    }
}

/// What did not work.
pub(super) fn failures(failures: &[Failure]) -> String {
    let headings = ["FAILED", "NAME", "WHY", "FILE"].map(str::to_owned).to_vec();
    let rows = failures.iter().map(|failure| {
        vec![
            failure.kind.name().to_owned(),
            failure.name.clone(),
            failure.why.clone(),
            place(&failure.file, failure.line),
        ]
    });
    if failures.is_empty() {
        String::new()
    } else {
        grid(headings, rows)
    }
}
