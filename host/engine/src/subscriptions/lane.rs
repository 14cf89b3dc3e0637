//! Messages of one entity, one after another, and what became of each.

use super::post::{Message, Reply, wish};
use crate::{Engine, Result};
use seawall_domain::{
    Millis,
    subscription::{AfterAnswer, Answered, Destination, Secrets, signature},
};
use seawall_store::{ChangeRow, LetterRow, LetterState, Settlement, SubscriptionRow};
use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
};
use tokio::time::Instant;

/// A message to be sent.
pub(super) enum Job {
    Letter(LetterRow),
    Change(ChangeRow),
}

/// Messages of one entity, in order.
pub(super) struct Lane {
    entity: String,
    /// A letter of the same entity waits, and so do these.
    blocked: bool,
    jobs: Vec<Job>,
}

/// What became of one.
pub(super) enum Done {
    /// The letter, if it was one.
    Taken(Option<i64>),
    /// It was tried; the letter as it is now, and the error.
    Failed(LetterRow),
    /// It was not tried, and was no letter.
    Waits(LetterRow),
}

/// What all lanes of a round share.
pub(super) struct Round<'a> {
    pub(super) row: &'a SubscriptionRow,
    pub(super) to: Destination,
    pub(super) secrets: Secrets,
    pub(super) until: Instant,
    pub(super) stop: AtomicBool,
    pub(super) hold: AtomicI64,
}

impl Lane {
    pub(super) fn of_letter(letter: LetterRow) -> Self {
        Self {
            entity: letter.entity.clone(),
            blocked: false,
            jobs: vec![Job::Letter(letter)],
        }
    }
}

/// New changes by entity, in order.
pub(super) fn gather(fresh: Vec<ChangeRow>, blocked: &HashSet<String>) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    let mut at = HashMap::new();
    for change in fresh {
        let entity = entity(&change);
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

pub(super) fn settle(done: Done, outcome: &mut Settlement) {
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
    pub(super) async fn lane(&self, engine: &Engine, lane: Lane) -> Result<Vec<Done>> {
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

/// The entity of a change, as letters name it.
pub(super) fn entity(change: &ChangeRow) -> String {
    format!("{}/{}", change.blueprint, change.identifier)
}
