//! Port's folders: blueprints, entities, mapping files, actions, automations and scorecards as Port's API, its Terraform
//! users and its Ocean framework keep them, one to a file or many.
//!
//! Blueprints and entities are carried as they stand. A mapping file is kept under its tool's name, for the integration
//! that it belongs to. Actions, automations and scorecards are kept as they are and given back by an export. Everything
//! else is noted.

mod classify;
mod fit;

use super::{Imported, mistakes};
use crate::{
    definition::{Definition, Kind, Origin, blueprint},
    document::stream,
    folder::{self, Files},
    mapping::{LeftOut, Mapping},
};
use classify::{Found, classify};
use serde_json::Value;
use std::collections::BTreeMap;

/// Larger documents are read without the places of their values, which would take as much memory again.
const PLACED: usize = 1 << 20;

/// Where a value stands.
struct Place {
    file: String,
    line: Option<u32>,
    /// Where in the document, for words about it.
    pointer: String,
}

impl Place {
    fn at(&self) -> (&str, Option<u32>) {
        (&self.file, self.line)
    }

    fn origin(&self) -> Origin {
        Origin {
            file: self.file.clone(),
            line: self.line,
        }
    }

    fn what(&self, what: &str) -> String {
        match self.pointer.as_str() {
            "" => what.to_owned(),
            pointer => format!("{what} at {pointer}"),
        }
    }
}

/// Reads a folder. `tool` is whose mapping files are that lie in no tool's folder.
pub fn import(files: &dyn Files, tool: &str) -> Imported {
    let mut out = Imported::default();
    let mut examples: BTreeMap<String, usize> = BTreeMap::new();
    for path in files.paths() {
        if !folder::has_extension(path, &["json", "yaml", "yml"]) {
            continue;
        }
        if let Some(folder) = examples_folder(files, path) {
            *examples.entry(folder).or_default() += 1;
            continue;
        }
        match files.read(path) {
            Ok(text) => file(path, &text, tool, &mut out),
            Err(why) => out.left((path, None), "the file", why),
        }
    }
    for (folder, count) in examples {
        let why = "a tool's answers, of which its mapping makes entities; try them with `seawall mapping try`";
        out.left((&folder, None), format!("example items ({count} files)"), why);
    }
    once(&mut out);
    fit::entities(&mut out);
    out.in_order()
}

/// `…/examples/KIND` for an item that Ocean keeps beside a tool's `resources`.
fn examples_folder(files: &dyn Files, path: &str) -> Option<String> {
    let kind = folder::parent(path);
    let examples = folder::parent(kind);
    if folder::name(examples) != "examples" {
        return None;
    }
    let tool = folder::parent(examples);
    let resources = if tool.is_empty() {
        "resources/".to_owned()
    } else {
        format!("{tool}/resources/")
    };
    files
        .paths()
        .iter()
        .any(|path| path.starts_with(&resources))
        .then(|| kind.to_owned())
}

fn file(path: &str, text: &str, tool: &str, out: &mut Imported) {
    let before = out.definitions.len() + out.notes.len();
    if text.len() > PLACED && folder::has_extension(path, &["json"]) {
        match serde_json::from_str::<Value>(text) {
            Ok(value) => whole((path, tool), &value, &|_| None, out),
            Err(error) => {
                let line = u32::try_from(error.line()).ok();
                out.wrong((path, line), "the document", format!("it is no JSON: {error}"));
            }
        }
        return;
    }
    for part in stream(path, text) {
        match part {
            Ok(part) => {
                let line = |pointer: &str| part.document.position(pointer).map(|at| at.line);
                whole((path, tool), part.document.value(), &line, out);
            }
            Err(problems) => {
                for (line, what, why) in mistakes(&problems) {
                    out.wrong((path, line), what, why);
                }
            }
        }
    }
    if out.definitions.len() + out.notes.len() == before {
        out.passed_over.push(path.to_owned());
    }
}

fn whole((path, tool): (&str, &str), value: &Value, line: &dyn Fn(&str) -> Option<u32>, out: &mut Imported) {
    let place = |pointer: &str| Place {
        file: path.to_owned(),
        line: line(pointer),
        pointer: pointer.to_owned(),
    };
    for (pointer, found) in classify(value) {
        take(found, &place(&pointer), tool, out);
    }
}

