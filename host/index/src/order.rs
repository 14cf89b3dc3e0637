//! Sort orders: all slots of a table by one field in one direction, made when first asked for.
//!
//! Writers only note which slots changed, so a sort that nobody looks at costs nothing while pages stream in. The next
//! reader takes the noted slots out of the sequence, sorts them and merges them back in: a copy and a few comparisons.

use crate::{
    collate,
    table::{Source, Table},
};
use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// Orders kept for one blueprint; the one not used for longest makes room.
const KEPT: usize = 16;

/// A field and a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OrderKey {
    pub(crate) source: Source,
    pub(crate) descending: bool,
}

impl OrderKey {
    pub(crate) const IDENTIFIER: Self = Self {
        source: Source::Identifier,
        descending: false,
    };
}

/// The slots in order, as they were when the reader asked.
#[derive(Debug)]
pub(crate) struct Sequence {
    pub(crate) slots: Vec<u32>,
    places: OnceLock<Vec<u32>>,
}

impl Sequence {
    fn new(slots: Vec<u32>) -> Self {
        Self {
            slots,
            places: OnceLock::new(),
        }
    }

    /// The place in the sequence by slot; made when first asked for.
    pub(crate) fn places(&self) -> &[u32] {
        self.places.get_or_init(|| {
            let end = self.slots.iter().max().map_or(0, |slot| *slot as usize + 1);
            let mut places = vec![0; end];
            for (place, slot) in (0..).zip(&self.slots) {
                places[*slot as usize] = place;
            }
            places
        })
    }

    pub(crate) fn has_places(&self) -> bool {
        self.places.get().is_some()
    }

    fn heap_bytes(&self) -> usize {
        (self.slots.capacity() + self.places.get().map_or(0, Vec::capacity)) * 4
    }
}

#[derive(Debug, Default)]
struct State {
    sequence: Option<Arc<Sequence>>,
    /// Slots that are no longer where the sequence has them, or not in it at all.
    stale: Vec<u32>,
    /// How often it was passed by because it did not exist.
    missed: u32,
}

#[derive(Debug)]
struct Cell {
    key: OrderKey,
    used: AtomicU64,
    state: Mutex<State>,
}

/// The orders of one table.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    cells: Mutex<Vec<Arc<Cell>>>,
    clock: AtomicU64,
}

impl Orders {
    fn cells(&self) -> MutexGuard<'_, Vec<Arc<Cell>>> {
        self.cells.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cell(&self, key: OrderKey) -> Arc<Cell> {
        let now = self.clock.fetch_add(1, Relaxed);
        let mut cells = self.cells();
        let found = cells.iter().find(|cell| cell.key == key).cloned();
        let cell = found.unwrap_or_else(|| {
            if cells.len() >= KEPT
                && let Some((oldest, _)) = cells.iter().enumerate().min_by_key(|(_, cell)| cell.used.load(Relaxed))
            {
                cells.swap_remove(oldest);
            }
            let cell = Arc::new(Cell {
                key,
                used: AtomicU64::new(now),
                state: Mutex::default(),
            });
            cells.push(cell.clone());
            cell
        });
        cell.used.store(now, Relaxed);
        cell
    }

    /// The fields that are followed.
    pub(crate) fn sources(&self) -> Vec<Source> {
        self.cells().iter().map(|cell| cell.key.source).collect()
    }

    /// Notes changes. `changes` gives the slots that came or went, those whose value changed, and how many are alive.
    pub(crate) fn note<'a>(&self, changes: impl Fn(Source) -> (&'a [u32], &'a [u32], u64)) {
        for cell in self.cells().iter() {
            let (moved, changed, live) = changes(cell.key.source);
            let mut state = lock(&cell.state);
            if state.sequence.is_none() {
                continue;
            }
            state.stale.extend_from_slice(moved);
            state.stale.extend_from_slice(changed);
            if state.stale.len() as u64 > 4096.max(live / 4) {
                // Nobody asked for long; sorting anew will be cheaper than catching up.
                *state = State::default();
            }
        }
    }

    /// The order, made or brought up to date. `table` is the one that these orders are of.
    pub(crate) fn sequence(&self, table: &Table, key: OrderKey) -> Arc<Sequence> {
        let cell = self.cell(key);
        let mut state = lock(&cell.state);
        if let Some(sequence) = &state.sequence
            && state.stale.is_empty()
        {
            return sequence.clone();
        }
        let slots = match state.sequence.take() {
            Some(old) => {
                let stale = std::mem::take(&mut state.stale);
                catch_up(table, key, &old.slots, &stale)
            }
            None => build(table, key),
        };
        let sequence = Arc::new(Sequence::new(slots));
        state.sequence = Some(sequence.clone());
        sequence
    }

    /// The order if it is there, or if it has been missed often enough to be worth making.
    pub(crate) fn sequence_if_ready(&self, table: &Table, key: OrderKey) -> Option<Arc<Sequence>> {
        let cell = self.cell(key);
        {
            let mut state = lock(&cell.state);
            if state.sequence.is_none() && state.missed < 16 {
                state.missed += 1;
                return None;
            }
        }
        Some(self.sequence(table, key))
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.cells()
            .iter()
            .map(|cell| {
                let state = lock(&cell.state);
                size_of::<Cell>()
                    + state.stale.capacity() * 4
                    + state.sequence.as_ref().map_or(0, |sequence| sequence.heap_bytes())
            })
            .sum()
    }
}

/// A panic while sorting leaves `sequence` empty or complete, so the state is usable.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn build(table: &Table, key: OrderKey) -> Vec<u32> {
    // Ties are by identifier, and whole identifiers need not be compared where their order is known.
    let names = (key.source != Source::Identifier).then(|| table.orders().sequence(table, OrderKey::IDENTIFIER));
    let places = names.as_ref().map(|names| names.places());
    let mut items: Vec<(u128, u32)> = table
        .live()
        .iter()
        .map(|slot| (collate::prefix(table.view(key.source, slot), key.descending), slot))
        .collect();
    items.sort_unstable_by(|(a_prefix, a), (b_prefix, b)| {
        a_prefix.cmp(b_prefix).then_with(|| match places {
            None => table.compare(key, *a, *b),
            Some(places) => table
                .compare_values(key, *a, *b)
                .then_with(|| places[*a as usize].cmp(&places[*b as usize])),
        })
    });
    items.into_iter().map(|(_, slot)| slot).collect()
}

fn catch_up(table: &Table, key: OrderKey, old: &[u32], stale: &[u32]) -> Vec<u32> {
    let mut is_stale = vec![0_u64; table.slots().div_ceil(64)];
    let mut fresh = Vec::with_capacity(stale.len());
    for slot in stale {
        let (word, bit) = (*slot as usize / 64, 1 << (slot % 64));
        if is_stale[word] & bit == 0 {
            is_stale[word] |= bit;
            if table.live().contains(*slot) {
                fresh.push(*slot);
            }
        }
    }
    fresh.sort_unstable_by(|a, b| table.compare(key, *a, *b));
    let mut kept = Vec::with_capacity(old.len());
    kept.extend(
        old.iter()
            .filter(|slot| is_stale[**slot as usize / 64] & (1 << (**slot % 64)) == 0),
    );
    let mut merged = Vec::with_capacity(kept.len() + fresh.len());
    let mut rest = kept.as_slice();
    for slot in fresh {
        let before = rest.partition_point(|other| table.compare(key, *other, slot).is_lt());
        let (first, others) = rest.split_at(before);
        merged.extend_from_slice(first);
        merged.push(slot);
        rest = others;
    }
    merged.extend_from_slice(rest);
    merged
}
