//! What happens, for those who follow it: changes of entities from the log, and passes and runs as they move.

mod feed;
mod live;
mod retention;

pub use feed::Feed;
pub use live::{Live, PassMoved, RunMoved};

pub(crate) use feed::{Log, kind, seen};

use crate::{Engine, EngineError, Result};
use std::time::Duration;
use tokio::sync::{Notify, broadcast, watch};

/// Passes and runs that a follower may be behind before it misses some.
const LIVE: usize = 1_024;

/// Who waits for what.
pub(crate) struct Events {
    /// The newest position that the index reflects.
    newest: watch::Sender<i64>,
    live: broadcast::Sender<Live>,
    /// The log is to be looked at: its retention has changed.
    pub(crate) trim: Notify,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            newest: watch::Sender::new(0),
            live: broadcast::Sender::new(LIVE),
            trim: Notify::new(),
        }
    }
}

impl Events {
    /// To be called once the index reflects `position`. Transactions may come in another order than they were committed in.
    pub(crate) fn moved(&self, position: i64) {
        self.newest.send_if_modified(|newest| {
            let further = position > *newest;
            *newest = position.max(*newest);
            further
        });
    }

    pub(crate) fn announce(&self, live: Live) {
        // Nobody may listen.
        drop(self.live.send(live));
    }
}

impl Engine {
    /// The newest change position that the index reflects.
    pub fn position(&self) -> i64 {
        *self.inner.events.newest.borrow()
    }

    /// Ends when the index reflects a later position.
    pub async fn moved_past(&self, position: i64) {
        let mut newest = self.inner.events.newest.subscribe();
        if newest.wait_for(|newest| *newest > position).await.is_err() {
            // The engine is gone, and with it whatever could come.
            std::future::pending::<()>().await;
        }
    }

    /// Waits until what is read reflects `position`, for `most` at most: a client that wrote by way of another replica sees what
    /// it wrote.
    ///
    /// # Errors
    /// [`EngineError::Behind`] where it does not.
    pub async fn reflects(&self, position: i64, most: Duration) -> Result<()> {
        // A blueprint has no position of its own: who brings one wrote something, perhaps by way of another process.
        self.newest_blueprints().await?;
        if self.position() >= position {
            return Ok(());
        }
        let moved = self.moved_past(position - 1);
        tokio::time::timeout(most, moved).await.map_err(|_| {
            EngineError::Behind(format!(
                "the position {position} is not reflected here within {} s, {} is; ask again, or leave the position out",
                most.as_secs(),
                self.position()
            ))
        })
    }

    /// Passes and runs as this process moves them, from now on. One that is slow misses some; what is stored is at `/passes` and
    /// `/runs`.
    pub fn live(&self) -> broadcast::Receiver<Live> {
        self.inner.events.live.subscribe()
    }
}
