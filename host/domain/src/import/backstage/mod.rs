//! Backstage's catalog files: entities of a folder as blueprints and entities.
//!
//! Each kind becomes a blueprint of its name in lower case, with typed properties. An entity's identifier is its name, or
//! `namespace/name` outside the default namespace, in lower case, since Backstage compares without regard to case.
//!
//! Of each of Backstage's pairs of relations one side is stored, and the other one is who refers to the entity:
//!
//! | pair | stored as | on |
//! |---|---|---|
//! | ownedBy, ownerOf | `owner` (a group), `ownedByUser` (a user) | what is owned |
//! | partOf, hasPart: a system's parts | `system` | component, api, resource |
//! | partOf, hasPart: a domain's systems | `domain` | system |
//! | partOf, hasPart: subcomponents | `subcomponentOf` | component |
//! | partOf, hasPart: subdomains | `subdomainOf` | domain |
//! | providesApi, apiProvidedBy | `providesApis` | component |
//! | consumesApi, apiConsumedBy | `consumesApis` | component |
//! | dependsOn, dependencyOf | `dependsOnComponents`, `dependsOnResources`, … by the target's kind | component, resource |
//! | parentOf, childOf | `parent` | group |
//! | memberOf, hasMember | `memberOf` | user |
//!
//! A word from the other side (`dependencyOf`, `children`, `members`) is put where it is stored, if that entity is in the
//! folder. Shapes: <https://backstage.io/docs/features/software-catalog/descriptor-format>; defaults of references as in
//! `BuiltinKindsEntityProcessor` of Backstage's catalog.

mod api;
mod blueprints;
mod checkout;
mod entity;
mod placeholder;
mod read;
mod reference;
mod relations;

pub use checkout::Checkout;

use super::Imported;
use crate::{
    definition::{Definition, Kind, Origin},
    document::Document,
    folder::Files,
};
use reference::Reference;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// How a folder is read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Before each blueprint's identifier: `backstage` makes `backstageComponent`. Empty: `component`.
    pub prefix: String,
    /// What the folder is a checkout of, so that addresses of its own files are read from it.
    pub checkout: Option<Checkout>,
}

impl Options {
    /// The blueprint of a kind.
    fn blueprint(&self, kind: &str) -> String {
        let mut letters = kind.chars();
        match letters.next() {
            Some(first) if !self.prefix.is_empty() => {
                format!("{}{}{}", self.prefix, first.to_uppercase(), letters.as_str())
            }
            _ => kind.to_owned(),
        }
    }
}

/// One document of a file, with what it is an entity of.
struct Source {
    file: String,
    line: u32,
    document: Document,
}

/// An entity on its way.
struct Draft {
    reference: Reference,
    file: String,
    line: u32,
    title: String,
    properties: Map<String, Value>,
    /// What of the spec has no property of its own, and is not carried whole as relations.
    rest: Map<String, Value>,
    /// Relation, target, whether there may be several.
    relations: BTreeMap<String, Target>,
}

/// Where a relation points to.
struct Target {
    kind: String,
    many: bool,
    identifiers: Vec<String>,
}

/// Whether a document is an entity of Backstage's.
pub fn is_entity(value: &Value) -> bool {
    let version = value["apiVersion"].as_str().unwrap_or_default();
    let group = version.split_once('/').map_or(version, |(group, _)| group);
    (group == "backstage.io" || group.ends_with(".backstage.io")) && value["kind"].is_string()
}

/// Reads a folder or checkout.
pub fn import(files: &dyn Files, options: &Options) -> Imported {
    let mut out = Imported::default();
    let sources = read::sources(files, options, &mut out);
    let mut drafts: BTreeMap<Reference, Draft> = BTreeMap::new();
    let mut words = Vec::new();
    for source in sources {
        let Some((draft, spoken)) = entity::draft(files, options, &source, &mut out) else {
            continue;
        };
        if let Some(first) = drafts.get(&draft.reference) {
            let why = format!(
                "it is defined before, in {}:{}, and that one is taken; rename one of the two",
                first.file, first.line
            );
            out.wrong((&source.file, Some(source.line)), draft.reference.to_string(), why);
            continue;
        }
        words.extend(spoken);
        drafts.insert(draft.reference.clone(), draft);
    }
    relations::place(&mut drafts, words, &mut out);
    let kinds: BTreeSet<&str> = drafts.keys().map(|reference| reference.kind.as_str()).collect();
    out.definitions = blueprints::of(&kinds, &drafts, options);
    out.definitions
        .extend(drafts.into_values().map(|draft| finished(draft, options)));
    out.in_order()
}

fn finished(draft: Draft, options: &Options) -> Definition {
    let Draft {
        reference,
        file,
        line,
        title,
        mut properties,
        rest,
        relations,
    } = draft;
    if !rest.is_empty() {
        properties.insert("spec".into(), Value::Object(rest));
    }
    let team: Vec<_> = relations
        .get("owner")
        .into_iter()
        .flat_map(|owner| owner.identifiers.clone())
        .collect();
    let relations: Map<String, Value> = relations
        .into_iter()
        .map(|(name, mut target)| {
            let value = match target.many {
                true => target.identifiers.into(),
                false => target.identifiers.pop().into(),
            };
            (name, value)
        })
        .collect();
    let mut value = serde_json::json!({
        "blueprint": options.blueprint(&reference.kind),
        "identifier": reference.identifier(),
        "title": title,
        "properties": properties,
        "relations": relations,
    });
    if !team.is_empty() {
        value["team"] = team.into();
    }
    let name = format!("{}/{}", options.blueprint(&reference.kind), reference.identifier());
    Definition {
        kind: Kind::Entity,
        name,
        value,
        origin: Origin { file, line: Some(line) },
    }
}

#[cfg(test)]
mod tests;
