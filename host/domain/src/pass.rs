//! One walk over a partition: its states, what ends it, and when the next one starts.

use crate::{Failure, Millis};
use serde::{Deserialize, Serialize};

/// How a pass stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PassState {
    /// Pages are being pulled. After a crash it goes on from its cursor.
    Running,
    /// Everything was listed, but removing what is gone waits for a person.
    Held,
    /// Ended well.
    Succeeded,
    /// Ended by an error; what its pages brought is kept, nothing was removed.
    Failed,
    /// Ended by a person.
    Cancelled,
}

/// What a pass did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Pages stored.
    pub pages: u64,
    /// Items listed.
    pub items: u64,
    /// Items whose hash had not changed.
    pub unchanged: u64,
    /// Entities created.
    pub created: u64,
    /// Entities changed.
    pub updated: u64,
    /// Entities removed.
    pub deleted: u64,
    /// Values converted without loss.
    pub converted: u64,
    /// Properties and relations left out.
    pub left_out: u64,
    /// Entities set aside whole.
    pub set_aside: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, o: Self) {
        self.pages += o.pages;
        self.items += o.items;
        self.unchanged += o.unchanged;
        self.created += o.created;
        self.updated += o.updated;
        self.deleted += o.deleted;
        self.converted += o.converted;
        self.left_out += o.left_out;
        self.set_aside += o.set_aside;
    }
}

/// What the host does after a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// Try the same page again after so many milliseconds.
    RetryIn(i64),
    /// Forget the cursor; the next pass starts from nothing, at once.
    StartOver,
    /// End the pass; the next one starts by schedule.
    GiveUp,
    /// End the pass and start none until the operator changes something or asks.
    Stop,
}

/// How often a page is tried before its pass fails.
pub const MAX_ATTEMPTS: u32 = 6;

/// Decides what follows `failure` after `attempts` failed tries of one page (1 or more). Backoff doubles from one second
/// to a minute; `jitter` in 0..1 spreads it over its upper half, so that integrations do not retry in step.
pub fn after_failure(failure: &Failure, attempts: u32, jitter: f64) -> AfterFailure {
    match failure {
        Failure::RateLimited(ms) => AfterFailure::RetryIn(i64::from(*ms).max(100)),
        Failure::CursorExpired => AfterFailure::StartOver,
        Failure::Unavailable(_) if attempts < MAX_ATTEMPTS => {
            let full = 1000.0 * f64::from(1u32 << (attempts - 1).min(6));
            AfterFailure::RetryIn((full.min(60_000.0) * (0.5 + 0.5 * jitter)) as i64)
        }
        Failure::InvalidConfig(_) | Failure::Unauthorized(_) => AfterFailure::Stop,
        Failure::Unavailable(_) | Failure::NotFound(_) | Failure::Failed(_) => AfterFailure::GiveUp,
    }
}

/// Whether removing `missing` of `known` items waits for a person: more than `share` of them and more than `floor`.
pub fn is_mass_delete(missing: u64, known: u64, share: f64, floor: u32) -> bool {
    missing > u64::from(floor) && missing as f64 > share * known as f64
}

/// When a partition's next pass is due.
pub fn next_due(now: Millis, every_seconds: u32) -> Millis {
    now + i64::from(every_seconds) * 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backs_off_and_gives_up() {
        let down = Failure::Unavailable("503".into());
        assert_eq!(after_failure(&down, 1, 1.0), AfterFailure::RetryIn(1000));
        assert_eq!(after_failure(&down, 3, 0.0), AfterFailure::RetryIn(2000));
        assert_eq!(after_failure(&down, MAX_ATTEMPTS, 0.0), AfterFailure::GiveUp);
        assert_eq!(
            after_failure(&Failure::Unauthorized("401".into()), 1, 0.0),
            AfterFailure::Stop
        );
    }

    #[test]
    fn holds_only_mass_deletes() {
        assert!(!is_mass_delete(10, 12, 0.2, 10));
        assert!(!is_mass_delete(20, 100, 0.2, 10));
        assert!(is_mass_delete(21, 100, 0.2, 10));
    }
}
