//! Saved views as documents: the fields of a view, and its name.

use crate::query::View;
use serde_json::Value;

/// The name and the canonical form of a view's document.
///
/// # Errors
/// What is none of a view's.
pub(super) fn canonical(document: &Value) -> Result<(String, Value), String> {
    let mut fields = document.clone();
    let name = fields
        .as_object_mut()
        .and_then(|fields| fields.remove("name"))
        .and_then(|name| name.as_str().map(str::to_owned))
        .ok_or("it has no `name`")?;
    let view: View = serde_json::from_value(fields).map_err(|error| error.to_string())?;
    let mut value = serde_json::to_value(view).map_err(|error| error.to_string())?;
    value["name"] = name.as_str().into();
    Ok((name, value))
}
