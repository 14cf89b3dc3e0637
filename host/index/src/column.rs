//! One property, relation or meta property of a blueprint's entities: codes by slot, and the dictionary.
//!
//! An array is in the dictionary twice over: as a whole, and as each of its elements. Both have postings, so a filter
//! by an element is one look-up.

use crate::{
    codes::Codes,
    dictionary::Dictionary,
    key::Look,
    probe::{Needle, Probe},
};
use hashbrown::DefaultHashBuilder;
use roaring::RoaringBitmap;

#[derive(Debug, Default)]
pub(crate) struct Column {
    /// Code and one; zero where absent.
    codes: Codes,
    dictionary: Dictionary,
    /// Slots that have a value.
    present: RoaringBitmap,
    /// Whether a sort order follows this column.
    pub(crate) tracked: bool,
    /// Slots whose value changed since the orders were told.
    pub(crate) changed: Vec<u32>,
    /// The last write that had a value for this column.
    pub(crate) stamp: u64,
}

impl Column {
    pub(crate) fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    pub(crate) fn present(&self) -> &RoaringBitmap {
        &self.present
    }

    /// The code of the slot's whole value.
    pub(crate) fn code(&self, slot: u32) -> Option<u32> {
        self.codes.get(slot).checked_sub(1)
    }

    /// All slots that have a value, with its code, rising.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (u32, u32)> {
        self.codes
            .iter()
            .filter_map(|(slot, code)| Some((slot, code.checked_sub(1)?)))
    }

    /// One more than the last slot that had a value.
    pub(crate) fn end(&self) -> usize {
        self.codes.len()
    }

    /// The slots whose whole value has a code that `keep` keeps.
    pub(crate) fn slots_with(&self, keep: impl Fn(u32) -> bool) -> RoaringBitmap {
        self.codes.slots_with(|code| code.checked_sub(1).is_some_and(&keep))
    }

    pub(crate) fn look(&self, slot: u32) -> Option<Look<'_>> {
        self.dictionary.entry(self.code(slot)?).key.look()
    }

    /// Gives the slot a value, or none.
    pub(crate) fn set(&mut self, slot: u32, value: Option<&Probe<'_>>, hasher: &DefaultHashBuilder) {
        let old = self.code(slot);
        let known = value.and_then(|value| self.dictionary.find(value));
        if old == known && known.is_some() == value.is_some() {
            return;
        }
        self.dictionary.touch();
        // The new value comes first, so that what both share is not freed in between.
        if let Some(value) = value {
            let code = known.unwrap_or_else(|| self.intern(value, hasher));
            for at in 0..self.dictionary.entry(code).key.elements().len() {
                let element = self.dictionary.entry(code).key.elements()[at];
                self.dictionary.posting_mut(element).insert(slot);
            }
            self.dictionary.posting_mut(code).insert(slot);
            self.codes.set(slot, code + 1);
            if old.is_none() {
                self.present.insert(slot);
            }
            if let Some(old) = old {
                self.detach(old, Some(code), slot, hasher);
            }
        } else if let Some(old) = old {
            self.codes.set(slot, 0);
            self.present.remove(slot);
            self.detach(old, None, slot, hasher);
        }
        if self.tracked {
            self.changed.push(slot);
        }
    }

    fn intern(&mut self, value: &Probe<'_>, hasher: &DefaultHashBuilder) -> u32 {
        let mut elements = Vec::new();
        if let Needle::Text(text) = &value.needle {
            elements.extend(
                text.elements
                    .iter()
                    .map(|e| self.dictionary.intern(e, Vec::new(), hasher)),
            );
            elements.sort_unstable();
            elements.dedup();
        }
        self.dictionary.intern(value, elements, hasher)
    }

    /// Takes the slot from its old value, and from the old value's elements but those that `new` has.
    fn detach(&mut self, old: u32, new: Option<u32>, slot: u32, hasher: &DefaultHashBuilder) {
        let stays = |dictionary: &Dictionary, code: u32| {
            new.is_some_and(|new| new == code || dictionary.entry(new).key.elements().binary_search(&code).is_ok())
        };
        let elements = self.dictionary.entry(old).key.elements().to_vec();
        for element in elements {
            if !stays(&self.dictionary, element) {
                self.dictionary.detach(element, slot, hasher);
            }
        }
        if !stays(&self.dictionary, old) {
            self.dictionary.detach(old, slot, hasher);
        }
    }

    pub(crate) fn shrink_to_fit(&mut self, hasher: &DefaultHashBuilder) {
        self.codes.shrink_to_fit();
        self.dictionary.shrink_to_fit(hasher);
        self.changed.shrink_to_fit();
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.codes.heap_bytes()
            + self.dictionary.heap_bytes()
            + crate::size::bitmap(&self.present)
            + self.changed.capacity() * 4
    }
}
