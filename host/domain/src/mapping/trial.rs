//! Trying a mapping on example items: what `seawall mapping try` shows.
//!
//! [`TrialInput::read`] is the one place of this crate that reads files, so that the command line and the tests read the
//! same layout.

use super::{Blueprints, Call, Mapping, MappingError};
use crate::{Blueprint, Entity, Millis, Report, Severity, blueprint::CompiledBlueprint, document::Document};
use serde::Serialize;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What is tried.
#[derive(Debug, Clone, Default)]
pub struct TrialInput {
    /// Blueprints in Port's shape.
    pub blueprints: Vec<Value>,
    /// The mapping in Port's shape.
    pub mapping: Value,
    /// Example items by kind.
    pub examples: Vec<TrialExample>,
    /// What `now` gives in expressions; none: an error.
    pub now: Option<Millis>,
    /// The mapping's file, so that errors say the place in it.
    pub source: Option<(String, Document)>,
}

/// One example item.
#[derive(Debug, Clone)]
pub struct TrialExample {
    /// Its kind, or the name of a folder for it: `s3-bucket` for `AWS::S3::Bucket`.
    pub kind: String,
    /// The file it came from; stands for its key.
    pub file: String,
    /// JSON as UTF-8.
    pub bytes: Vec<u8>,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Trial {
    /// Blueprints that were loaded.
    pub blueprints: usize,
    /// Blueprints that do not load, and why.
    pub blueprint_errors: Vec<String>,
    /// What is wrong with the mapping. The rest of it was tried all the same.
    pub mapping_errors: Vec<String>,
    /// By kind: those of the mapping in its order, then those that only examples have.
    pub kinds: Vec<TrialKind>,
    /// All kinds together.
    pub total: Tally,
}

/// Counts of a kind, or of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Example items.
    pub items: u64,
    /// Items that no selector chose, or that have a kind that is not mapped.
    pub not_selected: u64,
    /// Entities made.
    pub entities: u64,
    /// Values converted without loss.
    pub converted: u64,
    /// Properties, relations and other fields left out.
    pub left_out: u64,
    /// Entities set aside whole.
    pub set_aside: u64,
}

/// One kind.
#[derive(Debug, Clone, Serialize)]
pub struct TrialKind {
    /// Its name.
    pub kind: String,
    /// Whether the mapping has a resource for it.
    pub mapped: bool,
    /// Its counts.
    pub tally: Tally,
    /// Its items.
    pub items: Vec<TrialItem>,
}

/// One example item and what it became.
#[derive(Debug, Clone, Serialize)]
pub struct TrialItem {
    /// Its file.
    pub file: String,
    /// Why it could not be read, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether a selector chose it.
    pub selected: bool,
    /// Its entities.
    pub entities: Vec<Entity>,
    /// Conversions, what was left out, what was set aside.
    pub reports: Vec<Report>,
}

/// Why a folder cannot be tried.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// A file or folder cannot be read.
    #[error(
        "{path}: {source}; expected resources/blueprints.json, resources/port-app-config.yaml and examples/<kind>/*.json in the folder"
    )]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what its name says. The message names file, line and column.
    #[error("{0}")]
    Text(String),
}

impl TrialInput {
    /// Reads a folder: `resources/blueprints.json` (or `.yaml`), `resources/port-app-config.yaml` (or `.yml`, `.json`), and
    /// `examples/<kind>/*.json`, which may be missing.
    ///
    /// # Errors
    /// What cannot be read, with the file.
    pub fn read(dir: &Path) -> Result<Self, TrialError> {
        let resources = dir.join("resources");
        let blueprints = first(&resources, &["blueprints.json", "blueprints.yaml", "blueprints.yml"])?;
        let blueprints = match document(&blueprints)?.value() {
            Value::Array(all) => all.clone(),
            one => vec![one.clone()],
        };
        let mapping = first(
            &resources,
            &["port-app-config.yaml", "port-app-config.yml", "port-app-config.json"],
        )?;
        let source = document(&mapping)?;
        let mut examples = Vec::new();
        for kind in list(&dir.join("examples"))?.into_iter().filter(|p| p.is_dir()) {
            for file in list(&kind)?
                .into_iter()
                .filter(|p| p.extension().is_some_and(|e| e == "json"))
            {
                let bytes = fs::read(&file).map_err(|source| TrialError::Io {
                    path: file.clone(),
                    source,
                })?;
                examples.push(TrialExample {
                    kind: name(&kind),
                    file: name(&file),
                    bytes,
                });
            }
        }
        Ok(Self {
            blueprints,
            mapping: source.value().clone(),
            examples,
            now: None,
            source: Some((mapping.display().to_string(), source)),
        })
    }

