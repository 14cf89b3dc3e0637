//! What a plugin makes of a conversation: what a test expects.

use crate::{
    Entity, Report,
    document::{Document, Problem, Problems},
    entity::merge,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// All that came of a cassette. Names are sorted, so that two of the same are the same text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// What was listed, by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pull: BTreeMap<String, Listing>,
    /// What an operation did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Done>,
    /// What a delivery changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Changes>,
    /// Why it did not end well, in the plugin's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// What came of one kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// By name, with the mapping's selector behind it as integrations show them.
    pub partitions: BTreeMap<String, Part>,
    /// What the items map to, by `blueprint/identifier`; several items of one are merged.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub entities: BTreeMap<String, Value>,
    /// What was left out or set aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<Report>,
}

/// What came of one partition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Pages.
    pub pages: u32,
    /// What stood at the end: `snapshot-complete`, `caught-up`, or `more` where pages were left.
    pub end: String,
    /// Items by key.
    pub items: BTreeMap<String, Value>,
    /// Keys of items that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
}

/// How an operation ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// `succeeded` or `failed`.
    pub state: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its outputs.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub outputs: Value,
    /// Where a person can follow up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// What the tool now holds.
    #[serde(flatten)]
    pub changes: Changes,
}

/// Changes outside a pass.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    /// By `kind/partition/key`: the item as it is now, or `removed`.
    #[serde(default)]
    pub changes: BTreeMap<String, Value>,
    /// What the items map to, by `blueprint/identifier`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub entities: BTreeMap<String, Value>,
    /// What was left out or set aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<Report>,
}

impl Outcome {
    /// Merges entities as the catalog does, and gives each without its name.
    pub fn entities(all: &[Entity]) -> BTreeMap<String, Value> {
        let mut by_name: BTreeMap<String, Vec<&Entity>> = BTreeMap::new();
        for entity in all {
            let name = format!("{}/{}", entity.blueprint, entity.identifier);
            by_name.entry(name).or_default().push(entity);
        }
        let merged = by_name.into_iter().filter_map(|(name, some)| {
            let mut value = serde_json::to_value(merge(some)?).ok()?;
            let fields = value.as_object_mut()?;
            fields.remove("blueprint");
            fields.remove("identifier");
            Some((name, value))
        });
        merged.collect()
    }

    /// The entity of this name in what was listed.
    pub fn entity(&self, blueprint: &str, identifier: &str) -> Option<Entity> {
        let name = format!("{blueprint}/{identifier}");
        let mut value = self.pull.values().find_map(|kind| kind.entities.get(&name))?.clone();
        let fields = value.as_object_mut()?;
        fields.insert("blueprint".into(), blueprint.into());
        fields.insert("identifier".into(), identifier.into());
        serde_json::from_value(value).ok()
    }

    /// Items, entities and reports.
    pub fn counts(&self) -> [usize; 3] {
        let mut counts = [0; 3];
        for kind in self.pull.values() {
            counts[0] += kind.partitions.values().map(|part| part.items.len()).sum::<usize>();
            counts[1] += kind.entities.len();
            counts[2] += kind.reports.len();
        }
        for changes in self.operation.iter().map(|done| &done.changes).chain(&self.delivery) {
            counts[0] += changes.changes.len();
            counts[1] += changes.entities.len();
            counts[2] += changes.reports.len();
        }
        counts
    }

    /// As JSON.
    pub fn value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// As the file beside a cassette.
    ///
    /// # Errors
    /// Where it cannot be written as YAML, in words.
    pub fn render(&self) -> Result<String, String> {
        const HEAD: &str = "\
# What the plugin makes of the cassette beside this file. `seawall plugin test` compares, `seawall plugin test --update`
# writes it anew.
";
        super::render(HEAD, self)
    }

    /// Reads the file beside a cassette, as JSON; `file` is only named in errors.
    ///
    /// # Errors
    /// Where it is no YAML or no outcome.
    pub fn read(file: &str, yaml: &str) -> Result<Value, Problems> {
        let document = Document::parse(file, yaml)?;
        let outcome = Self::deserialize(document.value()).map_err(|error| {
            let expected = "what a plugin makes of a cassette, as `seawall plugin test --update` writes it";
            document.locate(vec![Problem::new("", expected, error.to_string())])
        })?;
        Ok(outcome.value())
    }
}
