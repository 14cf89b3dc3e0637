//! The plain list: equality filters and one sort.

use super::field::Field;
use crate::BlueprintId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One page of a blueprint's entities. All filters must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct ListQuery {
    /// Whose entities.
    pub blueprint: BlueprintId,
    /// Field equals value; null means that the field is absent.
    pub filters: Vec<(Field, Value)>,
    /// What to sort by. Ties are broken by identifier, ascending.
    pub sort: Field,
    /// From high to low.
    pub descending: bool,
    /// Go on after this place.
    pub after: Option<Place>,
    /// At most so many.
    pub limit: usize,
}

/// Where a page ended: the sort value and the name of its last entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The sort field's value of the last entity; null where absent.
    pub value: Value,
    /// The last entity's identifier.
    pub identifier: String,
    /// Its blueprint, where the list is over several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blueprint: Option<BlueprintId>,
}
