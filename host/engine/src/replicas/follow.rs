//! Changes of others are taken into the index, in the order of the log.

use crate::{Engine, Result, engine::row};
use seawall_store::Moved;
use std::collections::HashSet;

/// Changes taken in at once.
const PIECE: usize = 2_000;

impl Engine {
    /// Takes in what the log has up to `newest`.
    pub(super) async fn take_in(&self, newest: i64) -> Result<()> {
        let (store, index) = (&self.inner.store, &self.inner.index);
        loop {
            let after = index.position();
            if after >= newest {
                return Ok(());
            }
            let moved = store.moved(after, PIECE).await?;
            let (Some(first), Some(last)) = (moved.first(), moved.last().map(|change| change.position)) else {
                // A position is visible with its row: all that this process has not seen was cut.
                return self.fill_anew().await;
            };
            if first.position > after + 1 {
                // The log was cut before this process saw what stood there.
                return self.fill_anew().await;
            }
            // Its own it has already.
            let missing = moved
                .iter()
                .filter(|change| !index.reflects(change.entity, change.position, change.removed));
            let (removed, changed): (Vec<&Moved>, Vec<&Moved>) = missing.partition(|change| change.removed);
            let mut gone: HashSet<i64> = removed.iter().map(|change| change.entity).collect();
            let ids: HashSet<i64> = changed.iter().map(|change| change.entity).collect();
            let ids: Vec<i64> = ids.difference(&gone).copied().collect();
            let rows = store.entities(&ids).await?;
            // One that came and went before it was looked for: the index never had it, and its removal, which may stand further on
            // in the log, says nothing new. Who waits for its change waits until it is known to be gone.
            let found: HashSet<i64> = rows.iter().map(|row| row.id).collect();
            gone.extend(ids.into_iter().filter(|id| !found.contains(id)));
            let engine = self.clone();
            tokio::task::spawn_blocking(move || {
                let rows: Vec<_> = rows.iter().map(row).collect();
                engine
                    .inner
                    .index
                    .apply(&rows, &gone.into_iter().collect::<Vec<_>>(), last);
            })
            .await?;
            self.inner.events.moved(last);
            self.inner.following.wake.notify_one();
        }
    }

    /// Reads all entities once more, and forgets those that are gone.
    async fn fill_anew(&self) -> Result<()> {
        tracing::warn!(
            "the change log no longer reaches back to what this process has seen; all entities are read again"
        );
        let mut gone: HashSet<i64> = HashSet::new();
        for (blueprint, _) in self.inner.index.blueprints() {
            gone.extend(self.inner.index.ids(&blueprint));
        }
        let position = self.inner.store.position().await?;
        self.fill_index(|rows| {
            for row in rows {
                gone.remove(&row.id);
            }
        })
        .await?;
        // What came meanwhile is not in the set, or has a newer version than the position.
        self.inner
            .index
            .apply(&[], &gone.into_iter().collect::<Vec<_>>(), position);
        Ok(())
    }
}
