//! What applying definitions would do.

use super::{Definition, FieldChange, GIT, Kind, Origin, Pointed, differences, digest, fit, in_order, pointed};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Who applied a definition last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Of what.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Who, such as `git:platform`.
    pub source: String,
    /// The file, relative to the source's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The digest of the definition as it was applied; none where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// How things stand.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// What there is, in its canonical form. Of entities: what the source says of them, and no other.
    pub now: BTreeMap<(Kind, String), Value>,
    /// Who owns what.
    pub owners: BTreeMap<(Kind, String), Owner>,
    /// What is compared in place of a wanted definition's own value, where [`State::now`] is said otherwise (grants).
    pub compared: BTreeMap<(Kind, String), Value>,
    /// Why something cannot be applied as things stand, such as a grant for a plugin that is not installed.
    pub hindered: BTreeMap<(Kind, String), String>,
    /// Whether what comes from git is read-only elsewhere.
    pub locked: bool,
}

/// What becomes of one definition.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "change")]
pub enum Change {
    /// It is new.
    Create,
    /// Some of its fields change.
    Change {
        /// Which.
        fields: Vec<FieldChange>,
    },
    /// It is gone from the folder, and goes.
    Delete,
    /// It is gone from the folder, and stays, since nobody said that it may go.
    Stays,
    /// It is as it should be.
    Unchanged {
        /// Whether it still has to be noted whose it is.
        claim: bool,
    },
    /// It cannot be applied.
    Hindered {
        /// Why, and what to do.
        why: String,
    },
}

/// One line of a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Of what.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What becomes of it.
    #[serde(flatten)]
    pub change: Change,
    /// Whether somebody else changed it since this source applied it.
    pub drift: bool,
    /// Where it is described; empty for what the folder does not hold.
    pub file: String,
    /// The line, where it is known.
    pub line: Option<u32>,
}

impl Step {
    /// Whether something would be written or removed.
    pub fn changes(&self) -> bool {
        matches!(self.change, Change::Create | Change::Change { .. } | Change::Delete)
    }
}

/// Which ways a plan may go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct May {
    /// Remove what an earlier apply of the same source made and the folder no longer holds.
    pub prune: bool,
    /// With `prune`, also entities of which it no longer says anything.
    pub prune_entities: bool,
    /// With `prune_entities`, also entities that no document can describe ([`is_beyond_documents`]), though an export leaves them out.
    pub prune_placeholders: bool,
    /// Replace what is there and was made by somebody else.
    pub take_over: bool,
}

/// Compares what is wanted with how things stand. Steps stand in the order in which they are to be done: what is needed
/// first, then what goes, the other way round.
pub fn plan(wanted: Vec<Definition>, state: &State, source: &str, may: May) -> Vec<Step> {
    let wanted = in_order(wanted);
    let targets = pointed(&wanted, &state.now);
    let known: BTreeSet<_> = wanted.iter().map(Definition::key).collect();
    let mut steps: Vec<Step> = wanted
        .iter()
        .map(|definition| step(definition, state, source, may))
        .collect();
    let owned = state
        .owners
        .values()
        .filter(|owner| owner.source == source)
        .map(|owner| (owner.kind, owner.name.clone()));
    let said = state.now.keys().filter(|(kind, _)| *kind == Kind::Entity).cloned();
    let own: BTreeMap<&str, &Value> = wanted
        .iter()
        .filter(|definition| definition.kind == Kind::Blueprint)
        .map(|definition| (definition.name.as_str(), &definition.value))
        .collect();
    // The folder cannot hold them, so that it does not is no word on them.
    let is_left = |(kind, name): &(Kind, String)| {
        let now = state.now.get(&(*kind, name.clone()));
        let of = blueprint_of(name);
        let blueprint = own.get(of).copied();
        let blueprint = blueprint.or_else(|| state.now.get(&(Kind::Blueprint, of.to_owned())));
        *kind == Kind::Entity
            && !may.prune_placeholders
            && matches!((now, blueprint), (Some(now), Some(blueprint)) if is_beyond_documents(now, blueprint))
    };
    let mut gone: Vec<(Kind, String)> = owned.chain(said).filter(|key| !known.contains(key)).collect();
    gone.sort();
    gone.dedup();
    // Entities that stay keep their blueprint.
    let mut keeping: BTreeMap<String, usize> = BTreeMap::new();
    for (_, name) in gone
        .iter()
        .filter(|key| key.0 == Kind::Entity && (!may.prune_entities || is_left(key)))
    {
        *keeping.entry(blueprint_of(name).to_owned()).or_default() += 1;
    }
    let gone = gone.into_iter().rev().filter(|key| !is_left(key)).filter_map(|key| {
        let now = state.now.get(&key);
        let now = now.filter(|now| !(key.0 == Kind::Entity && is_placeholder(&key.1, now, &targets)))?;
        let (kind, name) = key.clone();
        Some(Step {
            kind,
            name,
            // Without its policy an organisation would be open to everything: that is no matter of a file that is missing.
            change: match key.0 {
                Kind::Entity if !may.prune_entities => Change::Stays,
                Kind::Blueprint if may.prune && keeping.contains_key(&key.1) => Change::Hindered {
                    why: format!(
                        "the folder no longer has it, and entities of it stay ({}); --prune-entities=true removes them too",
                        keeping[&key.1]
                    ),
                },
                kind if may.prune && !kind.is_single() => Change::Delete,
                _ => Change::Stays,
            },
            drift: drifted(state, &key, source, Some(now)),
            file: String::new(),
            line: None,
        })
    });
    steps.extend(gone);
    steps
}

