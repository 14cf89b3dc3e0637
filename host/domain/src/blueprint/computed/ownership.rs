//! Teams that an entity has from another one.

use super::{ComputedError, steps, text, wrong};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Relations to the entity whose teams own this one too, where the blueprint says so.
pub(super) fn read(
    other: &Map<String, Value>,
    relations: &BTreeSet<String>,
) -> Result<Option<Vec<String>>, ComputedError> {
    // Older definitions of Port's say only `teamInheritance: {path}`.
    if let Some(inheritance) = other.get("teamInheritance").filter(|value| !value.is_null()) {
        let path = text(inheritance, "path", "/teamInheritance", "`system`")?;
        return steps(path, "/teamInheritance/path", relations).map(Some);
    }
    match other.get("ownership") {
        None | Some(Value::Null) => Ok(None),
        Some(ownership) => match ownership["type"].as_str() {
            Some("Direct") => Ok(None),
            Some("Inherited") => {
                let path = text(ownership, "path", "/ownership", "`system`")?;
                steps(path, "/ownership/path", relations).map(Some)
            }
            _ => Err(wrong("/ownership/type", "expected `Direct` or `Inherited`")),
        },
    }
}
