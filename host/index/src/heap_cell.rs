//! A text heap that is made when somebody first needs it, noted as stale by writers, and brought up to date by the next reader.

use crate::heap::Heap;
use std::{
    borrow::Cow,
    sync::{Mutex, PoisonError, RwLock, RwLockReadGuard},
};

/// A heap that may be there.
#[derive(Debug, Default)]
pub(crate) struct HeapCell {
    heap: RwLock<Option<Heap>>,
    /// Keys whose text came or went since.
    stale: Mutex<Vec<u32>>,
    /// Counts what changed: the texts, and who has them.
    version: u64,
}

/// What a heap is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// To look for parts of texts.
    Parts,
    /// To look for words.
    Words,
}

impl Need {
    fn is_met(self, heap: &Heap) -> bool {
        self == Self::Parts || heap.is_indexed()
    }
}

/// A heap, held for a question.
pub(crate) struct HeapGuard<'a> {
    heap: RwLockReadGuard<'a, Option<Heap>>,
    /// What is reckoned from a heap and from who has its texts is good as long as this is the same.
    pub(crate) version: u64,
}

impl HeapGuard<'_> {
    /// None where the texts are too many for one.
    pub(crate) fn heap(&self) -> Option<&Heap> {
        self.heap.as_ref()
    }
}

impl HeapCell {
    /// Notes that others have a text than before.
    pub(crate) fn touch(&mut self) {
        self.version += 1;
    }

    /// Notes that a key's text came or went.
    pub(crate) fn note(&mut self, key: u32) {
        self.touch();
        let heap = self.heap.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(built) = heap else { return };
        let stale = self.stale.get_mut().unwrap_or_else(PoisonError::into_inner);
        stale.push(key);
        if stale.len() > 4096.max(built.len() / 4) {
            // Nobody asked for long; making it anew will be cheaper than catching up.
            *heap = None;
            *stale = Vec::new();
        }
    }

    /// The heap, made or brought up to date. `all` gives every key with its text, `text` the text of a key that is there.
    pub(crate) fn get<'t>(
        &self,
        need: Need,
        all: impl FnOnce(&mut dyn FnMut(u32, &str)),
        text: impl Fn(u32) -> Option<Cow<'t, str>>,
    ) -> HeapGuard<'_> {
        let read = || self.heap.read().unwrap_or_else(PoisonError::into_inner);
        let stale = || self.stale.lock().unwrap_or_else(PoisonError::into_inner);
        let current = read();
        if current.as_ref().is_some_and(|heap| need.is_met(heap)) && stale().is_empty() {
            return self.guard(current);
        }
        drop(current);
        let mut heap = self.heap.write().unwrap_or_else(PoisonError::into_inner);
        let noted = std::mem::take(&mut *stale());
        *heap = match heap.take() {
            Some(mut heap) => {
                let caught_up = noted.into_iter().try_for_each(|key| {
                    heap.remove(key);
                    text(key).map_or(Some(()), |text| heap.push(key, &text))
                });
                caught_up.filter(|()| !heap.is_mostly_dead()).map(|()| heap)
            }
            None => None,
        };
        if heap.is_none() {
            let mut made = Heap::default();
            let mut fits = Some(());
            all(&mut |key, text| fits = fits.and_then(|()| made.push(key, text)));
            made.shrink_to_fit();
            *heap = fits.map(|()| made);
        }
        if let Some(heap) = heap.as_mut().filter(|heap| !need.is_met(heap)) {
            heap.index();
        }
        // Nobody writes while this table is read, so that what is read now is what was just made.
        drop(heap);
        self.guard(read())
    }

    fn guard<'a>(&self, heap: RwLockReadGuard<'a, Option<Heap>>) -> HeapGuard<'a> {
        HeapGuard {
            heap,
            version: self.version,
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let heap = self.heap.read().unwrap_or_else(PoisonError::into_inner);
        let stale = self.stale.lock().unwrap_or_else(PoisonError::into_inner);
        heap.as_ref().map_or(0, Heap::heap_bytes) + stale.capacity() * 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_catches_up() {
        let mut cell = HeapCell::default();
        let mut texts: Vec<Option<String>> = (0..10).map(|n| Some(format!("text {n}"))).collect();
        let find = |cell: &HeapCell, texts: &[Option<String>], needle: &str| {
            let owned = texts.to_vec();
            let guard = cell.get(
                Need::Words,
                |each| {
                    for (key, text) in (0..).zip(&owned) {
                        if let Some(text) = text {
                            each(key, text);
                        }
                    }
                },
                |key| owned[key as usize].clone().map(Cow::Owned),
            );
            let mut keys = Vec::new();
            guard
                .heap()
                .into_iter()
                .for_each(|heap| heap.containing(needle, |key| keys.push(key)));
            keys.sort_unstable();
            keys
        };
        assert_eq!(find(&cell, &texts, "text 3"), [3]);
        texts[3] = None;
        texts[4] = Some("Text 3".into());
        texts.push(Some("text 30".into()));
        [3, 4, 10].into_iter().for_each(|key| cell.note(key));
        assert_eq!(find(&cell, &texts, "text 3"), [4, 10]);
        assert!(cell.heap_bytes() > 0);
    }
}
