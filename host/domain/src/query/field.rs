//! What a rule looks at, and what a list is sorted by.

use serde::{Deserialize, Serialize};

/// A field of an entity that can be filtered or sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// `$identifier`.
    Identifier,
    /// `$title`; an entity without one sorts by its identifier.
    Title,
    /// `$team`; equality means that one of the teams is it.
    Team,
    /// `$icon`.
    Icon,
    /// `$blueprint`.
    Blueprint,
    /// `$updatedAt`, a moment; milliseconds since 1970 as a number.
    UpdatedAt,
    /// `$createdAt`, a moment; milliseconds since 1970 as a number.
    CreatedAt,
    /// `$createdBy`.
    CreatedBy,
    /// `$updatedBy`.
    UpdatedBy,
    /// A property by name.
    Property(String),
    /// A relation by name; equality means that one of its targets is it.
    Relation(String),
}

/// Names of meta properties.
pub(super) const META: [&str; 9] = [
    "$identifier",
    "$title",
    "$team",
    "$icon",
    "$blueprint",
    "$createdAt",
    "$updatedAt",
    "$createdBy",
    "$updatedBy",
];

impl Field {
    /// Reads `$title`, `relations.owner`, `properties.tier` or plain `tier`, without knowing which properties there are: the whole
    /// text is the name. [`super::Scope::operand`] knows more.
    ///
    /// # Errors
    /// The text, where it names a meta property that does not exist.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(match text {
            "identifier" => Self::Identifier,
            "title" => Self::Title,
            "team" => Self::Team,
            _ if text.starts_with('$') => return Self::meta(text),
            _ => match text.split_once('.') {
                Some(("properties", name)) => Self::Property(name.to_owned()),
                Some(("relations", name)) => Self::Relation(name.to_owned()),
                _ => Self::Property(text.to_owned()),
            },
        })
    }

    /// Reads `$title` and its like.
    pub(super) fn meta(text: &str) -> Result<Self, String> {
        Ok(match text {
            "$identifier" => Self::Identifier,
            "$title" => Self::Title,
            "$team" => Self::Team,
            "$icon" => Self::Icon,
            "$blueprint" => Self::Blueprint,
            "$updatedAt" => Self::UpdatedAt,
            "$createdAt" => Self::CreatedAt,
            "$createdBy" => Self::CreatedBy,
            "$updatedBy" => Self::UpdatedBy,
            _ => {
                let hint = super::error::or_nearest(text, META);
                return Err(format!("`{text}` is no meta property{hint}"));
            }
        })
    }

    /// As it is written in rules.
    pub fn name(&self) -> String {
        match self {
            Self::Identifier => "$identifier".into(),
            Self::Title => "$title".into(),
            Self::Team => "$team".into(),
            Self::Icon => "$icon".into(),
            Self::Blueprint => "$blueprint".into(),
            Self::UpdatedAt => "$updatedAt".into(),
            Self::CreatedAt => "$createdAt".into(),
            Self::CreatedBy => "$createdBy".into(),
            Self::UpdatedBy => "$updatedBy".into(),
            Self::Property(name) => format!("properties.{name}"),
            Self::Relation(name) => format!("relations.{name}"),
        }
    }
}

/// A step along a relation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hop {
    /// Its name.
    pub relation: String,
    /// One to so many such steps, one after the other; 1 for a plain step.
    pub most: u32,
}

/// What a rule looks at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Operand {
    /// Relations to go along first; the rule holds if it does for one of the entities at the end.
    pub via: Vec<Hop>,
    /// The field there.
    pub field: Field,
    /// Into a property's object, member by member.
    pub path: Vec<String>,
}

impl Operand {
    /// A field of the entity itself.
    pub fn of(field: Field) -> Self {
        Self {
            via: Vec::new(),
            field,
            path: Vec::new(),
        }
    }

    /// The field, where there is no path before or behind it.
    pub fn plain(&self) -> Option<&Field> {
        (self.via.is_empty() && self.path.is_empty()).then_some(&self.field)
    }
}
