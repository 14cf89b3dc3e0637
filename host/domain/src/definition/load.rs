//! A folder of documents as definitions: all of them, or all that is wrong.

use super::{
    Definition, Kind,
    blueprint::{self, KEEP_FAULTS},
    read,
};
use crate::{
    document::stream,
    folder::{self, Files},
    import::{Note, Severity, backstage},
};
use std::collections::{BTreeMap, btree_map::Entry};

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Its definitions, each once.
    pub definitions: Vec<Definition>,
    /// All that is wrong, a line each with file, line and column. Where there are any, nothing may be applied.
    pub problems: Vec<String>,
    /// What of Backstage's documents is not carried, and what of blueprints is kept though it is wrong.
    pub notes: Vec<Note>,
    /// Files that hold no definitions.
    pub passed_over: Vec<String>,
}

/// Reads every YAML and JSON file of a folder.
pub fn load(files: &dyn Files, options: &backstage::Options) -> Loaded {
    let mut out = Loaded::default();
    let mut all: BTreeMap<(Kind, String), Definition> = BTreeMap::new();
    let mut has_backstage = false;
    for path in files.paths() {
        if !folder::has_extension(path, &["yaml", "yml", "json"]) {
            continue;
        }
        let text = match files.read(path) {
            Ok(text) => text,
            Err(why) => {
                out.problems.push(format!("{path}: {why}"));
                continue;
            }
        };
        let mut held = false;
        for part in stream(path, &text) {
            let document = match part {
                Ok(part) => part.document,
                Err(problems) => {
                    // A file that is no YAML may be a template, and is a mistake where it looks like one of ours.
                    held = true;
                    out.problems.push(problems.to_string());
                    continue;
                }
            };
            match read::document(path, &document) {
                Ok(read::Held::Definitions(more)) => {
                    held = true;
                    out.notes.extend(more.iter().flat_map(kept_faults));
                    more.into_iter().for_each(|one| put(&mut all, one, &mut out.problems));
                }
                Ok(read::Held::Backstage) => {
                    held = true;
                    has_backstage = true;
                }
                Ok(read::Held::Nothing) => {}
                Err(problems) => {
                    held = true;
                    out.problems.push(document.locate(problems).to_string());
                }
            }
        }
        if !held {
            out.passed_over.push(path.clone());
        }
    }
    if has_backstage {
        let imported = backstage::import(files, options);
        for note in imported.notes {
            match note.severity {
                // What is no YAML was said already.
                Severity::Wrong if note.what == "the document" => {}
                Severity::Wrong => {
                    let line = note.line.map(|line| format!(":{line}")).unwrap_or_default();
                    out.problems
                        .push(format!("{}{line}: {}: {}", note.file, note.what, note.why));
                }
                Severity::NotCarried | Severity::Placeholder => out.notes.push(note),
            }
        }
        for definition in imported.definitions {
            // A blueprint that the folder describes itself is meant instead of the one made for a kind.
            if definition.kind == Kind::Blueprint && all.contains_key(&definition.key()) {
                continue;
            }
            let (name, value) = match read::canonical(definition.kind, &definition.value) {
                Ok(canonical) => canonical,
                Err(problems) => {
                    let words: Vec<_> = problems.iter().map(ToString::to_string).collect();
                    out.problems
                        .push(format!("{}: {}", definition.origin, words.join("; ")));
                    continue;
                }
            };
            put(
                &mut all,
                Definition {
                    name,
                    value,
                    ..definition
                },
                &mut out.problems,
            );
        }
    }
    out.definitions = all.into_values().collect();
    out.problems.sort();
    out.problems.dedup();
    out
}

/// A note for each fault that a blueprint is to keep.
fn kept_faults(definition: &Definition) -> Vec<Note> {
    if definition.kind != Kind::Blueprint {
        return Vec::new();
    }
    let read = blueprint::read(&definition.value);
    let unusable = read.unusable.map(|why| (String::new(), why));
    let note = |(pointer, why): (String, String)| Note {
        file: definition.origin.file.clone(),
        line: definition.origin.line,
        severity: Severity::NotCarried,
        what: format!("blueprint `{}` {pointer}", definition.name)
            .trim_end()
            .to_owned(),
        why: format!("{why} (`{KEEP_FAULTS}` leaves it as it is; what it computes is not computed)"),
    };
    unusable.into_iter().chain(read.faults).map(note).collect()
}

fn put(all: &mut BTreeMap<(Kind, String), Definition>, definition: Definition, problems: &mut Vec<String>) {
    match all.entry(definition.key()) {
        Entry::Vacant(free) => drop(free.insert(definition)),
        Entry::Occupied(taken) => problems.push(format!(
            "{}: {} `{}` is defined a second time; it is in {} already, so take one of the two out",
            definition.origin,
            definition.kind.word(),
            definition.name,
            taken.get().origin
        )),
    }
}
