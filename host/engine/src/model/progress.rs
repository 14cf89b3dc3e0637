//! How far the work is that follows from a changed blueprint.
//!
//! What is under way is what is noted in the database, so that every process knows of it, also after a stop. How far it is,
//! only the process knows that does it. What is done does not become less: steps that are over count until all are.

use crate::{
    Engine, Result, derive,
    settings::{Noted, Work},
};
use seawall_domain::{BlueprintId, IntegrationName};
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
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

/// The steps in their order, with what each is noted under.
const STEPS: [(Step, Noted); 3] = [
    (Step::Check, Work::CHECKS),
    (Step::Merge, Work::MERGES),
    (Step::Compute, derive::WHOLE),
];

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

/// How far the work for a blueprint is.
#[derive(Debug, Clone, Default)]
struct Course {
    /// Steps that this process does.
    under_way: BTreeMap<Step, Stride>,
    /// What steps came to that it has done, while others are not done.
    over: BTreeMap<Step, u64>,
    /// What was told of it: a step that begins once more takes nothing back.
    told: u64,
}

impl Course {
    /// What is done of all of it. `noted` are the steps that are not done; of one that has not begun, or that another process
    /// does, `waiting` entities are to be done. `within` says how many items of an integration are mapped anew.
    fn so_far(&self, noted: &[Step], waiting: u64, within: impl Fn(&IntegrationName) -> u64) -> Recompute {
        let over: u64 = self.over.values().sum();
        let mut all = Recompute {
            done: over,
            total: over,
            steps: Vec::new(),
        };
        for (step, stride) in &self.under_way {
            let done = stride.done + stride.within.as_ref().map_or(0, &within);
            let (step, total) = (*step, stride.total);
            let one = RecomputeStep {
                step,
                done: done.min(total),
                total,
            };
            all.done += one.done;
            all.total += total;
            // One whose note is gone was done a moment ago.
            all.steps.extend(noted.contains(&step).then_some(one));
        }
        for &step in noted.iter().filter(|step| !self.under_way.contains_key(step)) {
            // What is over is counted above, and its note goes in a moment.
            let over = self.over.get(&step).copied();
            all.total += if over.is_none() { waiting } else { 0 };
            all.steps.push(RecomputeStep {
                step,
                done: over.unwrap_or(0),
                total: over.unwrap_or(waiting),
            });
        }
        all.steps.sort_by_key(|one| one.step);
        all.done = all.done.max(self.told).min(all.total);
        all
    }
}

/// The work of this process, by blueprint.
#[derive(Debug, Default)]
pub(crate) struct Steps(Mutex<HashMap<BlueprintId, Course>>);

impl Steps {
    fn all(&self) -> MutexGuard<'_, HashMap<BlueprintId, Course>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut all = self.steps.all();
        let course = all.entry(self.blueprint.clone()).or_default();
        course.under_way.insert(self.step, stride);
    }

    /// The same of so many entities.
    pub(crate) fn has_done(&self, done: usize, total: usize) {
        self.is_at(Stride {
            done: done as u64,
            total: total as u64,
            within: None,
        });
    }

    /// Says that all of it is done: it counts as such until the other steps are done too.
    pub(crate) fn ends(self) {
        let mut all = self.steps.all();
        let course = all.entry(self.blueprint.clone()).or_default();
        if let Some(stride) = course.under_way.remove(&self.step) {
            *course.over.entry(self.step).or_default() += stride.total;
        }
    }
}

impl Drop for Walk<'_> {
    fn drop(&mut self) {
        if let Some(course) = self.steps.all().get_mut(self.blueprint) {
            course.under_way.remove(&self.step);
        }
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
        // Before the notes: what is over meanwhile has none, and is not taken to begin.
        let courses = self.inner.steps.all().clone();
        let mut noted: BTreeMap<BlueprintId, Vec<Step>> = BTreeMap::new();
        for (step, work) in STEPS {
            for (name, _) in self.noted(work).await? {
                if let Ok(blueprint) = BlueprintId::new(&name) {
                    noted.entry(blueprint).or_default().push(step);
                }
            }
        }
        let within = |integration: &IntegrationName| self.remap_progress(integration).map_or(0, |(done, _)| done);
        let mut out = BTreeMap::new();
        for (blueprint, steps) in noted {
            let waiting = self.inner.index.ids(&blueprint).len() as u64;
            let course = courses.get(&blueprint).cloned().unwrap_or_default();
            let all = course.so_far(&steps, waiting, within);
            if let Some(course) = self.inner.steps.all().get_mut(&blueprint) {
                course.told = course.told.max(all.done);
            }
            out.insert(blueprint, all);
        }
        // What another process has brought to its end.
        let is_left = |name: &BlueprintId| {
            let was_idle = courses.get(name).is_some_and(|course| course.under_way.is_empty());
            was_idle && !out.contains_key(name)
        };
        let mut all = self.inner.steps.all();
        all.retain(|name, course| !course.under_way.is_empty() || !is_left(name));
        drop(all);
        Ok(out)
    }

    /// Forgets how far the work for a blueprint was, where nothing of it is left: what comes next begins anew.
    pub(crate) async fn may_rest(&self, blueprint: &BlueprintId) -> Result<()> {
        for (_, work) in STEPS {
            if self.is_noted(work, blueprint.as_str()).await?.is_some() {
                return Ok(());
            }
        }
        self.inner.steps.all().remove(blueprint);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stride(done: u64, total: u64) -> Stride {
        Stride {
            done,
            total,
            within: None,
        }
    }

    /// What is told of the whole, while this goes on.
    fn told(course: &mut Course, noted: &[Step]) -> (u64, u64) {
        let all = course.so_far(noted, 100, |_| 0);
        course.told = all.done;
        (all.done, all.total)
    }

    #[test]
    fn a_step_that_is_over_counts_until_all_are() {
        use Step::{Check, Compute};
        let mut course = Course::default();
        assert_eq!(told(&mut course, &[Check, Compute]), (0, 200));
        course.under_way.insert(Check, stride(30, 40));
        course.under_way.insert(Compute, stride(50, 100));
        assert_eq!(told(&mut course, &[Check, Compute]), (80, 140));
        course.under_way.remove(&Check);
        course.over.insert(Check, 40);
        // Still noted for a moment, and then no more.
        let all = course.so_far(&[Check, Compute], 100, |_| 0);
        assert_eq!((all.done, all.total, all.steps.len()), (90, 140, 2));
        assert_eq!(told(&mut course, &[Compute]), (90, 140));
        // It begins once more, since the blueprint changed again.
        course.under_way.insert(Compute, stride(0, 100));
        assert_eq!(told(&mut course, &[Compute]), (90, 140));
        course.under_way.insert(Check, stride(20, 40));
        course.under_way.insert(Compute, stride(70, 100));
        assert_eq!(told(&mut course, &[Check, Compute]), (130, 180));
    }

    #[test]
    fn items_of_an_integration_count_as_they_are_mapped() -> Result<(), Box<dyn std::error::Error>> {
        let mut course = Course::default();
        let within = Some(IntegrationName::new("github")?);
        let stride = Stride {
            done: 5,
            total: 20,
            within,
        };
        course.under_way.insert(Step::Check, stride);
        assert_eq!(course.so_far(&[Step::Check], 1, |_| 7).done, 12);
        assert_eq!(course.so_far(&[Step::Check], 1, |_| 70).done, 20);
        Ok(())
    }
}
