//! Computed values, kept current: mirrors, calculations, aggregations, inherited teams.
//!
//! One task follows the change log. Of each change it asks whose values may follow from it: the entity's own, and those of
//! entities that reach it along the relations of a mirror or of an inheritance. These are computed anew from what is
//! stored, and what differs is stored as a change of its own, whose followers are computed in turn. How far the log has
//! been followed is kept, so that a stop loses nothing: a change that is followed twice computes the same again. What changes
//! while nothing but time passes is computed at the moment at which it does ([`due`]).
//!
//! When what a blueprint computes has changed, or a default, all of its entities are computed anew; that is noted before the
//! blueprint is stored, and goes on after a stop. A new entity has its defaults from the transaction that stores it, and is looked at
//! once more here: the blueprint may have changed meanwhile.

mod aggregate;
mod astray;
mod circles;
mod due;
mod follow;
mod value;

pub(crate) use circles::circles;
pub(crate) use follow::passing;

use crate::{Engine, EngineError, Result, engine::Blueprints, model::Step, replicas::OnDuty, settings::Noted};
use seawall_domain::{Blueprint, BlueprintId};
use seawall_store::{ChangeKind, ChangeRow, StoreError};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

/// The cause of changes of computed values.
const DERIVED: &str = "derived";
/// The setting that says up to where the log has been followed, or a little less.
const FOLLOWED: &str = "derived";
/// The setting that says that entities have their defaults.
const FILLED: &str = "defaults";
/// The setting that says that calculations have seen when and by whom entities were made and changed.
const DATED: &str = "calculated-times";
/// What calculations could not read before, and got nothing for.
const TIMES: [&str; 4] = ["createdAt", "createdBy", "updatedAt", "updatedBy"];
/// Changes that may be followed once more after a stop, so that not every page writes how far it was followed.
const LAG: i64 = 10_000;
/// Blueprints of which all is to be computed anew.
pub(crate) const WHOLE: Noted = Noted("derive-whole:");
/// Changes that are followed at once.
const PIECE: usize = 500;

/// How the rest of the process and the task speak with each other.
#[derive(Debug)]
pub(crate) struct Following {
    /// There may be work.
    pub(crate) wake: tokio::sync::Notify,
    /// Up to where this process followed the log; what is stored may lag.
    upto: AtomicI64,
    /// Blueprints may have been noted under [`WHOLE`] since it was read.
    noted: AtomicBool,
    /// What changes by itself, and when.
    due: Mutex<due::Due>,
}

impl Default for Following {
    fn default() -> Self {
        Self {
            wake: tokio::sync::Notify::new(),
            upto: AtomicI64::new(0),
            noted: AtomicBool::new(true),
            due: Mutex::default(),
        }
    }
}

impl Engine {
    /// Up to where computed values follow from the change log: the task needs nothing of what is before.
    pub(crate) async fn followed(&self) -> Result<i64> {
        let stored = self.inner.store.setting(FOLLOWED).await?.and_then(|v| v.as_i64());
        Ok(stored
            .unwrap_or(0)
            .max(self.inner.following.upto.load(Ordering::Acquire)))
    }

    /// Starts to follow the change log, once no other process does.
    pub(crate) fn derive_in_background(&self) {
        const DUTY: &str = "computed-values";
        let engine = self.clone();
        self.spawn(async move {
            while let Some(on_duty) = engine.wait_for_duty(DUTY).await {
                while !on_duty.is_over() {
                    match engine.follow_changes(&on_duty).await {
                        Ok(()) => {}
                        Err(EngineError::Store(StoreError::NotOnDuty(_))) => break,
                        Err(error) => {
                            tracing::error!("computed values are not kept current, and it is tried again: {error}");
                            tokio::select! {
                                () = tokio::time::sleep(std::time::Duration::from_secs(5)) => {}
                                () = on_duty.token().cancelled() => {}
                            }
                        }
                    }
                }
                on_duty.give_back().await;
            }
        });
    }

