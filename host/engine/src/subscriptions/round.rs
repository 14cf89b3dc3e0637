//! One round of sending: letters that are due, then what is new in the log.
//!
//! Messages of one entity go one after another, those of several side by side. One that is not taken becomes a letter, which is
//! sent again when it is due; what comes later of the same entity becomes one too and waits behind it, and the others go on. What a
//! round came to is stored in one transaction: a host that dies before it sends the same messages again, under the same ids.

use super::post::{Message, Reply, wish};
use crate::{
    Engine, Result,
    events::{Log, seen},
};
use futures::{StreamExt, stream};
use seawall_domain::{
    Millis,
    subscription::{AfterAnswer, Answered, ChangeFilter, Destination, Secrets, signature},
};
use seawall_store::{ChangeRow, LetterRow, LetterState, Settlement, SubscriptionRow};
use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
    time::Duration,
};
use tokio::time::Instant;

/// How long the sending is taken for; renewed in each round.
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
    /// The receiver asked for silence until then.
    hold: Millis,
}

/// A message to be sent.
enum Job {
    Letter(LetterRow),
    Change(ChangeRow),
}

/// Messages of one entity, in order.
struct Lane {
    entity: String,
    /// A letter of the same entity waits, and so do these.
    blocked: bool,
    jobs: Vec<Job>,
}

/// What became of one.
enum Done {
    /// The letter, if it was one.
    Taken(Option<i64>),
    /// It was tried; the letter as it is now, and the error.
    Failed(LetterRow),
    /// It was not tried, and was no letter.
    Waits(LetterRow),
}

/// What all lanes of a round share.
struct Round<'a> {
    row: &'a SubscriptionRow,
    to: Destination,
    secrets: Secrets,
    until: Instant,
    stop: AtomicBool,
    hold: AtomicI64,
}

impl Sending {
    pub(super) fn new(engine: Engine, id: i64) -> Self {
        Self {
            engine,
            id,
            seen: 0,
            placed: 0,
            down: None,
            hold: 0,
        }
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
        let lease = store
            .lease_subscription(self.id, &engine.inner.owner, now, LEASE_MS)
            .await?;
        let (Some(fence), Some(secrets)) = (lease, store.subscription_secrets(&row.name).await?) else {
            // Another process sends, and may have gone further.
            self.seen = 0;
            return Ok(Next::Idle);
        };
        self.seen = self.seen.max(row.position);
        let heads = store.waiting_letters(self.id, MOST).await?;
        let down = *self.down.get_or_insert(!heads.is_empty());
        // A receiver that took nothing is asked again with what it was asked before, not with everything that is new.
        let read = row.waiting < LETTERS && (heads.is_empty() || !down);
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
        if read {
            let fresh;
            (fresh, more) = self.read(&row.wanted.filter(), &mut outcome).await?;
            lanes.extend(gather(fresh, &blocked));
        }
        let round = Round {
            to: row.wanted.destination(&engine.policy().await?.never.private_ranges),
            row: &row,
            secrets,
            until: Instant::now() + ROUND,
            stop: AtomicBool::new(false),
            hold: AtomicI64::new(0),
        };
        let idle = lanes.is_empty();
        let done: Vec<Result<Vec<Done>>> = stream::iter(lanes.into_iter().map(|lane| round.lane(&engine, lane)))
            .buffer_unordered(ABREAST)
            .collect()
            .await;
        for lane in done {
            lane?.into_iter().for_each(|done| settle(done, &mut outcome));
        }
        self.hold = round.hold.into_inner();
        if round.stop.into_inner() {
            outcome.stop =
                Some("the receiver answered 410: it wants no more messages. Resume where that was not meant".into());
        }
        if idle && outcome.lost == 0 && !self.is_worth_a_write(&row, &outcome, now) {
            self.seen = outcome.position;
        } else {
            if !store
                .settle_subscription(self.id, fence, &outcome, engine.now())
                .await?
            {
                self.seen = 0;
                return Ok(Next::Idle);
            }
            (self.seen, self.placed) = (outcome.position, now);
            self.note(&row, &outcome).await?;
        }
        Ok(match () {
            () if !idle || more => Next::Now,
            () if read => Next::Change(self.seen, later.first().map(|letter| letter.due)),
            () => later.first().map_or(Next::Idle, |letter| Next::At(letter.due)),
        })
    }

