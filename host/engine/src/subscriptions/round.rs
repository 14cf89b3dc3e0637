//! One round of sending: letters that are due, then what is new in the log.
//!
//! Messages of one entity go one after another, those of several side by side. One that is not taken becomes a letter, which is
//! sent again when it is due; what comes later of the same entity becomes one too and waits behind it, and the others go on. What a
//! round came to is stored in one transaction: a host that dies before it sends the same messages again, under the same ids.

use super::lane::{Done, Lane, Round, entity, gather, settle};
use crate::{
    Engine, Result,
    events::{Log, seen},
};
use futures::{StreamExt, stream};
use seawall_domain::{
    Millis,
    subscription::{ChangeFilter, Retry},
};
use seawall_store::{ChangeRow, LetterState, Settlement, SubscriptionRow};
use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, AtomicI64},
    time::Duration,
};
use tokio::time::Instant;

/// How long the sending is taken for.
const LEASE_MS: i64 = 120_000;
/// No message is begun so long after a round has: the lease must outlast it.
const ROUND: Duration = Duration::from_secs(30);
/// Messages of one round.
const MOST: usize = 64;
/// Messages under way at once.
const ABREAST: usize = 8;
/// Rows of the log that are looked through in one round.
const PAGE: usize = 1_000;
/// While so many letters wait, nothing new is read: it stays in the log, which has more room.
const LETTERS: u64 = 1_000;
/// While a receiver takes nothing, something new is tried at least so often: what failed may have been what it cannot take.
const PROBE_MS: f64 = 300_000.0;
/// A place without news is stored at most so often.
const PLACE_MS: i64 = 10_000;

/// What follows a round.
pub(super) enum Next {
    /// The subscription is gone.
    Over,
    /// There is more.
    Now,
    /// Nothing to do until somebody says so.
    Idle,
    /// Something is due then.
    At(Millis),
    /// A change after this position, or something that is due.
    Change(i64, Option<Millis>),
}

/// What one courier remembers between rounds.
pub(super) struct Sending {
    engine: Engine,
    id: i64,
    /// The log was looked through up to here; may be ahead of what is stored where nothing fitted.
    seen: i64,
    placed: Millis,
    /// Whether the receiver took nothing when it was last asked; none: nobody has asked yet.
    down: Option<bool>,
    /// Rounds since then, and when something new is tried.
    vain: u32,
    probe: Millis,
    /// The receiver asked for silence until then.
    hold: Millis,
    /// The lease's fence, and when it was taken or renewed.
    lease: Option<(i64, Millis)>,
}

impl Sending {
    pub(super) fn new(engine: Engine, id: i64) -> Self {
        Self {
            engine,
            id,
            seen: 0,
            placed: 0,
            down: None,
            vain: 0,
            probe: 0,
            hold: 0,
            lease: None,
        }
    }

    /// Takes the sending, or holds it for longer where a third of the time is over: most rounds cost no write.
    async fn lease(&mut self, now: Millis) -> Result<Option<i64>> {
        if let Some((fence, at)) = self.lease
            && now - at < LEASE_MS / 3
        {
            return Ok(Some(fence));
        }
        let (store, owner) = (&self.engine.inner.store, &self.engine.inner.owner);
        let fence = store.lease_subscription(self.id, owner, now, LEASE_MS).await?;
        self.lease = fence.map(|fence| (fence, now));
        Ok(fence)
    }

    /// Gives the sending back, so that another process goes on at once.
    pub(super) async fn release(&mut self) -> Result<()> {
        if self.lease.take().is_some() {
            let (store, owner) = (&self.engine.inner.store, &self.engine.inner.owner);
            store.lease_subscription(self.id, owner, self.engine.now(), 0).await?;
        }
        Ok(())
    }

