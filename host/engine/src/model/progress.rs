//! How far the work is that follows from a changed blueprint.
//!
//! What is under way is what is noted in the database, so that every process knows of it, also after a stop. How far it is,
//! only the process knows that does it.

use crate::{Engine, Result, derive, settings::Work};
use seawall_domain::{BlueprintId, IntegrationName};
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

/// One sort of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Items of integrations and words of clients are held to the blueprint.
    Check,
    /// Entities with several sources are merged anew.
    Merge,
    /// Values are computed anew.
    Compute,
}

/// What is still done for a blueprint as it is now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Recompute {
    /// Items and entities that are done, in all steps.
    pub done: u64,
    /// Items and entities that there are.
    pub total: u64,
    /// The steps that are not done, in their order.
    pub steps: Vec<RecomputeStep>,
}

/// One step of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecomputeStep {
    /// `check` counts items and clients' words, `merge` and `compute` count entities.
    pub step: Step,
    /// So many are done.
    pub done: u64,
    /// Of so many.
    pub total: u64,
}

/// How far a step is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stride {
    pub(crate) done: u64,
    pub(crate) total: u64,
    /// The integration whose items are being mapped anew, and are counted there.
    pub(crate) within: Option<IntegrationName>,
}

/// The steps that this process does.
#[derive(Debug, Default)]
pub(crate) struct Steps(Mutex<HashMap<(Step, BlueprintId), Stride>>);

impl Steps {
    fn get(&self, step: Step, blueprint: &BlueprintId) -> Option<Stride> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&(step, blueprint.clone())).cloned()
    }

    fn set(&self, step: Step, blueprint: &BlueprintId, stride: Option<Stride>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match stride {
            Some(stride) => drop(all.insert((step, blueprint.clone()), stride)),
            None => drop(all.remove(&(step, blueprint.clone()))),
        }
    }
}

/// A step that this process does, until this is dropped.
pub(crate) struct Walk<'a> {
    steps: &'a Steps,
    step: Step,
    blueprint: &'a BlueprintId,
}

impl Walk<'_> {
    /// Says how far it is.
    pub(crate) fn is_at(&self, stride: Stride) {
        self.steps.set(self.step, self.blueprint, Some(stride));
    }

    /// The same of so many entities.
    pub(crate) fn has_done(&self, done: usize, total: usize) {
        self.is_at(Stride {
            done: done as u64,
            total: total as u64,
            within: None,
        });
    }
}

impl Drop for Walk<'_> {
    fn drop(&mut self) {
        self.steps.set(self.step, self.blueprint, None);
    }
}

impl Engine {
    /// Begins a step.
    pub(crate) fn walk<'a>(&'a self, step: Step, blueprint: &'a BlueprintId) -> Walk<'a> {
        Walk {
            steps: &self.inner.steps,
            step,
            blueprint,
        }
    }

    /// What is still done for blueprints as they are now; those of which all is done are left out.
    ///
    /// # Errors
    /// The database's.
    pub async fn recomputes(&self) -> Result<BTreeMap<BlueprintId, Recompute>> {
        let mut out: BTreeMap<BlueprintId, Recompute> = BTreeMap::new();
        for (step, work) in [
            (Step::Check, Work::CHECKS),
            (Step::Merge, Work::MERGES),
            (Step::Compute, derive::WHOLE),
        ] {
            for (name, _) in self.noted(work).await? {
                let Ok(blueprint) = BlueprintId::new(&name) else {
                    continue;
                };
                let one = self.stride(step, &blueprint);
                let all = out.entry(blueprint).or_default();
                all.done += one.done;
                all.total += one.total;
                all.steps.push(one);
            }
        }
        Ok(out)
    }

    fn stride(&self, step: Step, blueprint: &BlueprintId) -> RecomputeStep {
        let stride = self.inner.steps.get(step, blueprint).unwrap_or_else(|| Stride {
            // It has not begun, or another process does it.
            total: self.inner.index.ids(blueprint).len() as u64,
            ..Stride::default()
        });
        let within = stride.within.and_then(|integration| self.remap_progress(&integration));
        let done = stride.done + within.map_or(0, |(done, _)| done);
        RecomputeStep {
            step,
            done: done.min(stride.total),
            total: stride.total,
        }
    }
}
