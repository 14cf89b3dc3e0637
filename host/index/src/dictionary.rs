//! Every different value of one property once, with the slots that hold it.

use crate::{
    heap_cell::{HeapCell, HeapGuard, Need},
    key::Key,
    posting::Posting,
    probe::Probe,
};
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
    /// How many values are whole arrays, objects, and strings of which more than is kept is not known.
    arrays: u32,
    objects: u32,
    incomplete: u32,
    /// The strings, to be looked through.
    texts: HeapCell,
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
        let kinds = Kinds::of(&entry.key);
        self.arrays += kinds.array;
        self.objects += kinds.object;
        self.incomplete += kinds.incomplete;
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
        self.texts.note(code);
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
        let kinds = Kinds::of(&entry.key);
        entry.key = Key::Vacant;
        self.arrays -= kinds.array;
        self.objects -= kinds.object;
        self.incomplete -= kinds.incomplete;
        self.texts.note(code);
        self.free.push(code);
        true
    }

    /// Notes that other slots have a value than before.
    pub(crate) fn touch(&mut self) {
        self.texts.touch();
    }

    /// Whether some values are whole arrays; else who has an element has nothing else.
    pub(crate) fn has_arrays(&self) -> bool {
        self.arrays > 0
    }

    pub(crate) fn has_objects(&self) -> bool {
        self.objects > 0
    }

    /// Whether of some strings only the beginning is known.
    pub(crate) fn has_incomplete(&self) -> bool {
        self.incomplete > 0
    }

    /// All strings in one piece, by code.
    pub(crate) fn texts(&self, need: Need) -> HeapGuard<'_> {
        let all = |each: &mut dyn FnMut(u32, &str)| {
            for (code, entry) in self.iter() {
                if let Some((text, _)) = entry.key.string() {
                    each(code, &text);
                }
            }
        };
        self.texts.get(need, all, |code| Some(self.entry(code).key.string()?.0))
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
            + self.texts.heap_bytes()
            + self
                .entries
                .iter()
                .map(|entry| entry.key.heap_bytes() + entry.posting.heap_bytes())
                .sum::<usize>()
    }
}

/// What a value adds to the counts of a dictionary.
struct Kinds {
    array: u32,
    object: u32,
    incomplete: u32,
}

impl Kinds {
    fn of(key: &Key) -> Self {
        Self {
            array: matches!(key, Key::Array(_)).into(),
            object: key.is_object().into(),
            incomplete: key.is_incomplete().into(),
        }
    }
}
