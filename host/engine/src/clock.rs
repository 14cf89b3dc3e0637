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

/// Lets the clock follow another one, which said `theirs` at some moment of the `took` milliseconds after `asked` on this machine's.
pub(crate) fn follow(theirs: Millis, asked: Millis, took: Millis) {
    /// By so much clocks that are kept right differ anyway.
    const LITTLE: Millis = 50;
    let before = AHEAD.load(Ordering::Relaxed);
    let ahead = certain(before, theirs, asked, took);
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

/// By how much the other clock is ahead at least. An answer that was long on its way tells little: where what was known can still
/// be so, it stays, and else the least is taken. Otherwise writes would be dated after their answers whenever the database was slow.
fn certain(known: Millis, theirs: Millis, asked: Millis, took: Millis) -> Millis {
    let most = theirs - asked;
    let least = most - took.max(0);
    if (least..=most).contains(&known) { known } else { least }
}

#[cfg(test)]
mod tests {
    use super::certain;

    #[test]
    fn a_slow_answer_moves_the_clock_no_further_than_is_certain() {
        // Equal clocks: wherever on the way the other one was read, nothing seems ahead.
        for read in [0, 1, 150, 399, 400] {
            assert_eq!(certain(0, 1_000 + read, 1_000, 400), 0, "read after {read}");
        }
        // A clock that is a minute ahead, or behind, is followed, and never overtaken.
        assert_eq!(certain(0, 61_000, 1_000, 4), 59_996);
        assert_eq!(certain(0, 1_004, 61_000, 4), -60_000);
        // What was known stays where it can be so.
        assert_eq!(certain(60_000, 61_300, 1_000, 400), 60_000);
    }
}