    /// What fits of the log behind `seen`, and whether there is more.
    async fn read(&self, filter: &ChangeFilter, outcome: &mut Settlement) -> Result<(Vec<ChangeRow>, bool)> {
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
        let mut fresh = Vec::new();
        for row in rows {
            if fresh.len() == MOST {
                more = true;
                break;
            }
            outcome.position = row.position;
            if filter.matches(seen(&row)) {
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
            self.down = Some(false);
            if row.problem.is_some() && outcome.stop.is_none() {
                store.note_subscription(self.id, None).await?;
            }
        } else if outcome.failed > 0 {
            self.down = Some(true);
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

impl Lane {
    fn of_letter(letter: LetterRow) -> Self {
        Self {
            entity: letter.entity.clone(),
            blocked: false,
            jobs: vec![Job::Letter(letter)],
        }
    }
}

/// New changes by entity, in order.
fn gather(fresh: Vec<ChangeRow>, blocked: &HashSet<String>) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    let mut at = HashMap::new();
    for change in fresh {
        let entity = format!("{}/{}", change.blueprint, change.identifier);
        let next = lanes.len();
        let lane = *at.entry(entity.clone()).or_insert(next);
        if lane == next {
            lanes.push(Lane {
                blocked: blocked.contains(&entity),
                entity,
                jobs: Vec::new(),
            });
        }
        lanes[lane].jobs.push(Job::Change(change));
    }
    lanes
}

fn settle(done: Done, outcome: &mut Settlement) {
    match done {
        Done::Taken(letter) => {
            outcome.sent += 1;
            outcome.taken.extend(letter);
        }
        Done::Failed(letter) => {
            outcome.failed += 1;
            match letter.id {
                0 => outcome.new.push(letter),
                _ => outcome.tried.push(letter),
            }
        }
        Done::Waits(letter) => outcome.new.push(letter),
    }
}

impl Round<'_> {
    /// Sends the messages of one entity, one after another, as long as they are taken or given up.
    async fn lane(&self, engine: &Engine, lane: Lane) -> Result<Vec<Done>> {
        let mut done = Vec::new();
        let mut blocked = lane.blocked;
        for job in lane.jobs {
            let mut letter = match job {
                Job::Letter(letter) => letter,
                Job::Change(change) => {
                    let payload = engine.message(&change, self.row.wanted.thin).await?;
                    new_letter(&change, lane.entity.clone(), payload, engine.now())
                }
            };
            let sent = match blocked || self.ends(engine) {
                true => None,
                false => self.send(engine, &letter).await,
            };
            let Some(answer) = sent else {
                // A letter stays what it is.
                if letter.id == 0 {
                    done.push(Done::Waits(letter));
                }
                blocked = true;
                continue;
            };
            let now = engine.now();
            letter.attempts += 1;
            letter.tried_at = Some(now);
            let (status, retry_after, why) = match &answer {
                Ok(reply) => {
                    let wish = reply.retry_after.as_deref().and_then(|header| wish(header, now));
                    (Some(reply.status), wish, reply.words())
                }
                Err(why) => (None, None, why.clone()),
            };
            (letter.status, letter.error) = (status, Some(why));
            let jitter = f64::from(u8::try_from((now + letter.position) % 100).unwrap_or(0)) / 100.0;
            let answered = Answered { status, retry_after };
            match self.row.wanted.retry.after(answered, letter.attempts, jitter) {
                AfterAnswer::Taken => {
                    done.push(Done::Taken((letter.id != 0).then_some(letter.id)));
                    continue;
                }
                AfterAnswer::RetryIn(ms) => {
                    letter.due = now + ms;
                    blocked = true;
                    if retry_after.is_some() {
                        self.hold.fetch_max(letter.due, Ordering::Relaxed);
                    }
                }
                AfterAnswer::Dead => letter.state = LetterState::Dead,
                AfterAnswer::Stop => {
                    letter.due = now;
                    blocked = true;
                    self.stop.store(true, Ordering::Relaxed);
                }
            }
            done.push(Done::Failed(letter));
        }
        Ok(done)
    }

    /// Whether no further message is to be begun.
    fn ends(&self, engine: &Engine) -> bool {
        engine.inner.shutdown.is_cancelled()
            || self.stop.load(Ordering::Relaxed)
            || self.hold.load(Ordering::Relaxed) > 0
            || Instant::now() >= self.until
    }

    /// None where the host stops meanwhile: it is sent again at the next start.
    async fn send(&self, engine: &Engine, letter: &LetterRow) -> Option<Result<Reply, String>> {
        let now = engine.now();
        let (id, seconds) = (format!("msg_{}_{}", self.row.id, letter.position), now / 1000);
        let signed = signature(&self.secrets.in_force(now), &id, seconds, letter.payload.as_bytes());
        let mut headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("webhook-id".to_owned(), id),
            ("webhook-timestamp".to_owned(), seconds.to_string()),
            ("webhook-signature".to_owned(), signed),
        ];
        headers.extend(self.secrets.headers.clone());
        let message = Message {
            to: self.to.clone(),
            headers,
            body: letter.payload.clone(),
        };
        tokio::select! {
            () = engine.inner.shutdown.cancelled() => None,
            answer = engine.inner.post.post(message) => Some(answer),
        }
    }
}

fn new_letter(change: &ChangeRow, entity: String, payload: String, now: Millis) -> LetterRow {
    LetterRow {
        id: 0,
        position: change.position,
        entity,
        state: LetterState::Waiting,
        payload,
        attempts: 0,
        status: None,
        error: None,
        due: now,
        created_at: now,
        tried_at: None,
    }
}
