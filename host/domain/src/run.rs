//! A run: one execution of an operation, moved by one state machine.

use serde::{Deserialize, Serialize};

/// How a run stands. Gates and approvals join between `Requested` and `Running`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// Asked for; nothing was started in the tool.
    Requested,
    /// Started in the tool. After a crash it is polled, not started again.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended by an error.
    Failed,
    /// Ended by a person.
    Cancelled,
}

impl RunState {
    /// Whether nothing follows.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// A verdict of a rule on one entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", content = "reason", rename_all = "kebab-case")]
pub enum RuleVerdict {
    /// Holds.
    Pass,
    /// Does not hold, and why.
    Fail(String),
    /// Does not concern the entity.
    NotApplicable,
}
