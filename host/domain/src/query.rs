//! What a list of entities is asked for. Equality filters and one sort now; the full query tree joins here.

use crate::BlueprintId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A field of an entity that can be filtered or sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// `$identifier`.
    Identifier,
    /// `$title`; an entity without one sorts by its identifier.
    Title,
    /// `$team`; equality means that one of the teams is it.
    Team,
    /// `$updatedAt`, milliseconds since 1970.
    UpdatedAt,
    /// `$createdAt`, milliseconds since 1970.
    CreatedAt,
    /// A property by name.
    Property(String),
    /// A relation by name; equality means that one of its targets is it.
    Relation(String),
}

impl Field {
    /// Reads `$title`, `relations.owner`, `properties.tier` or plain `tier`.
    ///
    /// # Errors
    /// The text, where it names a meta property that does not exist.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(match text {
            "$identifier" | "identifier" => Self::Identifier,
            "$title" | "title" => Self::Title,
            "$team" | "team" => Self::Team,
            "$updatedAt" => Self::UpdatedAt,
            "$createdAt" => Self::CreatedAt,
            _ if text.starts_with('$') => {
                return Err(format!(
                    "`{text}` is no meta property; there are $identifier, $title, $team, $createdAt and $updatedAt"
                ));
            }
            _ => match text.split_once('.') {
                Some(("properties", name)) => Self::Property(name.to_owned()),
                Some(("relations", name)) => Self::Relation(name.to_owned()),
                _ => Self::Property(text.to_owned()),
            },
        })
    }
}

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

/// Where a page ended: the sort value and the identifier of its last entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The sort field's value of the last entity; null where absent.
    pub value: Value,
    /// The last entity's identifier.
    pub identifier: String,
}
