//! Values that change because time passes: an aggregation that counts what has expired, or what is of the last week.
//!
//! When an entity's values are computed, the first moment is noted at which one of them may change by itself, and then they are
//! computed again. Nothing is looked at in between. The notes are in memory: whoever takes the duty takes all entities whose
//! values depend on the time to be due, since a moment may have passed while nobody was there.

use super::PIECE;
use crate::{Engine, Result, engine::Blueprints, replicas::OnDuty};
use seawall_domain::Millis;
use std::{
    collections::{BTreeSet, HashMap},
    sync::PoisonError,
    time::Duration,
};

/// How long a moment is waited for at once: the clock may be set, or the machine may sleep.
const LONGEST: Duration = Duration::from_secs(60);

/// When entities are due, by row id.
#[derive(Debug, Default)]
pub(super) struct Due {
    order: BTreeSet<(Millis, i64)>,
    of: HashMap<i64, Millis>,
}

impl Due {
    /// Notes when an entity is due, or that it never is.
    fn set(&mut self, id: i64, at: Option<Millis>) {
        let before = match at {
            Some(at) => self.of.insert(id, at),
            None => self.of.remove(&id),
        };
        if let Some(before) = before {
            self.order.remove(&(before, id));
        }
        self.order.extend(at.map(|at| (at, id)));
    }

    fn first(&self) -> Option<Millis> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Up to so many that are due, the longest due ones first.
    fn by(&self, now: Millis, most: usize) -> Vec<i64> {
        let due = self.order.iter().take_while(|(at, _)| *at <= now);
        due.take(most).map(|(_, id)| *id).collect()
    }
}

impl Engine {
    /// Notes when computed entities are due the next time; those that are gone are never.
    pub(super) fn are_due(&self, all: impl IntoIterator<Item = (i64, Option<Millis>)>) {
        let mut due = self.inner.following.due.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, at) in all {
            due.set(id, at);
        }
    }

    /// Takes all entities whose values depend on the time to be due now, and no others.
    pub(super) fn all_are_due(&self, blueprints: &Blueprints) {
        let timed = blueprints.iter().filter(|(_, b)| b.computed().depends_on_time());
        let ids: Vec<i64> = timed.flat_map(|(name, _)| self.inner.index.ids(name)).collect();
        let now = self.now();
        *self.inner.following.due.lock().unwrap_or_else(PoisonError::into_inner) = Due::default();
        self.are_due(ids.into_iter().map(|id| (id, Some(now))));
    }

    /// Computes some of what is due; false where nothing is.
    pub(super) async fn compute_due(&self, blueprints: &Blueprints, on_duty: &OnDuty) -> Result<bool> {
        let ids = {
            let due = self.inner.following.due.lock().unwrap_or_else(PoisonError::into_inner);
            due.by(self.now(), PIECE)
        };
        if ids.is_empty() {
            return Ok(false);
        }
        self.compute_rows(blueprints, &ids, on_duty).await?;
        Ok(true)
    }

    /// Returns when something may be due.
    pub(super) async fn something_is_due(&self) {
        let first = {
            let due = self.inner.following.due.lock().unwrap_or_else(PoisonError::into_inner);
            due.first()
        };
        let Some(first) = first else {
            return std::future::pending().await;
        };
        let left = u64::try_from(first - self.now()).unwrap_or_default();
        tokio::time::sleep(Duration::from_millis(left).min(LONGEST)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_is_due_once_and_the_longest_due_come_first() {
        let mut due = Due::default();
        for (id, at) in [
            (1, Some(30)),
            (2, Some(10)),
            (3, Some(20)),
            (4, None),
            (2, Some(25)),
            (3, None),
        ] {
            due.set(id, at);
        }
        assert_eq!(due.first(), Some(25));
        assert_eq!(due.by(24, 10), Vec::<i64>::new());
        assert_eq!(due.by(30, 10), [2, 1]);
        assert_eq!(due.by(30, 1), [2]);
        due.set(2, None);
        assert_eq!((due.by(30, 10), due.of.len(), due.order.len()), (vec![1], 1, 1));
    }
}