    async fn follow_changes(&self, on_duty: &OnDuty) -> Result<()> {
        let mut after = match self.inner.store.setting(FOLLOWED).await?.and_then(|v| v.as_i64()) {
            Some(after) => after,
            None => {
                // Nothing was computed before.
                let position = self.inner.store.position().await?;
                let all = self.all_blueprints();
                let computing = all.iter().filter(|(_, b)| !b.computed().is_empty());
                for (name, _) in computing {
                    self.note_whole(name).await?;
                }
                self.inner.store.put_setting(FOLLOWED, &json!(position)).await?;
                position
            }
        };
        self.fill_defaults_once().await?;
        self.calculate_times_once().await?;
        let following = &self.inner.following;
        // What was noted before this start, or before an error ended the last round.
        following.noted.store(true, Ordering::Release);
        let mut saved = after;
        let mut knows_due = false;
        loop {
            let woken = following.wake.notified();
            if on_duty.is_over() {
                return self.save_followed(&mut saved, after, 0).await;
            }
            if following.noted.swap(false, Ordering::AcqRel) {
                for (name, by) in self.noted(WHOLE).await? {
                    if let Ok(name) = BlueprintId::new(&name) {
                        self.derive_whole(&name, &by, on_duty).await?;
                    }
                }
            }
            // In this order: what came up to this position came while nobody computed anything, if nobody does now.
            let position = self.inner.index.position();
            let blueprints = self.all_blueprints();
            if blueprints
                .values()
                .all(|b| b.computed().is_empty() && b.defaults().is_empty())
            {
                // Nobody computes anything: the log need not be read.
                after = after.max(position);
                following.upto.store(after, Ordering::Release);
                self.save_followed(&mut saved, after, LAG).await?;
            } else {
                if !knows_due && position >= after {
                    // The index has all that was followed before, and what comes now is followed.
                    let stored = self.stored_blueprints().await?;
                    self.all_are_due(&stored);
                    knows_due = true;
                }
                let followed = self.follow_piece(&blueprints, after, on_duty).await?;
                if let Some(last) = followed {
                    after = last;
                    following.upto.store(after, Ordering::Release);
                    self.save_followed(&mut saved, after, LAG).await?;
                }
                // In turns: neither many changes nor much that is due holds up the other.
                if self.compute_due(&blueprints, on_duty).await? || followed.is_some() {
                    continue;
                }
                self.save_followed(&mut saved, after, 0).await?;
            }
            tokio::select! {
                () = woken => {}
                () = self.something_is_due() => {}
                () = on_duty.token().cancelled() => {}
            }
        }
    }

    /// Notes what has defaults that were not filled into entities before this version.
    async fn fill_defaults_once(&self) -> Result<()> {
        if self.inner.store.setting(FILLED).await?.is_some() {
            return Ok(());
        }
        let all = self.all_blueprints();
        for (name, _) in all.iter().filter(|(_, b)| !b.defaults().is_empty()) {
            self.note_whole(name).await?;
        }
        Ok(self.inner.store.put_setting(FILLED, &json!(true)).await?)
    }

    /// Notes what calculates with times and authors of entities, which earlier versions did not give.
    async fn calculate_times_once(&self) -> Result<()> {
        if self.inner.store.setting(DATED).await?.is_some() {
            return Ok(());
        }
        let reads = |code: &str| TIMES.iter().any(|field| code.contains(field));
        for (name, compiled) in self.all_blueprints().iter() {
            if compiled.computed().calculations.iter().any(|(_, one)| reads(&one.code)) {
                self.note_whole(name).await?;
            }
        }
        Ok(self.inner.store.put_setting(DATED, &json!(true)).await?)
    }

