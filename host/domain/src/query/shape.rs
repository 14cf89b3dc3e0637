//! What a question has to know of blueprints: names, types, and where relations lead.

use crate::{Blueprint, BlueprintId};
use serde_json::Value;
use std::collections::BTreeMap;

/// The fields of all blueprints.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shape {
    /// By blueprint.
    pub blueprints: BTreeMap<BlueprintId, Fields>,
}

/// The fields of one blueprint.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields {
    /// By property, computed ones too.
    pub properties: BTreeMap<String, PropertyType>,
    /// By relation.
    pub relations: BTreeMap<String, Edge>,
}

/// The type of a property as its JSON Schema has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PropertyType {
    /// `type`; none where it says nothing of it.
    pub kind: Option<String>,
    /// `format`.
    pub format: Option<String>,
    /// The type of a list's entries.
    pub entries: Option<String>,
}

/// Where a relation leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The blueprint of its targets.
    pub target: BlueprintId,
    /// Whether every entity has to have it.
    pub required: bool,
}

/// Where Port's blueprints keep what is computed.
const COMPUTED: [&str; 3] = ["mirrorProperties", "calculationProperties", "aggregationProperties"];

impl Shape {
    /// That of some blueprints.
    pub fn of<'a>(blueprints: impl IntoIterator<Item = &'a Blueprint>) -> Self {
        let blueprints = blueprints
            .into_iter()
            .map(|blueprint| (blueprint.identifier.clone(), Fields::of(blueprint)));
        Self {
            blueprints: blueprints.collect(),
        }
    }

    /// The relation of a blueprint.
    pub fn edge(&self, blueprint: &BlueprintId, relation: &str) -> Option<&Edge> {
        self.blueprints.get(blueprint)?.relations.get(relation)
    }
}

impl Fields {
    fn of(blueprint: &Blueprint) -> Self {
        let mut properties: BTreeMap<_, _> = blueprint
            .schema
            .properties
            .iter()
            .map(|(name, schema)| (name.clone(), PropertyType::of(schema)))
            .collect();
        for computed in COMPUTED {
            for (name, definition) in blueprint
                .other
                .get(computed)
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                let kind = match computed {
                    "calculationProperties" => PropertyType::of(definition),
                    _ => PropertyType::default(),
                };
                properties.entry(name.clone()).or_insert(kind);
            }
        }
        let edge = |relation: &crate::blueprint::Relation| Edge {
            target: relation.target.clone(),
            required: relation.required,
        };
        let relations = &blueprint.relations;
        Self {
            properties,
            relations: relations.iter().map(|(name, to)| (name.clone(), edge(to))).collect(),
        }
    }
}

impl PropertyType {
    fn of(schema: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let kind = text(&schema["type"]).filter(|kind| kind != "enum");
        Self {
            kind,
            format: text(&schema["format"]),
            entries: text(&schema["items"]["type"]),
        }
    }
}
