//! All texts of a column one behind the other, in lower case: looking through 10 MB takes a millisecond, while following a
//! quarter of a million pointers takes twenty. A heap is made when somebody first looks for a part of a text, noted as stale by
//! writers, and brought up to date by the next reader.

use memchr::memmem::Finder;
use seawall_domain::query::fold;
use std::{
    borrow::Cow,
    sync::{Mutex, PoisonError, RwLock, RwLockReadGuard},
};

/// Of a text that is gone.
const DEAD: u32 = u32::MAX;

/// The texts. Each has a key: the code of a value, or a slot.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    text: String,
    /// Where each text starts.
    starts: Vec<u32>,
    keys: Vec<u32>,
    /// How many words each has.
    words: Vec<u16>,
    /// By key, the text's number and one.
    numbers: Vec<u32>,
    /// Of texts that are not dead.
    alive: u64,
    alive_words: u64,
}

/// A heap that may be there.
#[derive(Debug, Default)]
pub(crate) struct HeapCell {
    heap: RwLock<Option<Heap>>,
    /// Keys whose text came or went since.
    stale: Mutex<Vec<u32>>,
}

/// A heap, held for a question.
pub(crate) struct HeapGuard<'a>(RwLockReadGuard<'a, Option<Heap>>);

impl HeapGuard<'_> {
    /// None where the texts are too many for one.
    pub(crate) fn heap(&self) -> Option<&Heap> {
        self.0.as_ref()
    }
}

impl HeapCell {
    /// Notes that a key's text came or went.
    pub(crate) fn note(&mut self, key: u32) {
        let heap = self.heap.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(built) = heap else { return };
        let stale = self.stale.get_mut().unwrap_or_else(PoisonError::into_inner);
        stale.push(key);
        if stale.len() > 4096.max(built.starts.len() / 4) {
            // Nobody asked for long; making it anew will be cheaper than catching up.
            *heap = None;
            *stale = Vec::new();
        }
    }

    /// The heap, made or brought up to date. `all` gives every key with its text, `text` the text of a key that is there.
    pub(crate) fn get<'t>(
        &self,
        all: impl FnOnce(&mut dyn FnMut(u32, &str)),
        text: impl Fn(u32) -> Option<Cow<'t, str>>,
    ) -> HeapGuard<'_> {
        let read = || self.heap.read().unwrap_or_else(PoisonError::into_inner);
        let stale = || self.stale.lock().unwrap_or_else(PoisonError::into_inner);
        let current = read();
        if current.is_some() && stale().is_empty() {
            return HeapGuard(current);
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
                caught_up
                    .filter(|()| heap.alive * 2 >= heap.starts.len() as u64 || heap.starts.len() < 4096)
                    .map(|()| heap)
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
        // Nobody writes while this table is read, so that what is read now is what was just made.
        drop(heap);
        HeapGuard(read())
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let heap = self.heap.read().unwrap_or_else(PoisonError::into_inner);
        let stale = self.stale.lock().unwrap_or_else(PoisonError::into_inner);
        heap.as_ref().map_or(0, Heap::heap_bytes) + stale.capacity() * 4
    }
}

/// A text in which something was found.
pub(crate) struct Match {
    pub(crate) key: u32,
    /// How many words it has.
    pub(crate) words: u16,
    /// What it was found for, see the functions that find.
    pub(crate) weight: f32,
}

impl Heap {
    /// None where there is no more room.
    fn push(&mut self, key: u32, text: &str) -> Option<()> {
        let folded = fold(text);
        let start = u32::try_from(self.text.len()).ok()?;
        u32::try_from(self.text.len() + folded.len()).ok()?;
        if self.text.capacity() - self.text.len() < folded.len() {
            self.text.reserve_exact(folded.len().max(self.text.len() / 8).max(64));
        }
        self.text.push_str(&folded);
        let words = u16::try_from(words(&folded).count()).unwrap_or(u16::MAX);
        let number = u32::try_from(self.starts.len()).ok()?;
        crate::size::make_room(&mut self.starts, 1);
        self.starts.push(start);
        crate::size::make_room(&mut self.keys, 1);
        self.keys.push(key);
        crate::size::make_room(&mut self.words, 1);
        self.words.push(words);
        let place = key as usize;
        if place >= self.numbers.len() {
            let more = place + 1 - self.numbers.len();
            crate::size::make_room(&mut self.numbers, more);
            self.numbers.resize(place + 1, 0);
        }
        self.numbers[place] = number + 1;
        self.alive += 1;
        self.alive_words += u64::from(words);
        Some(())
    }

    fn remove(&mut self, key: u32) {
        let Some(number) = self.numbers.get_mut(key as usize) else {
            return;
        };
        let Some(at) = number.checked_sub(1) else { return };
        *number = 0;
        self.keys[at as usize] = DEAD;
        self.alive -= 1;
        self.alive_words -= u64::from(self.words[at as usize]);
    }

    fn shrink_to_fit(&mut self) {
        self.text.shrink_to_fit();
        self.starts.shrink_to_fit();
        self.keys.shrink_to_fit();
        self.words.shrink_to_fit();
        self.numbers.shrink_to_fit();
    }

    fn heap_bytes(&self) -> usize {
        self.text.capacity()
            + (self.starts.capacity() + self.keys.capacity() + self.numbers.capacity()) * 4
            + self.words.capacity() * 2
    }