    /// Maps every example.
    pub fn run(&self) -> Trial {
        let mut blueprint_errors = Vec::new();
        let mut blueprints = Blueprints::new();
        for value in &self.blueprints {
            match blueprint(value) {
                Ok(compiled) => {
                    blueprints.insert(compiled.blueprint().identifier.clone(), Arc::new(compiled));
                }
                Err(error) => blueprint_errors.push(error),
            }
        }
        let (mapping, mut errors) = Mapping::compile_what_can_be(&self.mapping);
        if let Some((file, document)) = &self.source {
            errors.iter_mut().for_each(|e| e.locate(file, document));
        }
        let mut kinds: Vec<String> = mapping.kinds().into_iter().map(str::to_owned).collect();
        for example in &self.examples {
            if !kinds.iter().any(|kind| example.is_of(kind)) {
                kinds.push(example.kind.clone());
            }
        }
        let kinds: Vec<TrialKind> = kinds
            .into_iter()
            .map(|kind| self.kind(kind, &mapping, &blueprints))
            .collect();
        let mut total = Tally::default();
        kinds.iter().for_each(|k| total.add(&k.tally));
        Trial {
            blueprints: blueprints.len(),
            blueprint_errors,
            mapping_errors: errors.iter().map(MappingError::to_string).collect(),
            kinds,
            total,
        }
    }

    fn kind(&self, kind: String, mapping: &Mapping, blueprints: &Blueprints) -> TrialKind {
        let mut tally = Tally::default();
        let mut items = Vec::new();
        for example in self.examples.iter().filter(|e| e.is_of(&kind)) {
            let call = Call {
                kind: &kind,
                key: &example.file,
                selector: None,
                strict: false,
                conversions: true,
                now: self.now,
                find: None,
            };
            tally.items += 1;
            items.push(match mapping.map_with(call, &example.bytes, blueprints) {
                Ok(mapped) => {
                    let count = |s| mapped.reports.iter().filter(|r| r.severity == s).count() as u64;
                    tally.not_selected += u64::from(!mapped.selected);
                    tally.entities += mapped.entities.len() as u64;
                    tally.converted += mapped.converted;
                    tally.left_out += count(Severity::LeftOut);
                    tally.set_aside += crate::report::entities_set_aside(&mapped.reports);
                    TrialItem {
                        file: example.file.clone(),
                        error: None,
                        selected: mapped.selected,
                        entities: mapped.entities,
                        reports: mapped.reports,
                    }
                }
                Err(error) => TrialItem {
                    file: example.file.clone(),
                    error: Some(format!("{kind}/{}: no valid JSON: {error}", example.file)),
                    selected: false,
                    entities: Vec::new(),
                    reports: Vec::new(),
                },
            });
        }
        let mapped = mapping.kinds().contains(&kind.as_str());
        TrialKind {
            kind,
            mapped,
            tally,
            items,
        }
    }
}

impl TrialExample {
    /// Whether it is of `kind`. A folder cannot be called `AWS::S3::Bucket`, so `s3-bucket` stands for it too.
    fn is_of(&self, kind: &str) -> bool {
        if self.kind == kind {
            return true;
        }
        let Some((_, own)) = kind.split_once("::") else {
            return false;
        };
        let slug = |s: &str| s.replace("::", "-").to_lowercase();
        self.kind == slug(kind) || self.kind == slug(own)
    }
}

impl Trial {
    /// Whether nothing is wrong: blueprints and mapping load, every item is JSON, and no entity was set aside.
    pub fn is_clean(&self) -> bool {
        let readable = self.kinds.iter().flat_map(|k| &k.items).all(|i| i.error.is_none());
        self.blueprint_errors.is_empty() && self.mapping_errors.is_empty() && readable && self.total.set_aside == 0
    }
}

impl Tally {
    fn add(&mut self, o: &Self) {
        self.items += o.items;
        self.not_selected += o.not_selected;
        self.entities += o.entities;
        self.converted += o.converted;
        self.left_out += o.left_out;
        self.set_aside += o.set_aside;
    }
}

fn blueprint(value: &Value) -> Result<CompiledBlueprint, String> {
    let name = value["identifier"].as_str().unwrap_or("(without identifier)");
    let parsed: Blueprint =
        serde_json::from_value(value.clone()).map_err(|e| format!("blueprint `{name}` is not in Port's shape: {e}"))?;
    CompiledBlueprint::new(parsed).map_err(|e| e.to_string())
}

fn first(dir: &Path, names: &[&str]) -> Result<PathBuf, TrialError> {
    let found = names.iter().map(|n| dir.join(n)).find(|p| p.is_file());
    found.ok_or_else(|| TrialError::Io {
        path: dir.join(names[0]),
        source: std::io::Error::new(
            std::io::ErrorKind::NotFound,
            format!("there is no such file; the folder needs {}", names.join(" or ")),
        ),
    })
}

fn document(path: &Path) -> Result<Document, TrialError> {
    let text = fs::read_to_string(path).map_err(|source| TrialError::Io {
        path: path.to_owned(),
        source,
    })?;
    Document::parse(&path.display().to_string(), &text).map_err(|p| TrialError::Text(p.to_string()))
}

/// The entries of a folder by name; none where it does not exist.
fn list(dir: &Path) -> Result<Vec<PathBuf>, TrialError> {
    let failed = |source| TrialError::Io {
        path: dir.to_owned(),
        source,
    };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(failed(e)),
    };
    let mut out = entries
        .map(|e| e.map(|e| e.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    out.sort();
    Ok(out)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