/// The blueprint in an entity's `BLUEPRINT/IDENTIFIER`.
fn blueprint_of(name: &str) -> &str {
    name.split_once('/').map_or("", |(blueprint, _)| blueprint)
}

fn step(definition: &Definition, state: &State, source: &str, may: May) -> Step {
    let key = definition.key();
    let now = state.now.get(&key);
    let wanted = state.compared.get(&key).unwrap_or(&definition.value);
    let owner = state.owners.get(&key).filter(|_| definition.kind != Kind::Entity);
    let others = owner.filter(|owner| owner.source != source);
    let change = match (state.hindered.get(&key), others, now) {
        (Some(why), _, _) => Change::Hindered { why: why.clone() },
        (None, Some(owner), Some(_)) if state.locked && owner.source.starts_with(GIT) => Change::Hindered {
            why: format!(
                "it comes from {}{}; change it there, or take it out there first",
                owner.source,
                owner.file.as_ref().map(|file| format!(" ({file})")).unwrap_or_default()
            ),
        },
        (None, _, None) => Change::Create,
        (None, _, Some(now)) if now == wanted => Change::Unchanged {
            claim: definition.kind != Kind::Entity && owner.is_none_or(|owner| owner.source != source || owner.digest != Some(digest(now))),
        },
        (None, _, Some(_)) if !may.take_over && definition.kind != Kind::Entity && owner.is_none_or(|owner| owner.source != source) => {
            Change::Hindered {
                why: "there is another one of this name, which this source did not make; give --prefix a word to import beside it, or --overwrite to replace it".to_owned(),
            }
        }
        (None, _, Some(now)) => Change::Change {
            fields: differences(now, wanted),
        },
    };
    let Origin { file, line } = definition.origin.clone();
    Step {
        kind: definition.kind,
        name: definition.name.clone(),
        drift: drifted(state, &key, source, now),
        change,
        file,
        line,
    }
}

/// Whether an entity says nothing and is there because others point to it. It needs no description: whoever points to it makes it.
pub fn is_placeholder(name: &str, now: &Value, targets: &Pointed) -> bool {
    is_silent(now) && targets.contains_key(name)
}

/// Whether an entity says nothing though its blueprint requires something, such as a placeholder to which nobody points any more: a
/// document that says as little would be refused.
pub fn is_beyond_documents(now: &Value, blueprint: &Value) -> bool {
    is_silent(now) && fit::lacks(blueprint, now)
}

fn is_silent(now: &Value) -> bool {
    let says = |field: &str| match &now[field] {
        Value::Null => false,
        Value::Array(all) => !all.is_empty(),
        Value::Object(all) => !all.is_empty(),
        _ => true,
    };
    // Its title is its identifier.
    let named = now["title"].is_null() || now["title"] == now["identifier"];
    named && !["icon", "team", "properties", "relations"].into_iter().any(says)
}

/// Whether what this source applied is no longer what is there.
fn drifted(state: &State, key: &(Kind, String), source: &str, now: Option<&Value>) -> bool {
    let owner = state.owners.get(key).filter(|owner| owner.source == source);
    let applied = owner.and_then(|owner| owner.digest.as_ref());
    applied.is_some_and(|applied| now.is_none_or(|now| digest(now) != *applied))
}
