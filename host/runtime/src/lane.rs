//! Keeps plugins that compute for long from taking the machine away from those that do not.
//!
//! A call that has computed for more than a moment goes on in slots. As long as other plugins' short calls come, half of the
//! cores have slots, and one that has computed for far longer than a page of items takes waits two of them for each of its own;
//! otherwise all have, so that nothing is idle while something is to be done. Waiting for a tool takes no slot: only computing is
//! counted, by the epochs that pass meanwhile.

use crate::runtime::EPOCH;
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Epochs of computing that every call has before it takes slots.
const MOMENT: u32 = 2;
/// Epochs of computing after which a call is more likely to be stuck than at work: such calls have half of the slots, so that some of
/// them beside each other leave more than half of the machine to others.
const LONG: u32 = 25;
/// So long after a short call others are expected to come.
const RECENT: Duration = Duration::from_millis(200);

/// The slots of one machine.
pub(crate) struct Lane {
    cores: u32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the next slot is free.
    next: Option<Instant>,
    /// When a short call last ended.
    short: Option<Instant>,
}

impl Lane {
    pub(crate) fn new(cores: usize) -> Self {
        Self {
            cores: u32::try_from(cores).unwrap_or(u32::MAX).max(1),
            state: Mutex::default(),
        }
    }

    /// A call has ended that computed for so many epochs.
    pub(crate) fn ended(&self, epochs: u32, now: Instant) {
        if epochs <= MOMENT {
            self.state.lock().unwrap_or_else(PoisonError::into_inner).short = Some(now);
        }
    }

    /// When a call that has computed for so many epochs may go on; none: at once.
    pub(crate) fn turn(&self, epochs: u32, now: Instant) -> Option<Instant> {
        if epochs <= MOMENT {
            return None;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.short.is_none_or(|short| now.duration_since(short) > RECENT) {
            return None;
        }
        let start = state.next.map_or(now, |next| next.max(now));
        let slots = if epochs > LONG { 2 } else { 1 };
        state.next = Some(start + EPOCH * slots / (self.cores / 2).max(1));
        (start > now).then_some(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_calls_share_half_of_the_cores_while_short_ones_come() {
        let (lane, now) = (Lane::new(4), Instant::now());
        lane.ended(1, now);
        assert_eq!(lane.turn(2, now), None, "a call has its moment");
        let turns: Vec<_> = (0..4).map(|_| lane.turn(3, now)).collect();
        let at = |halves: u32| Some(now + EPOCH / 2 * halves);
        assert_eq!(turns, [None, at(1), at(2), at(3)]);
    }

    #[test]
    fn a_call_that_never_ends_takes_two_slots() {
        let (lane, now) = (Lane::new(4), Instant::now());
        lane.ended(1, now);
        let turns: Vec<_> = [LONG + 1, LONG + 1, LONG, LONG]
            .map(|epochs| lane.turn(epochs, now))
            .into();
        let at = |halves: u32| Some(now + EPOCH / 2 * halves);
        assert_eq!(turns, [None, at(2), at(4), at(5)]);
    }

    #[test]
    fn long_calls_have_all_cores_where_nothing_else_comes() {
        let (lane, now) = (Lane::new(2), Instant::now());
        assert!((0..9).all(|_| lane.turn(100, now).is_none()));
        lane.ended(50, now);
        assert!(
            (0..9).all(|_| lane.turn(100, now).is_none()),
            "a long call is no short one"
        );
        lane.ended(0, now);
        let later = now + RECENT + EPOCH;
        assert!((0..9).all(|_| lane.turn(100, later).is_none()));
    }
}
