//! Several processes on one database.
//!
//! Each holds a read index, compiled plugins and what it made ready of integrations; the database holds all else. A process looks
//! at the database's pulse some times a second, and at once after it wrote: it takes what others stored into its index in the order
//! of the change log, so that its position leaves nothing out, and makes anew what it made of what others have configured.
//!
//! Work that only one may do at a time is taken under a lease: partitions, subscriptions, and duties (`duty`). Whoever was paused
//! for longer than its lease finds its writes refused, by the fence that came with it. The clock is the database's, as far as
//! the way there lets one know it.

mod duty;
mod follow;
mod refresh;

pub(crate) use duty::OnDuty;

use crate::{Engine, Result, clock};
use seawall_domain::{IntegrationName, Millis};
use seawall_store::{IntegrationRow, Part, Pulse};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// The longest that others' work is not seen.
const EVERY: Duration = Duration::from_millis(200);

/// What this process has seen of the others.
#[derive(Default)]
pub(crate) struct Others {
    /// This process wrote: what is new in the log is looked at soon.
    wake: Notify,
    /// The newest position that this process wrote.
    wrote: AtomicI64,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    parts: BTreeMap<Part, i64>,
    deliveries: i64,
    integrations: HashMap<IntegrationName, IntegrationRow>,
    /// What was asked to end of each integration.
    cancelled: HashMap<String, serde_json::Value>,
}

impl Others {
    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// What the database looks like before anything is read of it, so that what comes afterwards is seen as news.
    pub(crate) async fn first_pulse(&self) -> Result<()> {
        if !self.inner.store.is_shared() {
            return Ok(());
        }
        let pulse = self.pulse().await?;
        let cancelled = self.cancellations().await?;
        let rows = self.inner.store.integrations().await?.into_iter();
        let mut seen = self.inner.others.seen();
        seen.parts = pulse.parts;
        seen.deliveries = pulse.deliveries;
        seen.cancelled = cancelled;
        seen.integrations = rows.map(|row| (row.integration.name.clone(), row)).collect();
        Ok(())
    }

    /// Follows the others until the host stops.
    pub(crate) fn follow_others(&self) {
        if !self.inner.store.is_shared() {
            return;
        }
        let engine = self.clone();
        // Beside the requests of people: some wait for what it takes in.
        self.inner.tasks.spawn(async move {
            let shutdown = engine.inner.shutdown.clone();
            while !shutdown.is_cancelled() {
                let woken = engine.inner.others.wake.notified();
                let pause = match engine.look().await {
                    Ok(()) => EVERY,
                    Err(error) => {
                        tracing::warn!("what other processes do is not seen, and it is tried again: {error}");
                        EVERY * 5
                    }
                };
                tokio::select! {
                    () = woken => {}
                    () = shutdown.cancelled() => {}
                    () = tokio::time::sleep(pause) => {}
                }
            }
        });
        self.adopt();
    }

    /// Whether a part was changed since this process took it in.
    pub(crate) async fn others_changed(&self, part: Part) -> Result<bool> {
        let pulse = self.pulse().await?;
        Ok(self.inner.others.seen().parts.get(&part) != pulse.parts.get(&part))
    }

    async fn look(&self) -> Result<()> {
        let pulse = self.pulse().await?;
        self.take_in(pulse.position).await?;
        let (changed, delivered) = {
            let seen = self.inner.others.seen();
            let changed = pulse.parts.iter().filter(|(part, n)| seen.parts.get(part) != Some(n));
            let changed: Vec<_> = changed.map(|(part, _)| *part).collect();
            (changed, pulse.deliveries > seen.deliveries)
        };
        // Noted once it is done: where it fails, it is tried again.
        self.refresh(&changed).await?;
        if delivered {
            self.wake_deliveries();
        }
        let mut seen = self.inner.others.seen();
        seen.parts = pulse.parts;
        seen.deliveries = pulse.deliveries;
        Ok(())
    }

    /// The pulse; it sets the clock.
    async fn pulse(&self) -> Result<Pulse> {
        let (before, began) = (clock::own(), Instant::now());
        let pulse = self.inner.store.pulse().await?;
        let took = Millis::try_from(began.elapsed().as_millis()).unwrap_or(Millis::MAX / 2);
        clock::follow(pulse.now, before, took);
        Ok(pulse)
    }

    /// Says that this process wrote something.
    pub(crate) fn wrote(&self, position: i64) {
        self.inner.others.wrote.fetch_max(position, Ordering::AcqRel);
        self.inner.others.wake.notify_one();
    }

    /// A position that is not before anything that this process has written. Where others write too it may be ahead of
    /// [`Engine::position`], for a moment.
    pub fn written(&self) -> i64 {
        self.inner.others.wrote.load(Ordering::Acquire).max(self.position())
    }
}
