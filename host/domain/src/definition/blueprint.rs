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
pub const ADDED: [&str; 3] = ["entities", "source", "warnings"];

/// A blueprint that was read.
#[derive(Debug)]
pub struct Read {
    /// In its canonical form; or why it is none.
    pub value: Result<Value, String>,
    /// Fields that nobody knows, and that are left out.
    pub unknown: Vec<String>,
    /// What is wrong with what it computes, by JSON Pointer. The rest of it can be used all the same.
    pub faults: Vec<(String, String)>,
}

/// Reads a blueprint in Port's shape.
pub fn read(value: &Value) -> Read {
    let mut value = value.clone();
    let mut unknown = Vec::new();
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, value| {
            let name = name.as_str();
            let known = OWN.contains(&name) || PORT.contains(&name);
            if !known && name != "kind" && !BOOKKEEPING.contains(&name) && !ADDED.contains(&name) {
                unknown.push(name.to_owned());
            }
            // An empty object says what its absence says.
            known && !value.is_null() && !(PORT.contains(&name) && value.as_object().is_some_and(|all| all.is_empty()))
        });
    }
    let mut faults = Vec::new();
    let parsed = serde_json::from_value::<Blueprint>(value).map_err(|error| error.to_string());
    let checked = parsed.and_then(|blueprint| {
        let canonical = serde_json::to_value(&blueprint).map_err(|error| error.to_string())?;
        let compiled = CompiledBlueprint::new(blueprint).map_err(|error| error.to_string())?;
        let wrong = compiled.faults().iter();
        faults.extend(wrong.map(|fault| (fault.pointer.clone(), fault.message.clone())));
        Ok(canonical)
    });
    Read {
        value: checked,
        unknown,
        faults,
    }
}