fn take(found: Found<'_>, place: &Place, tool: &str, out: &mut Imported) {
    match found {
        Found::Blueprint(value) => take_blueprint(value, place, out),
        Found::Entity(value) => match value["identifier"].as_str() {
            Some(identifier) => {
                let name = format!("{}/{identifier}", value["blueprint"].as_str().unwrap_or_default());
                keep(Kind::Entity, name, value.clone(), place, out);
            }
            None => out.wrong(
                place.at(),
                place.what("an entity"),
                "expected an `identifier` that is a text",
            ),
        },
        Found::Mapping(value) => take_mapping(value, place, tool, out),
        Found::Kept(kind, blueprint, value) => {
            let identifier = value["identifier"].as_str().unwrap_or_default();
            let mut value = value.clone();
            let mut name = identifier.to_owned();
            if kind == Kind::Scorecard {
                match blueprint.or_else(|| value["blueprint"].as_str()).map(str::to_owned) {
                    Some(blueprint) => {
                        name = format!("{blueprint}/{identifier}");
                        value["blueprint"] = blueprint.into();
                    }
                    None => {
                        let why = "a scorecard judges entities of a blueprint; add `blueprint: NAME`";
                        out.wrong(place.at(), place.what(&format!("scorecard `{identifier}`")), why);
                        return;
                    }
                }
            } else if let Some(blueprint) = blueprint {
                value["blueprint"] = blueprint.into();
            }
            keep(kind, name, value, place, out);
        }
        Found::Left(what, why) => out.left(place.at(), place.what(&what), why),
    }
}

fn keep(kind: Kind, name: String, value: Value, place: &Place, out: &mut Imported) {
    out.definitions.push(Definition {
        kind,
        name,
        value,
        origin: place.origin(),
    });
}

fn take_blueprint(value: &Value, place: &Place, out: &mut Imported) {
    let name = value["identifier"].as_str().unwrap_or_default().to_owned();
    let what = |what: &str| place.what(&format!("blueprint `{name}`{what}"));
    let read = blueprint::read(value);
    for field in read.unknown {
        let why = "neither Port's documentation nor Seawall knows such a field of a blueprint";
        out.left(place.at(), what(&format!(", `{field}`")), why);
    }
    for (pointer, fault) in read.faults {
        let meaning = match pointer.starts_with("/schema") {
            true => "it is kept as it is",
            false => "it is kept, and computes nothing",
        };
        out.left(
            place.at(),
            what(&format!(", `{pointer}`")),
            format!("{meaning}: {fault}"),
        );
    }
    match (read.unusable, read.value) {
        (None, Ok(value)) => keep(Kind::Blueprint, name, value, place, out),
        (Some(why), _) | (None, Err(why)) => out.wrong(place.at(), what(""), why),
    }
}

/// A mapping file belongs to the tool whose folder it is in: `TOOL/resources/port-app-config.yaml`, `TOOL/.port/…`.
fn take_mapping(value: &Value, place: &Place, tool: &str, out: &mut Imported) {
    let mut folders = folder::parent(&place.file).rsplit('/');
    let own = folders.find(|name| !["resources", ".port", "port", ""].contains(name));
    let tool = own.unwrap_or(tool).to_owned();
    let mapping = match Mapping::compile(value) {
        Ok(mapping) => mapping,
        Err(errors) => {
            for error in errors {
                out.wrong(
                    place.at(),
                    place.what(&format!("mapping of `{tool}`")),
                    error.to_string(),
                );
            }
            return;
        }
    };
    for LeftOut { kind, field, why } in mapping.left_out() {
        let what = format!("mapping of `{tool}`, kind `{kind}`, `{field}`");
        out.left(place.at(), place.what(&what), why);
    }
    let mut value = value.clone();
    value["tool"] = tool.clone().into();
    keep(Kind::Mapping, tool, value, place, out);
}

/// Of what is there several times the first is taken, and the others are mistakes unless they say the same.
fn once(out: &mut Imported) {
    let mut first: BTreeMap<(Kind, String), usize> = BTreeMap::new();
    let all = std::mem::take(&mut out.definitions);
    let mut kept: Vec<Definition> = Vec::new();
    for definition in all {
        let key = (definition.kind, definition.name.clone());
        match first.get(&key) {
            None => {
                first.insert(key, kept.len());
                kept.push(definition);
            }
            Some(at) if kept[*at].value == definition.value => {}
            Some(at) => {
                let why = format!(
                    "it is there before, in {}, and that one is taken; rename one of the two",
                    kept[*at].origin
                );
                let what = format!("{} `{}`", definition.kind.word(), definition.name);
                out.wrong((&definition.origin.file, definition.origin.line), what, why);
            }
        }
    }
    out.definitions = kept;
}

#[cfg(test)]
mod tests;
