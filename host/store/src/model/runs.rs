//! Runs and verdicts.

use seawall_domain::{
    Millis,
    run::{RuleVerdict, RunState},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// Row id, rising; 0 before it is stored.
    pub seq: i64,
    /// Random; also what plugins get as idempotency key.
    pub id: String,
    /// Name of the integration.
    pub integration: String,
    /// The manifest's operation.
    pub operation: String,
    /// `(blueprint, identifier)` of the entity it works on.
    pub target: Option<(String, String)>,
    /// Checked against the operation's schema.
    pub inputs: Value,
    /// Who asked.
    pub by: String,
    /// Of the client.
    pub idempotency_key: Option<String>,
    /// How it stands.
    pub state: RunState,
    /// What a person reads while it runs, or why it failed.
    pub label: Option<String>,
    /// The plugin's own state, for `poll` and `cancel`. `None` until `start` has answered.
    pub progress: Option<Vec<u8>>,
    /// When it is polled next.
    pub poll_at: Option<Millis>,
    /// What came of it.
    pub outputs: Option<Value>,
    /// Where a person can follow up.
    pub link: Option<String>,
    /// When it was asked for.
    pub created_at: Millis,
    /// Last change.
    pub updated_at: Millis,
}

/// A line of a run's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Rising within the run; 0 before it is stored.
    pub line: i64,
    /// When.
    pub at: Millis,
    /// `debug`, `info`, `warn`, `error`, `stdout` or `stderr`.
    pub level: String,
    /// Without line break.
    pub message: String,
}

/// A rule's verdict on an entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictRow {
    /// `plugin/rule`.
    pub rule: String,
    /// The entity's blueprint.
    pub blueprint: String,
    /// The entity's identifier.
    pub identifier: String,
    /// What was judged.
    #[serde(flatten)]
    pub verdict: RuleVerdict,
    /// When.
    pub at: Millis,
}

/// Which verdicts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerdictFilter {
    /// `plugin/rule`.
    pub rule: Option<String>,
    /// Of one entity.
    pub entity: Option<(String, String)>,
}
