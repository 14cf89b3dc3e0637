//! Blueprints: put, listed, and compiled for the mapping.

use crate::{Engine, EngineError, Result, engine::Blueprints, model::Step, replicas::OnDuty, settings::Work};
use seawall_domain::{Blueprint, BlueprintId, blueprint::CompiledBlueprint, cause::Cause};
use seawall_store::{BlueprintRow, Part};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError},
};

/// Whether what is wrong with what a blueprint computes keeps it out: not where it comes from a plugin or another portal,
/// whose catalogs would be the poorer by all its entities.
pub(crate) fn is_strict(source: &str) -> bool {
    !["plugin:", "import:"].iter().any(|kind| source.starts_with(kind))
}

/// The blueprints whose values lead elsewhere since this one's relations are others.
pub(crate) fn rerouted(before: &Blueprints, after: &Blueprints, blueprint: &Blueprint) -> BTreeSet<BlueprintId> {
    let name = &blueprint.identifier;
    let known = before.get(name).map(|known| known.blueprint());
    if known.is_some_and(|known| known.relations == blueprint.relations) {
        return BTreeSet::new();
    }
    let mut out = crate::derive::passing(before, name);
    out.extend(crate::derive::passing(after, name));
    out
}

impl Engine {
    /// All blueprints, by identifier.
    ///
    /// # Errors
    /// The database's.
    pub async fn blueprints(&self) -> Result<Vec<BlueprintRow>> {
        Ok(self.inner.store.blueprints().await?)
    }

    /// Stores a blueprint, whoever uses what it no longer has; true when anything changed. Entities are checked against it in
    /// the background.
    ///
    /// # Errors
    /// A blueprint that is wrong.
    pub(crate) async fn put_blueprint(&self, blueprint: &Blueprint, source: &str) -> Result<bool> {
        let compiled = self.judged(blueprint, is_strict(source))?;
        self.put_compiled(&compiled, source).await
    }

    /// A blueprint, compiled. Where it is not judged strictly, what is wrong with what it computes is kept, and works as far as it
    /// is right; its faults are shown with it.
    pub(crate) fn judged(&self, blueprint: &Blueprint, strictly: bool) -> Result<CompiledBlueprint> {
        if strictly {
            return self.check_blueprint_itself(blueprint);
        }
        CompiledBlueprint::new(blueprint.clone()).map_err(|e| EngineError::invalid("/schema", e.to_string()))
    }

    /// As [`Engine::put_blueprint`], of one that was judged.
    pub(crate) async fn put_compiled(&self, compiled: &CompiledBlueprint, source: &str) -> Result<bool> {
        let blueprint = compiled.blueprint();
        let all = self.all_blueprints();
        let checks_anew = all
            .get(&blueprint.identifier)
            .is_some_and(|known| known.digest() != compiled.digest());
        let known = all.get(&blueprint.identifier).map(|known| known.blueprint());
        let before = known.map(|known| known.precedence.clone()).unwrap_or_default();
        let computes_anew = !crate::derive::computes_the_same(known, blueprint);
        if computes_anew {
            self.note_whole(&blueprint.identifier).await?;
        }
        // Noted first: a host that stops in between goes on with it.
        if checks_anew {
            self.note_work(&Work::Check(blueprint.identifier.clone())).await?;
        }
        if before != blueprint.precedence {
            self.note_work(&Work::Merge(blueprint.identifier.clone())).await?;
        }
        let change = self.blueprint_change(&blueprint.identifier, known, Some(blueprint), source);
        let store = &self.inner.store;
        let changed = store
            .put_blueprint(blueprint, source, self.now(), change.as_ref())
            .await?;
        if changed {
            self.reload_blueprints().await?;
            for other in rerouted(&all, &self.all_blueprints(), blueprint) {
                self.note_whole(&other).await?;
            }
        }
        if checks_anew {
            self.begin_anew(Work::Check(blueprint.identifier.clone())).await?;
        }
        if before != blueprint.precedence {
            self.begin_anew(Work::Merge(blueprint.identifier.clone())).await?;
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
        let all = self.inner.index.ids(blueprint);
        let walk = self.walk(Step::Merge, blueprint);
        let mut after = 0;
        while !on_duty.is_over() {
            walk.has_done(all.partition_point(|id| *id <= after), all.len());
            let piece = self.inner.store.merge_again(blueprint, after, 500, &cause, self.now());
            let (result, last) = piece.await?;
            self.index(&result);
            match last {
                Some(last) => after = last,
                None => {
                    walk.ends();
                    break;
                }
            }
        }
        Ok(())
    }

    /// All blueprints as they are stored: among several processes another one may have put one just now, and noted work for it
    /// that this one does.
    pub(crate) async fn stored_blueprints(&self) -> Result<Arc<Blueprints>> {
        if self.inner.store.is_shared() {
            self.reload_blueprints().await?;
        }
        Ok(self.all_blueprints())
    }

    /// Takes in what another process has made of blueprints, before something is judged by them.
    pub(crate) async fn newest_blueprints(&self) -> Result<()> {
        if self.inner.store.is_shared() && self.others_changed(Part::Blueprints).await? {
            self.reload_blueprints().await?;
        }
        Ok(())
    }

    /// Whether there is a blueprint of this name, also where another process has put it just now.
    ///
    /// # Errors
    /// The database's.
    pub async fn has_blueprint(&self, blueprint: &BlueprintId) -> Result<bool> {
        if !self.all_blueprints().contains_key(blueprint) {
            self.newest_blueprints().await?;
        }
        Ok(self.all_blueprints().contains_key(blueprint))
    }

    /// Reads all blueprints anew. One at a time: what was read earlier never takes the place of what was read later.
    pub(crate) async fn reload_blueprints(&self) -> Result<()> {
        let _one_at_a_time = self.inner.reload.lock().await;
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
