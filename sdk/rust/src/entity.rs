//! Entities of the catalog, as the host shows them to a plugin.

use crate::{bindings::types, failure::Result, json::Json};
use serde::{
    Deserializer,
    de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor},
};
use std::{fmt, marker::PhantomData};

/// Names one entity.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EntityRef {
    /// Its blueprint.
    pub blueprint: String,
    /// Unique within the blueprint.
    pub identifier: String,
}

impl EntityRef {
    /// The entity of this blueprint and identifier.
    pub fn new(blueprint: impl Into<String>, identifier: impl Into<String>) -> Self {
        Self {
            blueprint: blueprint.into(),
            identifier: identifier.into(),
        }
    }
}

/// A named edge. A relation to many is several edges of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Its name in the blueprint.
    pub name: String,
    /// Where it leads.
    pub target: EntityRef,
}

/// One entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// Names it.
    pub id: EntityRef,
    /// What people call it.
    pub title: Option<String>,
    /// A JSON object.
    pub properties: Json,
    /// Its edges.
    pub relations: Vec<Relation>,
}

impl Entity {
    /// One property; `None` where it is absent or null. The others are skipped, not parsed.
    pub fn property<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let mut parser = serde_json::Deserializer::from_slice(self.properties.as_bytes());
        Ok(parser.deserialize_map(OneField {
            name,
            value: PhantomData,
        })?)
    }

    /// Targets of a relation.
    pub fn related<'a>(&'a self, relation: &'a str) -> impl Iterator<Item = &'a EntityRef> {
        let edges = self.relations.iter().filter(move |r| r.name == relation);
        edges.map(|r| &r.target)
    }
}

/// Reads one field of an object.
struct OneField<'a, T> {
    name: &'a str,
    value: PhantomData<T>,
}

impl<'de, T: DeserializeOwned> Visitor<'de> for OneField<'_, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<T>, A::Error> {
        let mut found = None;
        // Keys with escapes cannot be borrowed from the text, so they are read as owned strings.
        while let Some(key) = map.next_key::<String>()? {
            if key == self.name {
                found = map.next_value::<Option<T>>()?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

impl From<types::EntityRef> for EntityRef {
    fn from(id: types::EntityRef) -> Self {
        Self {
            blueprint: id.blueprint,
            identifier: id.identifier,
        }
    }
}

impl From<EntityRef> for types::EntityRef {
    fn from(id: EntityRef) -> Self {
        Self {
            blueprint: id.blueprint,
            identifier: id.identifier,
        }
    }
}

impl From<types::Entity> for Entity {
    fn from(entity: types::Entity) -> Self {
        let relations = entity.relations.into_iter().map(|r| Relation {
            name: r.name,
            target: r.target.into(),
        });
        Self {
            id: entity.id.into(),
            title: entity.title,
            properties: Json::from_bytes(entity.properties),
            relations: relations.collect(),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_one_property_and_skips_the_rest() {
        let entity = Entity {
            id: EntityRef::new("service", "a"),
            title: None,
            properties: Json::from(&json!({"b\"": [1, {}], "tier": 3, "none": null})).unwrap(),
            relations: Vec::new(),
        };
        assert_eq!(entity.property::<u8>("tier").unwrap(), Some(3));
        assert_eq!(entity.property::<String>("none").unwrap(), None);
        assert_eq!(entity.property::<String>("absent").unwrap(), None);
        assert!(entity.property::<String>("tier").is_err());
    }
}
