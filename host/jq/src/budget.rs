//! What one item's expressions may cost, and jaq's run data that carries it.

use jaq_core::{DataT, Lut, data::HasLut};
use jaq_json::Val;
use std::cell::Cell;

/// Bytes of the thread's stack that nested calls may use. Threads have 2 MiB at the least where this runs.
const MAX_STACK: usize = 640 << 10;
/// Bytes of one string, entries of one array or object, nodes of one printed value.
pub(super) const MAX_SIZE: usize = 4 << 20;
/// Exit code by which a broken bound leaves jaq: unlike an error, `try` does not catch it.
pub(super) const HALT: i32 = 87;

/// What is left for one item.
pub struct Budget {
    steps: Cell<u64>,
    base: Cell<usize>,
    over: Cell<Option<&'static str>>,
    now: Option<i64>,
}

impl Budget {
    /// For an item of so many bytes: a million steps and a hundred for each byte.
    pub fn new(bytes: usize, now: Option<i64>) -> Self {
        Self {
            steps: Cell::new(1_000_000 + 100 * bytes as u64),
            base: Cell::new(0),
            over: Cell::new(None),
            now,
        }
    }

    /// Starts an expression: the stack is measured from here.
    pub(super) fn start(&self) {
        self.base.set(here());
    }

    /// Takes `n` steps; false when none are left or the calls are nested too deep.
    pub(super) fn take(&self, n: u64) -> bool {
        let left = self.steps.get().saturating_sub(n);
        self.steps.set(left);
        if left == 0 {
            return self.exceed("it took more steps than one item may; it may run for ever");
        }
        if self.base.get().abs_diff(here()) > MAX_STACK {
            return self.exceed("its calls are nested too deep; it may call itself for ever");
        }
        true
    }

    /// Notes a broken bound.
    pub(super) fn exceed(&self, bound: &'static str) -> bool {
        if self.over.get().is_none() {
            self.over.set(Some(bound));
        }
        false
    }

    /// The bound that was broken, which once told is forgotten; steps that are used up stay so.
    pub(super) fn broken(&self) -> Option<&'static str> {
        self.over.take()
    }

    /// `now`, where the caller gave it.
    pub(super) fn now(&self) -> Option<i64> {
        self.now
    }
}

/// Where the stack stands, roughly: the address of a local.
#[inline(never)]
fn here() -> usize {
    let local = 0u8;
    std::ptr::from_ref(std::hint::black_box(&local)).addr()
}

/// jaq's data types: jaq-json's values, with [`Run`] in reach of native filters.
pub(super) struct Jq;

impl DataT for Jq {
    type V<'a> = Val;
    type Data<'a> = Run<'a>;
}

/// What native filters see of a run.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) lut: &'a Lut<Jq>,
    pub(super) budget: &'a Budget,
}

impl<'a> HasLut<'a, Jq> for Run<'a> {
    fn lut(&self) -> &'a Lut<Jq> {
        self.lut
    }
}
