//! The time, passed in.

use seawall_domain::Millis;
use std::sync::atomic::{AtomicI64, Ordering};

/// Gives the time.
pub type Clock = fn() -> Millis;

/// By how much the database's clock is ahead of this machine's, in milliseconds.
static AHEAD: AtomicI64 = AtomicI64::new(0);

/// The clock that all processes on one database go by: the machine's, or, where others share the database, that one's.
pub fn system_clock() -> Millis {
    own() + AHEAD.load(Ordering::Relaxed)
}

/// This machine's clock.
pub(crate) fn own() -> Millis {
    jiff::Timestamp::now().as_millisecond()
}

/// Lets the clock follow another one that is so many milliseconds ahead.
pub(crate) fn follow(ahead: Millis) {
    /// What the way to the database leaves uncertain anyway.
    const LITTLE: Millis = 50;
    let before = AHEAD.load(Ordering::Relaxed);
    if (ahead - before).abs() > LITTLE {
        if ahead.abs() > 1_000 {
            tracing::warn!(
                milliseconds = ahead,
                "this machine's clock is not the database's, by which all go; set it right"
            );
        }
        AHEAD.store(ahead, Ordering::Relaxed);
    }
}
