//! The slots of a table by one field, rising, and how it is read in either direction.
//!
//! Equal values lie side by side, in the order of their identifiers, and that is how they are read from high to low too:
//! the groups of equal values come in reverse, each as it stands, and the slots without a value last as ever. So one
//! sequence serves both directions.

use std::{ops::Range, sync::OnceLock};

/// The slots in order, as they were when the reader asked.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    /// Rising; those without a value come last.
    slots: Vec<u32>,
    /// A bit for each place: whether the value there is another than at the place before.
    begins: Vec<u64>,
    /// How many have a value.
    present: usize,
    places: OnceLock<Vec<u32>>,
}

/// Where a page starts: what comes after it are the places of `run`, then the groups below `low` from high to low, then the
/// places from `tail` on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) run: Range<usize>,
    pub(crate) low: usize,
    pub(crate) tail: usize,
}

impl Start {
    /// Whether a place comes after it.
    pub(crate) fn is_before(&self, place: usize) -> bool {
        self.run.contains(&place) || place < self.low || place >= self.tail
    }
}

/// The slots from a start on.
pub(crate) struct Walk<'s> {
    sequence: &'s Sequence,
    left: Start,
}

impl Iterator for Walk<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        loop {
            if let Some(place) = self.left.run.next() {
                return Some(self.sequence.slots[place]);
            }
            let end = self.sequence.slots.len();
            if self.left.low > 0 {
                let begin = self.sequence.begin(self.left.low - 1);
                self.left.run = begin..self.left.low;
                self.left.low = begin;
            } else if self.left.tail < end {
                self.left.run = self.left.tail..end;
                self.left.tail = end;
            } else {
                return None;
            }
        }
    }
}