    /// How many words the texts have together, and how many texts there are.
    pub(crate) fn totals(&self) -> (u64, u64) {
        (self.alive_words, self.alive)
    }

    fn end(&self, number: usize) -> usize {
        self.starts
            .get(number + 1)
            .map_or(self.text.len(), |start| *start as usize)
    }

    /// Calls `each` with every text that has `needle`, which is in lower case, in it.
    pub(crate) fn containing(&self, needle: &str, mut each: impl FnMut(u32)) {
        if needle.is_empty() {
            self.keys.iter().filter(|key| **key != DEAD).for_each(|key| each(*key));
            return;
        }
        self.walk(&Finder::new(needle), |number, _, end| {
            if self.keys[number] != DEAD {
                each(self.keys[number]);
            }
            end
        });
    }

    /// Calls `each` with every text that has `word` as a word of its own, or with `begun` at the beginning of one. The weight is
    /// how often, where a word that is only begun counts as much of one as of it is there.
    pub(crate) fn with_word(&self, word: &Finder<'_>, begun: bool, mut each: impl FnMut(Match)) {
        let length = word.needle().len();
        if length == 0 {
            return;
        }
        let mut current: Option<(usize, f32)> = None;
        let mut give = |(number, weight): (usize, f32)| {
            if self.keys[number] != DEAD {
                each(Match {
                    key: self.keys[number],
                    words: self.words[number],
                    weight,
                });
            }
        };
        self.walk(word, |number, at, end| {
            let start = self.starts[number] as usize;
            let next = at + length;
            let first = !self.text[start..at]
                .chars()
                .next_back()
                .is_some_and(char::is_alphanumeric);
            let rest = self.text[next..end]
                .find(|c: char| !c.is_alphanumeric())
                .unwrap_or(end - next);
            if first && (rest == 0 || begun) {
                let part = length as f32 / (length + rest) as f32;
                match &mut current {
                    Some((known, weight)) if *known == number => *weight += part,
                    other => {
                        if let Some(found) = other.replace((number, part)) {
                            give(found);
                        }
                    }
                }
            }
            next + rest
        });
        if let Some(found) = current {
            give(found);
        }
    }

    /// The number of the text that has the byte `at` in it; it is that of `from` or a later one. By steps that double: mostly it
    /// is one of the next.
    fn text_at(&self, from: usize, at: usize) -> usize {
        let rest = &self.starts[from..];
        let mut reach = 1;
        while rest.get(reach).is_some_and(|start| *start as usize <= at) {
            reach *= 2;
        }
        let (least, most) = (reach / 2, reach.min(rest.len()));
        let further = least + rest[least..most].partition_point(|start| *start as usize <= at);
        // Texts that are empty start where the next one does; the last of them is the one.
        from + further.saturating_sub(1)
    }

    /// Calls `each` with every match that lies within one text: its number, where the match is and where the text ends. `each`
    /// says from where to go on.
    fn walk(&self, finder: &Finder<'_>, mut each: impl FnMut(usize, usize, usize) -> usize) {
        let needle = finder.needle();
        let bytes = self.text.as_bytes();
        let (mut from, mut number) = (0, 0);
        while let Some(found) = bytes.get(from..).and_then(|rest| finder.find(rest)) {
            let at = from + found;
            number = self.text_at(number, at);
            let end = self.end(number);
            from = if at + needle.len() <= end {
                each(number, at, end)
            } else {
                // It begins in one text and ends in another.
                at + self.text[at..].chars().next().map_or(1, char::len_utf8)
            };
        }
    }
}

/// The words of a text: runs of letters and digits.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heap(texts: &[&str]) -> Heap {
        let mut heap = Heap::default();
        for (key, text) in (0..).zip(texts) {
            heap.push(key, text);
        }
        heap
    }

    #[test]
    fn matches_lie_within_one_text() {
        let heap = heap(&["aXa", "", "Xab", "ä", "ab", "b"]);
        let found = |needle: &str| {
            let mut keys = Vec::new();
            heap.containing(needle, |key| keys.push(key));
            keys
        };
        assert_eq!(found("ax"), [0]);
        assert_eq!(found("ab"), [2, 4]);
        assert_eq!(found("bb"), Vec::<u32>::new());
        assert_eq!(found("xa"), [0, 2]);
        assert_eq!(found("ä"), [3]);
        assert_eq!(found(""), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn words_are_whole_or_begun() {
        let heap = heap(&[
            "Payments API payments-v2",
            "payment",
            "xpayments",
            "pay ments",
            "Zahlung größer",
        ]);
        let found = |word: &str, begun: bool| {
            let mut all = Vec::new();
            heap.with_word(&Finder::new(word), begun, |m| {
                all.push((m.key, m.words, (m.weight * 100.0).round() as i32))
            });
            all
        };
        assert_eq!(found("payments", false), [(0, 4, 200)]);
        assert_eq!(found("pay", true), [(0, 4, 75), (1, 1, 43), (3, 2, 100)]);
        assert_eq!(found("v2", true), [(0, 4, 100)]);
        assert_eq!(found("größ", true).len(), 1);
    }

    #[test]
    fn a_cell_catches_up() {
        let mut cell = HeapCell::default();
        let mut texts: Vec<Option<String>> = (0..10).map(|n| Some(format!("text {n}"))).collect();
        let find = |cell: &HeapCell, texts: &[Option<String>], needle: &str| {
            let owned = texts.to_vec();
            let guard = cell.get(
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
