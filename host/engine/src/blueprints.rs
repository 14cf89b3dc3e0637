//! Blueprints: put, listed, and compiled for the mapping.

use crate::{Engine, EngineError, Result, engine::Blueprints, replicas::OnDuty, settings::Work};
use seawall_domain::{Blueprint, BlueprintId, blueprint::CompiledBlueprint, cause::Cause};
use seawall_store::BlueprintRow;
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

/// Whether what is wrong with what a blueprint computes keeps it out: not where it comes from a plugin or another portal,
/// whose catalogs would be the poorer by all its entities.
fn is_strict(source: &str) -> bool {
    !["plugin:", "import:"].iter().any(|kind| source.starts_with(kind))
}

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
        if !is_strict(source) {
            return self.keep_blueprint(blueprint, source).await;
        }
        self.check_blueprint_itself(blueprint)?;
        self.put_checked(blueprint, source).await
    }

    /// The same with what is wrong with what it computes: it works as far as it is right.
    ///
    /// # Errors
    /// A schema that is none.
    pub async fn keep_blueprint(&self, blueprint: &Blueprint, source: &str) -> Result<bool> {
        CompiledBlueprint::new(blueprint.clone()).map_err(|e| EngineError::invalid("/schema", e.to_string()))?;
        self.put_checked(blueprint, source).await
    }

    async fn put_checked(&self, blueprint: &Blueprint, source: &str) -> Result<bool> {
        let all = self.all_blueprints();
        let known = all.get(&blueprint.identifier).map(|known| known.blueprint());
        let before = known.map(|known| known.precedence.clone()).unwrap_or_default();
        let computes_anew = !crate::derive::computes_the_same(known, blueprint);
        if computes_anew {
            self.note_whole(&blueprint.identifier).await?;
        }
        if before != blueprint.precedence {
            // Noted first: a host that stops in between goes on with it.
            self.note_work(&Work::Merge(blueprint.identifier.clone())).await?;
        }
        let changed = self.inner.store.put_blueprint(blueprint, source, self.now()).await?;
        if changed {
            self.note_blueprint(&blueprint.identifier, known, Some(blueprint), source)
                .await?;
            self.reload_blueprints().await?;
            if known.is_some() {
                self.model_changed(&all, &blueprint.identifier);
            }
            if known.is_none_or(|known| known.relations != blueprint.relations) {
                // What others compute along its relations leads elsewhere now.
                let mut passing = crate::derive::passing(&all, &blueprint.identifier);
                passing.extend(crate::derive::passing(&self.all_blueprints(), &blueprint.identifier));
                for other in passing {
                    self.note_whole(&other).await?;
                }
            }
        }
        if before != blueprint.precedence {
            self.begin(Work::Merge(blueprint.identifier.clone()));
        }
        if computes_anew {
            // Once more: what was computed between the first note and now was computed by the old definitions.
            self.note_whole(&blueprint.identifier).await?;
        }
        Ok(changed)
    }

    /// Merges all of a blueprint's entities anew, under the precedence that it has now.
    pub(crate) async fn merge_all_again(
        &self,
        blueprint: &BlueprintId,
        by: Option<&str>,
        on_duty: &OnDuty,
    ) -> Result<()> {
        let cause = Cause::new(&format!("blueprint:{blueprint}")).by(by).to_string();
        let mut after = 0;
        while !on_duty.is_over() {
            let piece = self.inner.store.merge_again(blueprint, after, 500, &cause, self.now());
            let (result, last) = piece.await?;
            self.index(&result);
            match last {
                Some(last) => after = last,
                None => break,
            }
        }
        Ok(())
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
