//! Blueprints as documents.

use crate::{Blueprint, blueprint::CompiledBlueprint};
use serde_json::Value;

/// Fields of a blueprint that the host reads.
pub const OWN: [&str; 7] = [
    "identifier",
    "title",
    "description",
    "icon",
    "schema",
    "relations",
    "precedence",
];
/// Further ones of Port's, which are kept.
pub const PORT: [&str; 7] = [
    "aggregationProperties",
    "calculationProperties",
    "changelogDestination",
    "mirrorProperties",
    "ownership",
    "permissions",
    "teamInheritance",
];
/// What Port's API adds, and says nothing of entities.
pub const BOOKKEEPING: [&str; 5] = ["createdAt", "createdBy", "id", "updatedAt", "updatedBy"];
/// What Seawall's API adds.
pub const ADDED: [&str; 5] = ["effect", "entities", "recompute", "source", "warnings"];

/// Says in a document that what is wrong with a blueprint is kept as it is: an import and a plugin may bring such, and an export of
/// it has to be taken again. The rest of it works.
pub const KEEP_FAULTS: &str = "keepFaults";

/// A blueprint that was read.
#[derive(Debug)]
pub struct Read {
    /// In its canonical form, with [`KEEP_FAULTS`] where something is wrong with it; or why it is none.
    pub value: Result<Value, String>,
    /// Fields that nobody knows, and that are left out.
    pub unknown: Vec<String>,
    /// Why it cannot be used at all, where it can not: none of its entities can be checked.
    pub unusable: Option<String>,
    /// What is wrong with what it computes, by JSON Pointer. The rest of it can be used all the same.
    pub faults: Vec<(String, String)>,
    /// Whether it says itself that its faults are kept.
    pub keeps_faults: bool,
}

/// Reads a blueprint in Port's shape.
pub fn read(value: &Value) -> Read {
    let mut value = value.clone();
    let mut unknown = Vec::new();
    let keeps_faults = value[KEEP_FAULTS] == true;
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, value| {
            let name = name.as_str();
            let known = OWN.contains(&name) || PORT.contains(&name);
            let passed = ["kind", KEEP_FAULTS].contains(&name) || BOOKKEEPING.contains(&name) || ADDED.contains(&name);
            if !known && !passed {
                unknown.push(name.to_owned());
            }
            // An empty object says what its absence says.
            known && !value.is_null() && !(PORT.contains(&name) && value.as_object().is_some_and(|all| all.is_empty()))
        });
    }
    let (mut unusable, mut faults) = (None, Vec::new());
    let parsed = serde_json::from_value::<Blueprint>(value).map_err(|error| error.to_string());
    let canonical = parsed.and_then(|blueprint| {
        let mut canonical = serde_json::to_value(&blueprint).map_err(|error| error.to_string())?;
        match CompiledBlueprint::new(blueprint) {
            Ok(compiled) => {
                let wrong = compiled.faults().iter();
                faults.extend(wrong.map(|fault| (fault.pointer.clone(), fault.message.clone())));
            }
            Err(error) => unusable = Some(error.to_string()),
        }
        if unusable.is_some() || !faults.is_empty() {
            canonical[KEEP_FAULTS] = true.into();
        }
        Ok(canonical)
    });
    Read {
        value: canonical,
        unknown,
        unusable,
        faults,
        keeps_faults,
    }
}
