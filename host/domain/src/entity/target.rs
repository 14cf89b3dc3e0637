//! What a relation points to.

use crate::EntityId;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, SeqAccess, Visitor},
};
use serde_json::Value;
use std::fmt;

/// What a relation points to: identifiers of the relation's target blueprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum RelationTarget {
    /// A single relation.
    One(EntityId),
    /// A `many` relation, without repeats.
    Many(Vec<EntityId>),
}

impl RelationTarget {
    /// All targets, in order.
    pub fn targets(&self) -> &[EntityId] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }

    /// A string for one target, an array of strings for many.
    pub fn to_json(&self) -> Value {
        match self {
            Self::One(id) => id.as_str().into(),
            Self::Many(ids) => ids.iter().map(EntityId::as_str).collect::<Vec<_>>().into(),
        }
    }
}

/// By hand, so that what is neither is told by what it is.
impl<'de> Deserialize<'de> for RelationTarget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = RelationTarget;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an identifier or a list of identifiers")
    }

    fn visit_str<E: Error>(self, one: &str) -> Result<RelationTarget, E> {
        EntityId::new(one).map(RelationTarget::One).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<RelationTarget, A::Error> {
        let mut many = Vec::new();
        while let Some(one) = all.next_element()? {
            many.push(one);
        }
        Ok(RelationTarget::Many(many))
    }
}
