//! When a message is sent again.

use crate::Millis;
use serde::{Deserialize, Serialize};

/// How often and when. The pauses triple: 5 s, 15 s, 45 s … up to `mostSeconds`; with the default the last of 12 tries comes about
/// 22 hours after the first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Retry {
    /// After so many tries a message is dead and waits for a person.
    pub tries: u32,
    /// Seconds between the first and the second try.
    pub first_seconds: f64,
    /// The most seconds between two tries; where the receiver asks for more, that.
    pub most_seconds: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            tries: 12,
            first_seconds: 5.0,
            most_seconds: 21_600.0,
        }
    }
}

/// What a receiver answered, as far as it decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// The HTTP status; none where there was no answer.
    pub status: Option<u16>,
    /// How long it asks to wait, in milliseconds.
    pub retry_after: Option<Millis>,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterAnswer {
    /// It was taken.
    Taken,
    /// It is sent again after so many milliseconds.
    RetryIn(Millis),
    /// It is dead.
    Dead,
    /// The receiver wants no more of them: 410.
    Stop,
}

/// A receiver's wish is followed up to a day.
const LONGEST_WISH: Millis = 24 * 3600 * 1000;

impl Retry {
    /// Seconds after try `tries` (from 1), before they are spread.
    pub fn pause(&self, tries: u32) -> f64 {
        let times = i32::try_from(tries.saturating_sub(1)).unwrap_or(i32::MAX).min(40);
        (self.first_seconds * 3f64.powi(times)).min(self.most_seconds)
    }

    /// Decides what follows an answer to try `tries` (from 1). `jitter` in 0..1 spreads the pause over its upper half, so that
    /// messages that failed together do not come back together.
    pub fn after(&self, answered: Answered, tries: u32, jitter: f64) -> AfterAnswer {
        match answered.status {
            Some(200..=299) => return AfterAnswer::Taken,
            Some(410) => return AfterAnswer::Stop,
            _ if tries >= self.tries => return AfterAnswer::Dead,
            _ => {}
        }
        let own = (self.pause(tries) * 1000.0 * (0.5 + 0.5 * jitter)) as Millis;
        let wish = answered.retry_after.unwrap_or(0).min(LONGEST_WISH);
        AfterAnswer::RetryIn(own.max(wish).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(status: Option<u16>, retry_after: Option<Millis>, tries: u32) -> AfterAnswer {
        Retry::default().after(Answered { status, retry_after }, tries, 1.0)
    }

    #[test]
    fn pauses_triple_up_to_their_bound() {
        for (tries, seconds) in [(1, 5), (2, 15), (3, 45), (8, 10_935), (9, 21_600), (11, 21_600)] {
            assert_eq!(
                after(None, None, tries),
                AfterAnswer::RetryIn(seconds * 1000),
                "{tries}"
            );
        }
        assert_eq!(after(Some(500), None, 12), AfterAnswer::Dead);
        let half = Retry::default().after(
            Answered {
                status: Some(503),
                retry_after: None,
            },
            1,
            0.0,
        );
        assert_eq!(half, AfterAnswer::RetryIn(2_500));
    }

    #[test]
    fn the_receiver_has_a_say() {
        assert_eq!(after(Some(204), None, 1), AfterAnswer::Taken);
        assert_eq!(after(Some(301), None, 1), AfterAnswer::RetryIn(5_000));
        assert_eq!(after(Some(410), None, 1), AfterAnswer::Stop);
        assert_eq!(after(Some(429), Some(60_000), 1), AfterAnswer::RetryIn(60_000));
        assert_eq!(after(Some(429), Some(1_000), 1), AfterAnswer::RetryIn(5_000));
        assert_eq!(after(Some(503), Some(i64::MAX), 1), AfterAnswer::RetryIn(LONGEST_WISH));
    }
}
