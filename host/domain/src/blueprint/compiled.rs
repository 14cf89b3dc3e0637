//! A blueprint with a checker for each of its properties.

use super::{
    Blueprint,
    computed::{Computed, ComputedError},
    mistakes::{defaults, mistakes},
    property::Property,
};
use crate::text::nearest;
use serde_json::{Map, Value};
use sha2::Digest as _;
use std::collections::BTreeMap;

/// Why a blueprint cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlueprintError {
    /// A property's schema does not compile.
    #[error("blueprint `{blueprint}`, property `{property}`: {reason}")]
    Property {
        /// The blueprint.
        blueprint: String,
        /// The property.
        property: String,
        /// The field of its schema that is wrong; empty where it is the whole.
        field: &'static str,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A property is required that does not exist, so that no entity could ever be.
    #[error(
        "blueprint `{blueprint}`: `schema.required` names `{property}`, which is no property{meant}; add it to `schema.properties` or take it out of `required`"
    )]
    Required {
        /// The blueprint.
        blueprint: String,
        /// What is required.
        property: String,
        /// The nearest property, as a half sentence; empty without one.
        meant: String,
    },
}

/// A blueprint, ready to check entities. What Port's schemas have beyond JSON Schema (icons, colours, `spec`) says nothing
/// about values and is ignored.
#[derive(Debug)]
pub struct CompiledBlueprint {
    blueprint: Blueprint,
    pub(super) properties: BTreeMap<String, Property>,
    computed: Computed,
    faults: Vec<ComputedError>,
    defaults: Map<String, Value>,
    digest: [u8; 16],
}

impl CompiledBlueprint {
    /// Compiles `blueprint`.
    ///
    /// # Errors
    /// The first property whose schema is no schema.
    pub fn new(blueprint: Blueprint) -> Result<Self, BlueprintError> {
        let name = || blueprint.identifier.to_string();
        let mut properties = BTreeMap::new();
        for (property, schema) in &blueprint.schema.properties {
            let compiled = Property::new(schema).map_err(|wrong| BlueprintError::Property {
                blueprint: name(),
                property: property.clone(),
                field: wrong.field,
                reason: wrong.reason,
            })?;
            properties.insert(property.clone(), compiled);
        }
        if let Some(missing) = blueprint.schema.required.iter().find(|r| !properties.contains_key(*r)) {
            let meant = nearest(missing, properties.keys().map(String::as_str));
            return Err(BlueprintError::Required {
                blueprint: name(),
                property: missing.clone(),
                meant: meant.map(|m| format!(" (did you mean `{m}`?)")).unwrap_or_default(),
            });
        }
        let mut text = String::new();
        // Only what says something of values and targets: items need not be mapped anew for a title or an icon.
        let value = serde_json::json!({"schema": &blueprint.schema, "relations": &blueprint.relations});
        crate::text::canonical(&value, &mut text);
        let mut digest = [0; 16];
        digest.copy_from_slice(&sha2::Sha256::digest(text)[..16]);
        let relations = blueprint.relations.keys().cloned().collect();
        let read = Computed::read(&blueprint.other, &blueprint.schema.properties, &relations);
        let (computed, mut faults) = match read {
            Ok(computed) => (computed, Vec::new()),
            Err(faults) => (Computed::default(), faults),
        };
        faults.extend(mistakes(&blueprint, &properties));
        Ok(Self {
            defaults: defaults(&blueprint.schema.properties),
            blueprint,
            properties,
            computed,
            faults,
            digest,
        })
    }

    /// What it computes; nothing, where [`CompiledBlueprint::faults`] has any of what it computes.
    pub fn computed(&self) -> &Computed {
        &self.computed
    }

    /// What is wrong with what it computes, and what no value of a property can come up to. Entities are checked and stored
    /// all the same.
    pub fn faults(&self) -> &[ComputedError] {
        &self.faults
    }

    /// What properties have that no source says anything of, by name.
    pub fn defaults(&self) -> &Map<String, Value> {
        &self.defaults
    }

    /// The blueprint itself.
    pub fn blueprint(&self) -> &Blueprint {
        &self.blueprint
    }

    /// Changes when the schema or the relations do; the same in every process.
    pub fn digest(&self) -> [u8; 16] {
        self.digest
    }
}
