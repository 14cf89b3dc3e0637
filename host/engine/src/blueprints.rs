//! Blueprints: put, listed, and compiled for the mapping.

use crate::{Engine, EngineError, Result, engine::Blueprints};
use seawall_domain::{Blueprint, blueprint::CompiledBlueprint};
use seawall_store::BlueprintRow;
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

impl Engine {
    /// All blueprints, by identifier.
    ///
    /// # Errors
    /// The database's.
    pub async fn blueprints(&self) -> Result<Vec<BlueprintRow>> {
        Ok(self.inner.store.blueprints().await?)
    }

    /// Creates or replaces a blueprint; true when anything changed. Entities are checked against it as their items
    /// are mapped again.
    ///
    /// # Errors
    /// A schema that is none.
    pub async fn put_blueprint(&self, blueprint: &Blueprint, source: &str) -> Result<bool> {
        CompiledBlueprint::new(blueprint.clone()).map_err(|e| EngineError::invalid("/schema", e.to_string()))?;
        let changed = self.inner.store.put_blueprint(blueprint, source, self.now()).await?;
        if changed {
            self.reload_blueprints().await?;
        }
        Ok(changed)
    }

    pub(crate) async fn reload_blueprints(&self) -> Result<()> {
        let mut all = Blueprints::new();
        for row in self.inner.store.blueprints().await? {
            let id = row.blueprint.identifier.clone();
            match CompiledBlueprint::new(row.blueprint) {
                Ok(compiled) => drop(all.insert(id, Arc::new(compiled))),
                Err(e) => tracing::error!(blueprint = %id, "a stored blueprint does not compile: {e}"),
            }
        }
        *self.inner.blueprints.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(all);
        // Sites hold digests of mapping and blueprints.
        self.inner.sites.forget(|_, _| true);
        Ok(())
    }

    /// The blueprint that each relation of a blueprint points to.
    pub(crate) fn relations(&self, blueprint: &seawall_domain::BlueprintId) -> BTreeMap<String, String> {
        let all = self.all_blueprints();
        let relations = all.get(blueprint).map(|b| &b.blueprint().relations);
        relations
            .into_iter()
            .flatten()
            .map(|(name, r)| (name.clone(), r.target.to_string()))
            .collect()
    }

    /// The blueprint that a relation of `blueprint` points to.
    pub fn target_of(&self, blueprint: &str, relation: &str) -> Option<String> {
        let id = seawall_domain::BlueprintId::new(blueprint).ok()?;
        let all = self.all_blueprints();
        all.get(&id)?
            .blueprint()
            .relations
            .get(relation)
            .map(|r| r.target.to_string())
    }
}
