//! Sort orders: all slots of a table by one field, made when first asked for.
//!
//! Writers only note which slots changed, so a sort that nobody looks at costs nothing while pages stream in. The next
//! reader takes the noted slots out of the sequence, sorts them and merges them back in: a copy and a few comparisons.

use crate::{
    sequence::Sequence,
    sort,
    table::{Source, Table},
};
use std::{
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// What the orders of a table may take for each of its slots, bytes: some sixty of them. Those not used for longest make
/// room.
const BYTES: usize = 256;
/// So many bytes they may take wherever there are few slots.
const BYTES_LEAST: usize = 1 << 20;

#[derive(Debug, Default)]
struct State {
    sequence: Option<Arc<Sequence>>,
    /// Slots that are no longer where the sequence has them, or not in it at all.
    stale: Vec<u32>,
    /// How often it was passed by because it did not exist.
    missed: u32,
}

impl State {
    fn bytes(&self) -> usize {
        self.sequence.as_ref().map_or(0, |sequence| sequence.heap_bytes())
    }
}

#[derive(Debug)]
struct Cell {
    source: Source,
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

    fn cell(&self, source: Source) -> Arc<Cell> {
        let now = self.clock.fetch_add(1, Relaxed);
        let mut cells = self.cells();
        let found = cells.iter().find(|cell| cell.source == source).cloned();
        let cell = found.unwrap_or_else(|| {
            let cell = Arc::new(Cell {
                source,
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
        self.cells().iter().map(|cell| cell.source).collect()
    }

    /// Notes changes. `changes` gives the slots that came or went, those whose value changed, and how many are alive.
    pub(crate) fn note<'a>(&self, changes: impl Fn(Source) -> (&'a [u32], &'a [u32], u64)) {
        for cell in self.cells().iter() {
            let (moved, changed, live) = changes(cell.source);
            let mut state = lock(&cell.state);
            if state.sequence.is_none() {
                continue;
            }
            state.stale.extend_from_slice(moved);
            state.stale.extend_from_slice(changed);
            if state.stale.len() as u64 > 4096.max(live / 16) {
                // Nobody asked for long; sorting anew will be cheaper than catching up.
                *state = State::default();
            }
        }
    }

    /// The order, made or brought up to date. `table` is the one that these orders are of.
    pub(crate) fn sequence(&self, table: &Table, source: Source) -> Arc<Sequence> {
        let cell = self.cell(source);
        let sequence = {
            let mut state = lock(&cell.state);
            if let Some(sequence) = &state.sequence
                && state.stale.is_empty()
            {
                return sequence.clone();
            }
            let sequence = Arc::new(match state.sequence.take() {
                Some(old) => {
                    let stale = std::mem::take(&mut state.stale);
                    catch_up(table, source, &old, &stale)
                }
                None => sort::sorted(table, self, source),
            });
            state.sequence = Some(sequence.clone());
            sequence
        };
        self.make_room(BYTES_LEAST.max(table.slots() * BYTES), &cell);
        sequence
    }

    /// The order if it is there, or if it has been missed often enough to be worth making.
    pub(crate) fn sequence_if_ready(&self, table: &Table, source: Source) -> Option<Arc<Sequence>> {
        let cell = self.cell(source);
        {
            let mut state = lock(&cell.state);
            if state.sequence.is_none() && state.missed < 16 {
                state.missed += 1;
                return None;
            }
        }
        Some(self.sequence(table, source))
    }

    /// Forgets orders until the others take no more than `bytes`; but not the `newest`, nor that of the identifiers, which all
    /// others are made from. What another reader makes just now counts the next time.
    fn make_room(&self, bytes: usize, newest: &Arc<Cell>) {
        let mut cells = self.cells().clone();
        cells.sort_by_cached_key(|cell| cell.used.load(Relaxed));
        let mut all: usize = cells
            .iter()
            .filter_map(|cell| Some(try_lock(&cell.state)?.bytes()))
            .sum();
        for cell in cells {
            if all <= bytes {
                break;
            }
            if cell.source == Source::Identifier || Arc::ptr_eq(&cell, newest) {
                continue;
            }
            if let Some(mut state) = try_lock(&cell.state) {
                all = all.saturating_sub(state.bytes());
                *state = State::default();
            }
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.cells()
            .iter()
            .map(|cell| {
                let state = lock(&cell.state);
                size_of::<Cell>() + state.stale.capacity() * 4 + state.bytes()
            })
            .sum()
    }
}

/// A panic while sorting leaves `sequence` empty or complete, so the state is usable.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// None while somebody else holds it.
fn try_lock(state: &Mutex<State>) -> Option<MutexGuard<'_, State>> {
    match state.try_lock() {
        Ok(state) => Some(state),
        Err(TryLockError::Poisoned(state)) => Some(state.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

fn catch_up(table: &Table, source: Source, old: &Sequence, stale: &[u32]) -> Sequence {
    let mut is_stale = vec![0_u64; table.slots().div_ceil(64)];
    let (mut fresh, mut absent) = (Vec::with_capacity(stale.len()), Vec::new());
    for slot in stale {
        let (word, bit) = (*slot as usize / 64, 1 << (slot % 64));
        if is_stale[word] & bit == 0 {
            is_stale[word] |= bit;
            if table.live().contains(*slot) {
                let of = match table.view(source, *slot) {
                    Some(_) => &mut fresh,
                    None => &mut absent,
                };
                of.push(*slot);
            }
        }
    }
    for slots in [&mut fresh, &mut absent] {
        slots.sort_unstable_by(|a, b| table.compare(source, *a, *b));
    }
    let is_stale = |slot: u32| is_stale[slot as usize / 64] & (1 << (slot % 64)) != 0;
    let (present, end) = (old.present(), old.slots().len());
    let known = kept(old, 0..present, is_stale);
    let known_absent = kept(old, present..end, is_stale);
    let absent = sort::merged(table, source, &known_absent, known_absent.slots().len(), &absent);
    sort::merged(table, source, &known, known.slots().len(), &fresh).close(absent.slots())
}

/// Those of some places that are not stale.
fn kept(old: &Sequence, places: Range<usize>, is_stale: impl Fn(u32) -> bool) -> Sequence {
    let mut kept = Sequence::with_capacity(places.len());
    // Where the first of a group goes, the next one begins it.
    let (mut from, mut begins) = (places.start, false);
    for place in places.clone() {
        if is_stale(old.slots()[place]) {
            if from < place {
                kept.append(old, from..place, begins | old.begins(from));
                begins = false;
            }
            begins |= old.begins(place);
            from = place + 1;
        }
    }
    if from < places.end {
        kept.append(old, from..places.end, begins | old.begins(from));
    }
    kept
}