impl Sequence {
    /// Ends with those without a value.
    pub(crate) fn close(mut self, absent: &[u32]) -> Self {
        self.present = self.slots.len();
        self.slots.reserve_exact(absent.len());
        for (at, slot) in absent.iter().enumerate() {
            self.push(*slot, at == 0);
        }
        self.slots.shrink_to_fit();
        self.begins.shrink_to_fit();
        self
    }

    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            slots: Vec::with_capacity(capacity),
            begins: Vec::with_capacity(capacity.div_ceil(64)),
            ..Self::default()
        }
    }

    /// The next slot with a value, and whether it is another value than the one before.
    pub(crate) fn push(&mut self, slot: u32, begins: bool) {
        let place = self.slots.len();
        if place.is_multiple_of(64) {
            self.begins.push(0);
        }
        if begins && let Some(word) = self.begins.last_mut() {
            *word |= 1 << (place % 64);
        }
        self.slots.push(slot);
    }

    /// The next slots are those at these places of another one; whether the first of them has another value than the one before
    /// is said, since that may be another one here.
    pub(crate) fn append(&mut self, other: &Self, places: Range<usize>, begins: bool) {
        let Some(slots) = other.slots.get(places.clone()).filter(|slots| !slots.is_empty()) else {
            return;
        };
        let first = self.slots.len();
        self.slots.extend_from_slice(slots);
        for from in places.clone().step_by(64) {
            let bits = places.end - from;
            let word = other.bits(from) & if bits < 64 { (1 << bits) - 1 } else { u64::MAX };
            let place = first + from - places.start;
            match place % 64 {
                0 => self.begins.push(word),
                shift => {
                    if let Some(last) = self.begins.last_mut() {
                        *last |= word << shift;
                    }
                    self.begins.push(word >> (64 - shift));
                }
            }
        }
        self.begins.truncate(self.slots.len().div_ceil(64));
        let (word, bit) = (first / 64, 1 << (first % 64));
        self.begins[word] = (self.begins[word] & !bit) | if begins { bit } else { 0 };
    }

    /// The 64 bits from a place on.
    fn bits(&self, place: usize) -> u64 {
        let (word, shift) = (place / 64, place % 64);
        let next = self.begins.get(word + 1).filter(|_| shift > 0);
        (self.begins[word] >> shift) | next.map_or(0, |next| next << (64 - shift))
    }

    pub(crate) fn slots(&self) -> &[u32] {
        &self.slots
    }

    pub(crate) fn slot(&self, place: u32) -> u32 {
        self.slots[place as usize]
    }

    /// How many have a value; they come first.
    pub(crate) fn present(&self) -> usize {
        self.present
    }

    /// Whether the value at a place is another than at the place before.
    pub(crate) fn begins(&self, place: usize) -> bool {
        self.begins[place / 64] & (1 << (place % 64)) != 0
    }

    /// Where the group of a place begins.
    pub(crate) fn begin(&self, place: usize) -> usize {
        let mut word = place / 64;
        let mut bits = self.begins[word] & (u64::MAX >> (63 - place % 64));
        while bits == 0 && word > 0 {
            word -= 1;
            bits = self.begins[word];
        }
        // The first place begins a group.
        word * 64 + 63_usize.saturating_sub(bits.leading_zeros() as usize)
    }

    /// Where the group of a place ends.
    pub(crate) fn end(&self, place: usize) -> usize {
        let next = place + 1;
        let mut word = next / 64;
        let mut bits = self.begins.get(word).map_or(0, |bits| bits & (u64::MAX << (next % 64)));
        while bits == 0 {
            word += 1;
            match self.begins.get(word) {
                Some(more) => bits = *more,
                None => return self.slots.len(),
            }
        }
        word * 64 + bits.trailing_zeros() as usize
    }

    /// The start of everything.
    pub(crate) fn first(&self, descending: bool) -> Start {
        if descending {
            Start {
                run: 0..0,
                low: self.present,
                tail: self.present,
            }
        } else {
            self.rising(0)
        }
    }

    /// The start at a place, rising.
    pub(crate) fn rising(&self, place: usize) -> Start {
        Start {
            run: place..self.slots.len(),
            low: 0,
            tail: self.slots.len(),
        }
    }

    pub(crate) fn walk(&self, start: Start) -> Walk<'_> {
        Walk {
            sequence: self,
            left: start,
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

    pub(crate) fn heap_bytes(&self) -> usize {
        let places = self.places.get().map_or(0, Vec::capacity);
        (self.slots.capacity() + places) * 4 + self.begins.capacity() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups of these sizes, and so many without a value. Slots are places.
    fn sequence(groups: &[usize], absent: u32) -> Sequence {
        let mut sequence = Sequence::default();
        for size in groups {
            for at in 0..*size {
                let slot = u32::try_from(sequence.slots().len()).unwrap_or_default();
                sequence.push(slot, at == 0);
            }
        }
        let end = u32::try_from(sequence.slots().len()).unwrap_or_default();
        sequence.close(&(end..end + absent).collect::<Vec<_>>())
    }

    #[test]
    fn falling_the_groups_come_in_reverse_and_each_as_it_stands() {
        let sequence = sequence(&[1, 3, 2], 2);
        let all = |descending| -> Vec<u32> { sequence.walk(sequence.first(descending)).collect() };
        assert_eq!(all(false), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(all(true), [4, 5, 1, 2, 3, 0, 6, 7]);
        let within = Start {
            run: 2..4,
            low: 1,
            tail: 6,
        };
        assert_eq!(sequence.walk(within.clone()).collect::<Vec<_>>(), [2, 3, 0, 6, 7]);
        let after: Vec<usize> = (0..8).filter(|place| within.is_before(*place)).collect();
        assert_eq!(after, [0, 2, 3, 6, 7]);
    }

    #[test]
    fn groups_are_found_across_words() {
        let sequence = sequence(&[1, 200, 63, 64, 1], 70);
        for (place, begin, end) in [
            (0, 0, 1),
            (1, 1, 201),
            (64, 1, 201),
            (200, 1, 201),
            (201, 201, 264),
            (263, 201, 264),
            (264, 264, 328),
            (328, 328, 329),
            (329, 329, 399),
            (398, 329, 399),
        ] {
            assert_eq!((sequence.begin(place), sequence.end(place)), (begin, end), "{place}");
        }
        let falling: Vec<u32> = sequence.walk(sequence.first(true)).collect();
        assert_eq!(
            (falling.len(), falling[0], falling[1], falling[328]),
            (399, 328, 264, 0)
        );
    }

    #[test]
    fn what_is_appended_is_as_if_it_were_pushed() {
        let source = sequence(&[1, 5, 70, 1, 1, 64, 30, 1], 0);
        let end = source.slots().len();
        for first in [0, 1, 63, 64, 65] {
            for (from, to) in [(0, end), (3, 3), (3, 4), (6, 70), (7, 135), (64, 128), (70, end)] {
                for begins in [false, true] {
                    let (mut appended, mut pushed) = (Sequence::default(), Sequence::default());
                    for sequence in [&mut appended, &mut pushed] {
                        (0..first).for_each(|slot| sequence.push(slot, slot.is_multiple_of(3)));
                    }
                    appended.append(&source, from..to, begins);
                    for place in from..to {
                        let begins = if place == from { begins } else { source.begins(place) };
                        pushed.push(source.slots()[place], begins);
                    }
                    for sequence in [&mut appended, &mut pushed] {
                        sequence.push(9, true);
                    }
                    assert_eq!(appended.slots, pushed.slots, "{first} {from}..{to}");
                    assert_eq!(appended.begins, pushed.begins, "{first} {from}..{to}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_in_an_empty_one() {
        let sequence = sequence(&[], 0);
        for descending in [false, true] {
            assert_eq!(sequence.walk(sequence.first(descending)).count(), 0);
        }
    }
}
