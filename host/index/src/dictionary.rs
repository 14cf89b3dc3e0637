//! Every different value of one property once, with the slots that hold it.

use crate::{key::Key, posting::Posting, probe::Probe};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher as _;

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) posting: Posting,
}

/// Codes count from zero. A code is free again when nothing holds its value.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    entries: Vec<Entry>,
    by_value: HashTable<u32>,
    free: Vec<u32>,
}

impl Dictionary {
    pub(crate) fn entry(&self, code: u32) -> &Entry {
        &self.entries[code as usize]
    }

    pub(crate) fn posting_mut(&mut self, code: u32) -> &mut Posting {
        &mut self.entries[code as usize].posting
    }

    /// One more than the largest code.
    pub(crate) fn end(&self) -> usize {
        self.entries.len()
    }

    /// All values, by code.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Entry)> {
        (0..)
            .zip(&self.entries)
            .filter(|(_, entry)| !matches!(entry.key, Key::Vacant))
    }

    pub(crate) fn find(&self, probe: &Probe<'_>) -> Option<u32> {
        let look = probe.needle.look();
        self.by_value
            .find(probe.hash, |code| self.entry(*code).key.look() == Some(look))
            .copied()
    }

    /// The value's code; a new one has an empty posting, to be filled at once. `elements` are those of an array.
    pub(crate) fn intern(&mut self, probe: &Probe<'_>, elements: Vec<u32>, hasher: &DefaultHashBuilder) -> u32 {
        if let Some(code) = self.find(probe) {
            return code;
        }
        let entry = Entry {
            key: Key::new(probe, elements),
            posting: Posting::Empty,
        };
        let code = match self.free.pop() {
            Some(code) => {
                self.entries[code as usize] = entry;
                code
            }
            None => {
                crate::size::make_room(&mut self.entries, 1);
                self.entries.push(entry);
                // At most four thousand million values: slots are counted in 32 bits too.
                u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
            }
        };
        let Self { entries, by_value, .. } = self;
        by_value.insert_unique(probe.hash, code, |code| {
            hasher.hash_one(entries[*code as usize].key.look_or_true())
        });
        code
    }

    /// Takes `slot` from the value; returns whether the value is gone with it.
    pub(crate) fn detach(&mut self, code: u32, slot: u32, hasher: &DefaultHashBuilder) -> bool {
        let entry = &mut self.entries[code as usize];
        entry.posting.remove(slot);
        if !entry.posting.is_empty() {
            return false;
        }
        let hash = hasher.hash_one(entry.key.look_or_true());
        if let Ok(found) = self.by_value.find_entry(hash, |held| *held == code) {
            found.remove();
        }
        entry.key = Key::Vacant;
        self.free.push(code);
        true
    }

    pub(crate) fn shrink_to_fit(&mut self, hasher: &DefaultHashBuilder) {
        self.entries.shrink_to_fit();
        let Self { entries, by_value, .. } = self;
        by_value.shrink_to_fit(|code| hasher.hash_one(entries[*code as usize].key.look_or_true()));
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
            + self.by_value.allocation_size()
            + self.free.capacity() * 4
            + self
                .entries
                .iter()
                .map(|entry| entry.key.heap_bytes() + entry.posting.heap_bytes())
                .sum::<usize>()
    }
}
