//! Values of related entities.

use super::{ComputedError, steps, text, wrong};
use serde_json::Value;
use std::collections::BTreeSet;

/// Fields of an entity that mirrors may end with.
pub const META: [&str; 9] = [
    "$identifier",
    "$title",
    "$icon",
    "$team",
    "$blueprint",
    "$createdAt",
    "$updatedAt",
    "$createdBy",
    "$updatedBy",
];

/// A value of a related entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Relations, from this blueprint on; at least one.
    pub relations: Vec<String>,
    /// The property of the last, or one of [`META`].
    pub property: String,
}

pub(super) fn read(definition: &Value, pointer: &str, relations: &BTreeSet<String>) -> Result<Mirror, ComputedError> {
    let path = text(definition, "path", pointer, "`system.tier`")?;
    let at = format!("{pointer}/path");
    let mut steps = steps(path, &at, relations)?;
    let property = steps.pop().filter(|_| !steps.is_empty());
    let property = property.ok_or_else(|| {
        wrong(
            &at,
            format!("`{path}` names a relation alone; write a property behind it: `{path}.$title`"),
        )
    })?;
    if property.starts_with('$') && !META.contains(&property.as_str()) {
        return Err(wrong(
            &at,
            format!("there is no `{property}`; there are: {}", META.join(", ")),
        ));
    }
    Ok(Mirror {
        relations: steps,
        property,
    })
}