    pub(super) async fn round(&mut self) -> Result<Next> {
        let engine = self.engine.clone();
        let store = &engine.inner.store;
        let Some(row) = store.subscriptions().await?.into_iter().find(|row| row.id == self.id) else {
            return Ok(Next::Over);
        };
        let now = engine.now();
        if row.paused {
            return Ok(Next::Idle);
        }
        if self.hold > now {
            return Ok(Next::At(self.hold));
        }
        let Some(fence) = self.lease(now).await? else {
            // Another process sends, and may have gone further.
            self.seen = 0;
            return Ok(Next::Idle);
        };
        self.seen = self.seen.max(row.position);
        let heads = store.waiting_letters(self.id, MOST).await?;
        let down = *self.down.get_or_insert(!heads.is_empty());
        // A receiver that took nothing is asked with what it was asked before, and now and then with one that is new.
        let full = row.waiting >= LETTERS;
        let room = match () {
            () if full => 0,
            () if !down => MOST,
            () if self.probe <= now => 1,
            () => 0,
        };
        let (due, later): (Vec<_>, Vec<_>) = heads.into_iter().partition(|letter| letter.due <= now);
        let blocked: HashSet<String> = match row.waiting {
            0 => HashSet::new(),
            _ => store.waiting_entities(self.id).await?.into_iter().collect(),
        };
        let mut outcome = Settlement {
            position: self.seen,
            ..Settlement::default()
        };
        let mut lanes: Vec<Lane> = due.into_iter().map(Lane::of_letter).collect();
        let mut more = false;
        if room > 0 {
            let fresh;
            (fresh, more) = self.read(&row.wanted.filter(), room, &blocked, &mut outcome).await?;
            lanes.extend(gather(fresh, &blocked));
        }
        let idle = lanes.is_empty();
        if !idle {
            let Some(secrets) = store.subscription_secrets(&row.name).await? else {
                return Ok(Next::Over);
            };
            let round = Round {
                to: row.wanted.destination(&engine.policy().await?.never.private_ranges),
                row: &row,
                secrets,
                until: Instant::now() + ROUND,
                stop: AtomicBool::new(false),
                hold: AtomicI64::new(0),
            };
            let done: Vec<Result<Vec<Done>>> = stream::iter(lanes.into_iter().map(|lane| round.lane(&engine, lane)))
                .buffer_unordered(ABREAST)
                .collect()
                .await;
            for lane in done {
                lane?.into_iter().for_each(|done| settle(done, &mut outcome));
            }
            self.hold = round.hold.into_inner();
            if round.stop.into_inner() {
                let why = "the receiver answered 410: it wants no more messages. Resume where that was not meant";
                outcome.stop = Some(why.to_owned());
            }
        }
        if idle && outcome.lost == 0 && !self.is_worth_a_write(&row, &outcome, now) {
            self.seen = outcome.position;
        } else {
            if !store
                .settle_subscription(self.id, fence, &outcome, engine.now())
                .await?
            {
                (self.seen, self.lease) = (0, None);
                return Ok(Next::Idle);
            }
            (self.seen, self.placed) = (outcome.position, now);
            self.note(&row, &outcome).await?;
        }
        let due = later.first().map(|letter| letter.due);
        Ok(match () {
            () if !idle || more => Next::Now,
            () if room > 0 => Next::Change(self.seen, due),
            () if full => due.map_or(Next::Idle, Next::At),
            () => Next::At(due.map_or(self.probe, |due| due.min(self.probe))),
        })
    }

    /// What fits of the log behind `seen`, `room` of which can be sent, and whether there is more.
    async fn read(
        &self,
        filter: &ChangeFilter,
        room: usize,
        blocked: &HashSet<String>,
        outcome: &mut Settlement,
    ) -> Result<(Vec<ChangeRow>, bool)> {
        let known = self.engine.position();
        let rows = match self.engine.log(self.seen, PAGE).await? {
            Log::Rows(rows) => rows,
            Log::Gone(start) => {
                outcome.lost = u64::try_from(start - self.seen).unwrap_or(0);
                outcome.position = start;
                return Ok((Vec::new(), true));
            }
        };
        if rows.is_empty() {
            outcome.position = self.seen.max(known);
        }
        let mut more = rows.len() == PAGE;
        let (mut fresh, mut free) = (Vec::new(), 0);
        for row in rows {
            if fresh.len() == MOST || free == room {
                more = true;
                break;
            }
            outcome.position = row.position;
            if filter.matches(seen(&row)) {
                free += usize::from(!blocked.contains(&entity(&row)));
                fresh.push(row);
            }
        }
        Ok((fresh, more))
    }

    /// A place without news is stored now and then alone: each page of a pass would cost a write otherwise.
    fn is_worth_a_write(&self, row: &SubscriptionRow, outcome: &Settlement, now: Millis) -> bool {
        outcome.position > row.position && now - self.placed >= PLACE_MS
    }

    /// Keeps whether the receiver takes messages, and says so where that has changed.
    async fn note(&mut self, row: &SubscriptionRow, outcome: &Settlement) -> Result<()> {
        let store = &self.engine.inner.store;
        if outcome.lost > 0 {
            tracing::warn!(subscription = %row.name, changes = outcome.lost, "changes were dropped from the log before they were told");
        }
        for letter in outcome.tried.iter().chain(&outcome.new) {
            if letter.state == LetterState::Dead {
                let why = letter.error.as_deref().unwrap_or_default();
                tracing::warn!(subscription = %row.name, change = letter.position, "a message is dead: {why}");
            }
        }
        if outcome.sent > 0 {
            (self.down, self.vain) = (Some(false), 0);
            if row.problem.is_some() && outcome.stop.is_none() {
                store.note_subscription(self.id, None).await?;
            }
        } else if outcome.failed > 0 {
            self.down = Some(true);
            self.vain = self.vain.saturating_add(1);
            self.probe = self.engine.now() + probe(row.wanted.retry, self.vain);
            let failed = outcome
                .tried
                .iter()
                .chain(&outcome.new)
                .find_map(|letter| letter.error.as_deref());
            if outcome.stop.is_none() && row.problem.as_deref() != failed {
                store.note_subscription(self.id, failed).await?;
            }
        }
        Ok(())
    }
}

/// How long something new is not tried after so many rounds in vain: as tries of a message go, but never for long.
fn probe(retry: Retry, vain: u32) -> Millis {
    (retry.pause(vain) * 1000.0).min(PROBE_MS) as Millis
}