    /// Computes what follows from the next changes; up to where that was, unless there are none.
    async fn follow_piece(&self, blueprints: &Blueprints, after: i64, on_duty: &OnDuty) -> Result<Option<i64>> {
        let mut changes = self.inner.store.changes(after, PIECE).await?;
        // A change is in the log a moment before it is in the index, where its followers are looked for.
        let index = &self.inner.index;
        let is_behind =
            |change: &ChangeRow| !index.reflects(change.entity, change.position, change.kind == ChangeKind::Deleted);
        let mut first = changes.iter().position(is_behind);
        if first == Some(0) && self.inner.store.entities(&[changes[0].entity]).await?.is_empty() {
            // What is gone by now the index may never have had, or have forgotten; its removal stands further on in the log.
            let behind = changes.iter().filter(|change| is_behind(change));
            let behind: BTreeSet<i64> = behind.map(|change| change.entity).collect();
            let there = self.inner.store.entities(&Vec::from_iter(behind)).await?;
            let there: BTreeSet<i64> = there.iter().map(|row| row.id).collect();
            first = changes
                .iter()
                .position(|change| there.contains(&change.entity) && is_behind(change));
        }
        changes.truncate(first.unwrap_or(changes.len()));
        let Some(last) = changes.last().map(|change| change.position) else {
            return Ok(None);
        };
        let mut affected = self.affected(blueprints, &changes);
        self.aggregating(blueprints, &changes, &mut affected).await?;
        self.compute(blueprints, affected, on_duty).await?;
        Ok(Some(last))
    }

    /// Stores how far the log was followed, where what is stored lags by more than `lag`.
    async fn save_followed(&self, saved: &mut i64, after: i64, lag: i64) -> Result<()> {
        if after - *saved > lag {
            self.inner.store.put_setting(FOLLOWED, &json!(after)).await?;
            *saved = after;
        }
        Ok(())
    }

    /// Computes all entities of a blueprint anew.
    async fn derive_whole(&self, name: &BlueprintId, by: &Value, on_duty: &OnDuty) -> Result<()> {
        let blueprints = self.stored_blueprints().await?;
        // One that comes meanwhile is in the log that is followed next.
        let all = self.inner.index.ids(name);
        let walk = self.walk(Step::Compute, name);
        for (at, ids) in all.chunks(PIECE).enumerate() {
            if on_duty.is_over() {
                return Ok(());
            }
            if at > 0 && self.is_noted(WHOLE, name.as_str()).await?.as_ref() != Some(by) {
                // The rest would be computed by what held before, and then once more.
                break;
            }
            walk.has_done(at * PIECE, all.len());
            self.compute_rows(&blueprints, ids, on_duty).await?;
        }
        // Where it was noted again meanwhile, some were computed by what held before.
        if !self.done(WHOLE, name.as_str(), by).await? {
            self.look_for_computed();
            return Ok(());
        }
        walk.has_done(all.len(), all.len());
        walk.ends();
        self.may_rest(name).await
    }

    /// Notes that all entities of a blueprint are to be computed anew.
    pub(crate) async fn note_whole(&self, blueprint: &BlueprintId) -> Result<()> {
        self.note(WHOLE, blueprint.as_str()).await?;
        self.look_for_computed();
        Ok(())
    }

    /// Has the task look for blueprints of which all is to be computed anew.
    pub(crate) fn look_for_computed(&self) {
        self.inner.following.noted.store(true, Ordering::Release);
        self.inner.following.wake.notify_one();
    }
}

/// Whether the two compute the same.
pub(crate) fn computes_the_same(before: Option<&Blueprint>, after: &Blueprint) -> bool {
    const FIELDS: [&str; 5] = [
        "mirrorProperties",
        "calculationProperties",
        "aggregationProperties",
        "ownership",
        "teamInheritance",
    ];
    let of = |blueprint: Option<&Blueprint>, field: &str| -> Value {
        blueprint
            .and_then(|b| b.other.get(field))
            .filter(|value| value.as_object().is_none_or(|all| !all.is_empty()))
            .cloned()
            .unwrap_or_default()
    };
    let defaults = |blueprint: &Blueprint| seawall_domain::blueprint::defaults(&blueprint.schema.properties);
    let same_defaults = before.map(defaults).unwrap_or_default() == defaults(after);
    same_defaults && FIELDS.iter().all(|field| of(before, field) == of(Some(after), field))
}

/// The blueprints along a way of relations, the first included; none where it leads nowhere.
pub(super) fn stations(all: &Blueprints, from: &BlueprintId, relations: &[String]) -> Option<Vec<BlueprintId>> {
    let mut out = vec![from.clone()];
    for relation in relations {
        let last = out.last()?;
        out.push(all.get(last)?.blueprint().relations.get(relation)?.target.clone());
    }
    Some(out)
}

/// Entities by blueprint.
pub(super) type Affected = BTreeMap<BlueprintId, BTreeSet<seawall_domain::EntityId>>;
