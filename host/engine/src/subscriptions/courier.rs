//! Who sends: one courier for each subscription, of which one process at a time holds the lease.

use super::round::{Next, Sending};
use crate::Engine;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// How long nobody looks, where nothing says that there is something: subscriptions that another process made, leases that it
/// lost.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long changes that come together are waited for, so that a pass at full rate costs few looks into the log.
const GATHER: Duration = Duration::from_millis(25);

/// The couriers of this process, by the subscription's row id.
#[derive(Default)]
pub(crate) struct Couriers {
    all: Mutex<HashMap<i64, Arc<Notify>>>,
    new: Notify,
}

impl Couriers {
    fn all(&self) -> MutexGuard<'_, HashMap<i64, Arc<Notify>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What wakes a new courier; none where there is one.
    fn join(&self, id: i64) -> Option<Arc<Notify>> {
        let mut all = self.all();
        if all.contains_key(&id) {
            return None;
        }
        let wake = Arc::<Notify>::default();
        all.insert(id, wake.clone());
        Some(wake)
    }

    fn leave(&self, id: i64) {
        self.all().remove(&id);
    }

    /// Lets all be looked at: a person has changed something.
    pub(crate) fn wake(&self) {
        self.new.notify_one();
        self.all().values().for_each(|wake| wake.notify_one());
    }
}

impl Engine {
    /// Sends what subscriptions ask for until the host stops.
    pub(crate) fn tell_subscribers(&self) {
        let engine = self.clone();
        self.spawn(async move {
            let shutdown = engine.inner.shutdown.clone();
            while !shutdown.is_cancelled() {
                match engine.inner.store.subscriptions().await {
                    Ok(all) => all.iter().for_each(|row| engine.carry_messages(row.id)),
                    Err(error) => tracing::error!("subscriptions cannot be read: {error}"),
                }
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = engine.inner.couriers.new.notified() => {}
                    () = tokio::time::sleep(PATIENCE) => {}
                }
            }
        });
    }

    fn carry_messages(&self, id: i64) {
        let Some(wake) = self.inner.couriers.join(id) else {
            return;
        };
        let engine = self.clone();
        self.spawn(async move {
            let shutdown = engine.inner.shutdown.clone();
            let mut sending = Sending::new(engine.clone(), id);
            while !shutdown.is_cancelled() {
                let next = sending.round().await.unwrap_or_else(|error| {
                    tracing::error!(subscription = id, "messages wait: {error}");
                    Next::Idle
                });
                let (sleep, follow) = match next {
                    Next::Over => break,
                    Next::Now => continue,
                    Next::Idle => (PATIENCE, None),
                    Next::At(at) => (until(at, engine.now()), None),
                    Next::Change(after, at) => (at.map_or(PATIENCE, |at| until(at, engine.now())), Some(after)),
                };
                let changed = async {
                    match follow {
                        Some(after) => {
                            engine.moved_past(after).await;
                            // A pass stores page after page.
                            tokio::time::sleep(GATHER).await;
                        }
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = wake.notified() => {}
                    () = changed => {}
                    () = tokio::time::sleep(sleep) => {}
                }
            }
            if let Err(error) = sending.release().await {
                tracing::warn!(subscription = id, "the lease ends by itself: {error}");
            }
            engine.inner.couriers.leave(id);
        });
    }
}

fn until(at: i64, now: i64) -> Duration {
    Duration::from_millis(u64::try_from(at - now).unwrap_or(0)).min(PATIENCE)
}
