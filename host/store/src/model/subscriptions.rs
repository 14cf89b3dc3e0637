//! Subscriptions and the messages that were not taken at once.

use seawall_domain::{
    Millis, SubscriptionName,
    subscription::{Secrets, Subscription},
};
use serde::{Deserialize, Serialize};

/// A subscription as it is stored, without what is secret.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscriptionRow {
    /// Row id, never used again for another.
    pub id: i64,
    /// Its name.
    pub name: SubscriptionName,
    /// What was asked for.
    pub wanted: Subscription,
    /// Whether nothing is sent.
    pub paused: bool,
    /// Why the host paused it, or what it could not do.
    pub problem: Option<String>,
    /// Each change up to here was taken or has a letter.
    pub position: i64,
    /// Messages that were taken.
    pub sent: u64,
    /// Tries that were not.
    pub failed: u64,
    /// Changes that retention took before they were told.
    pub lost: u64,
    /// When a message was last taken.
    pub sent_at: Option<Millis>,
    /// Letters that are sent again.
    pub waiting: u64,
    /// Letters that wait for a person.
    pub dead: u64,
    /// When it was made.
    pub created_at: Millis,
    /// When a person last changed it.
    pub updated_at: Millis,
}

/// What a person sets.
#[derive(Debug, Clone)]
pub struct SubscriptionWrite {
    /// Its name.
    pub name: SubscriptionName,
    /// What is asked for.
    pub wanted: Subscription,
    /// Whether nothing is to be sent.
    pub paused: bool,
    /// Sealed where they are given; a new one needs them.
    pub secrets: Option<Secrets>,
    /// Where a new one begins; one that is there goes on.
    pub position: i64,
}

/// How a letter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LetterState {
    /// It waits for another try, or for one before it of the same entity.
    Waiting,
    /// A person tries it again or drops it.
    Dead,
}

/// A message that was not taken at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterRow {
    /// Row id, rising.
    pub id: i64,
    /// The change.
    pub position: i64,
    /// `BLUEPRINT/IDENTIFIER`.
    pub entity: String,
    /// How it stands.
    pub state: LetterState,
    /// The body; empty in lists.
    pub payload: String,
    /// Tries so far.
    pub attempts: u32,
    /// HTTP status of the last answer.
    pub status: Option<u16>,
    /// Why it was not taken.
    pub error: Option<String>,
    /// When it is tried.
    pub due: Millis,
    /// When it became a letter.
    pub created_at: Millis,
    /// When it was last tried.
    pub tried_at: Option<Millis>,
}

/// What one round of sending came to.
#[derive(Debug, Clone, Default)]
pub struct Settlement {
    /// Each change up to here was taken or has a letter.
    pub position: i64,
    /// Messages that were taken; those of letters too.
    pub sent: u64,
    /// Tries that were not.
    pub failed: u64,
    /// Changes that were gone from the log.
    pub lost: u64,
    /// Letters that were taken: they go.
    pub taken: Vec<i64>,
    /// Letters with a new state; all but id, state, attempts, status, error, due and `tried_at` is as it was.
    pub tried: Vec<LetterRow>,
    /// New letters; their ids are not looked at. One of a change that has a letter already is passed over.
    pub new: Vec<LetterRow>,
    /// Pauses the subscription, and why.
    pub stop: Option<String>,
}
