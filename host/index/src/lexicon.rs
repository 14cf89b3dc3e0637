//! Which texts of a heap have which word: an inverted index (Zobel, Moffat: Inverted Files for Text Search Engines, 2006) over
//! a run of its texts. Words are kept in order, so that those with the same beginning lie side by side, and are not kept
//! themselves: where one stands in the heap says what it is. Texts that are gone stay in it; the heap knows them.

use crate::{
    heap::{Heap, REPEATED, words},
    impact::{Kept, bitmap},
};
use hashbrown::{DefaultHashBuilder, HashTable};
use roaring::RoaringBitmap;
use std::{hash::BuildHasher as _, ops::Range};

/// From so many texts on a word has a bitmap.
const MANY: usize = 64;

#[derive(Debug)]
pub(crate) struct Lexicon {
    texts: Range<usize>,
    words: Vec<Word>,
    /// The texts of words that few have, with `REPEATED` where the word is there more than once.
    few: Vec<u32>,
    /// By the number of the word, rising.
    many: Vec<(u32, Many)>,
}

/// Where a word stands in the heap, and where its texts end among the few.
#[derive(Debug, Clone, Copy)]
struct Word {
    at: u32,
    length: u32,
    end: u32,
}

/// The texts of a word that many have.
#[derive(Debug)]
pub(crate) struct Many {
    texts: RoaringBitmap,
    repeated: RoaringBitmap,
    /// What the whole word weighs.
    pub(crate) impacts: Kept,
}

impl Lexicon {
    /// Of these texts of the heap.
    pub(crate) fn new(heap: &Heap, texts: Range<usize>) -> Self {
        let mut gathered = Gathered::default();
        for number in texts.clone() {
            gathered.add(heap, number);
        }
        gathered.sorted(heap, texts)
    }

    pub(crate) fn texts(&self) -> Range<usize> {
        self.texts.clone()
    }

    /// The number of the word, or with `begun` of all that begin so.
    pub(crate) fn numbers(&self, heap: &Heap, word: &str, begun: bool) -> Range<usize> {
        let from = self.words.partition_point(|known| known.of(heap) < word);
        let rest = &self.words[from..];
        let count = if begun {
            rest.partition_point(|known| known.of(heap).starts_with(word))
        } else {
            usize::from(rest.first().is_some_and(|known| known.of(heap) == word))
        };
        from..from + count
    }

    /// A word by its number.
    pub(crate) fn word<'h>(&self, heap: &'h Heap, number: usize) -> &'h str {
        self.words[number].of(heap)
    }

    /// How many bytes it has, without a look at it.
    pub(crate) fn length(&self, number: usize) -> usize {
        self.words[number].length as usize
    }

    /// The texts of some words that few have; with `REPEATED` where it is there more than once.
    pub(crate) fn few(&self, numbers: Range<usize>) -> &[u32] {
        let end = |number: usize| {
            number
                .checked_sub(1)
                .map_or(0, |before| self.words[before].end as usize)
        };
        &self.few[end(numbers.start)..end(numbers.end)]
    }

    /// Those of some words that many have, by number.
    pub(crate) fn many(&self, numbers: Range<usize>) -> impl Iterator<Item = (usize, &Many)> {
        let place = |at: usize| self.many.partition_point(|(number, _)| (*number as usize) < at);
        let many = &self.many[place(numbers.start)..place(numbers.end)];
        many.iter().map(|(number, many)| (*number as usize, many))
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let many = |many: &Many| {
            crate::size::bitmap(&many.texts) + crate::size::bitmap(&many.repeated) + many.impacts.heap_bytes()
        };
        self.words.capacity() * size_of::<Word>()
            + self.few.capacity() * 4
            + self.many.capacity() * size_of::<(u32, Many)>()
            + self.many.iter().map(|(_, of)| many(of)).sum::<usize>()
    }
}

impl Word {
    fn of(self, heap: &Heap) -> &str {
        heap.piece(self.at, self.length)
    }
}

/// Words as they come.
#[derive(Default)]
struct Gathered {
    hasher: DefaultHashBuilder,
    by_word: HashTable<u32>,
    /// Where each stands first, and how long it is.
    words: Vec<(u32, u32)>,
    /// By word: how many texts have it, and which of `found` is the last of them.
    counts: Vec<u32>,
    last: Vec<u32>,
    /// Words with their texts.
    found: Vec<(u32, u32)>,
}

impl Gathered {
    fn add(&mut self, heap: &Heap, number: usize) {
        let text = heap.text(number);
        let start = heap.start(number);
        // The heap counts in 32 bits.
        let in_32 = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        for word in words(text) {
            let at = in_32(start + word.as_ptr().addr() - text.as_ptr().addr());
            let id = self.id(heap, word, at) as usize;
            let next = in_32(self.found.len());
            match self.found.get_mut(self.last[id] as usize) {
                Some((known, text)) if *known as usize == id && *text & !REPEATED == in_32(number) => {
                    *text |= REPEATED;
                }
                _ => {
                    self.found.push((in_32(id), in_32(number)));
                    self.last[id] = next;
                    self.counts[id] += 1;
                }
            }
        }
    }

    fn id(&mut self, heap: &Heap, word: &str, at: u32) -> u32 {
        let hash = self.hasher.hash_one(word);
        let words = &self.words;
        let of = |id: &u32| {
            let (at, length) = words[*id as usize];
            heap.piece(at, length)
        };
        if let Some(id) = self.by_word.find(hash, |id| of(id) == word) {
            return *id;
        }
        let id = u32::try_from(words.len()).unwrap_or(u32::MAX);
        self.by_word.insert_unique(hash, id, |id| self.hasher.hash_one(of(id)));
        self.words.push((at, u32::try_from(word.len()).unwrap_or(u32::MAX)));
        self.counts.push(0);
        self.last.push(u32::MAX);
        id
    }

    fn sorted(self, heap: &Heap, texts: Range<usize>) -> Lexicon {
        let of = |id: u32| {
            let (at, length) = self.words[id as usize];
            heap.piece(at, length)
        };
        // Most are told apart by their first eight bytes, which are compared without a look at the heap.
        let mut order: Vec<(u64, u32)> = (0..).zip(&self.words).map(|(id, _)| (beginning(of(id)), id)).collect();
        order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| of(a.1).cmp(of(b.1))));
        let mut texts_of = self.texts_by_word();
        let mut lexicon = Lexicon {
            texts,
            words: Vec::with_capacity(order.len()),
            few: Vec::new(),
            many: Vec::new(),
        };
        let few = self
            .counts
            .iter()
            .map(|count| *count as usize)
            .filter(|count| *count < MANY);
        lexicon.few.reserve_exact(few.sum());
        for (number, (_, id)) in (0..).zip(order) {
            let texts = texts_of.of(id);
            if texts.len() < MANY {
                lexicon.few.extend_from_slice(texts);
            } else {
                lexicon.many.push((number, Many::new(texts)));
            }
            let (at, length) = self.words[id as usize];
            let end = u32::try_from(lexicon.few.len()).unwrap_or(u32::MAX);
            lexicon.words.push(Word { at, length, end });
        }
        lexicon.many.shrink_to_fit();
        lexicon
    }

    /// By counting.
    fn texts_by_word(&self) -> ByWord {
        let mut ends = self.counts.clone();
        let mut all = 0;
        for end in &mut ends {
            (*end, all) = (all, all + *end);
        }
        // Each begins where it is to end, once all are there.
        let mut texts = vec![0; self.found.len()];
        for (word, text) in &self.found {
            let end = &mut ends[*word as usize];
            texts[*end as usize] = *text;
            *end += 1;
        }
        ByWord { texts, ends }
    }
}

struct ByWord {
    texts: Vec<u32>,
    ends: Vec<u32>,
}

impl ByWord {
    fn of(&mut self, word: u32) -> &[u32] {
        let end = self.ends[word as usize] as usize;
        let start = (word as usize)
            .checked_sub(1)
            .map_or(0, |before| self.ends[before] as usize);
        &self.texts[start..end]
    }
}

impl Many {
    /// Texts are in order.
    fn new(texts: &[u32]) -> Self {
        let small = |texts: &mut dyn Iterator<Item = u32>| {
            let mut bitmap = bitmap(texts);
            bitmap.optimize();
            bitmap
        };
        let repeated = texts.iter().filter(|text| **text & REPEATED != 0);
        Self {
            texts: small(&mut texts.iter().map(|text| text & !REPEATED)),
            repeated: small(&mut repeated.map(|text| text & !REPEATED)),
            impacts: Kept::default(),
        }
    }

    /// Calls `each` with every text and whether the word is in it more than once.
    pub(crate) fn for_each(&self, mut each: impl FnMut(usize, bool)) {
        let none = self.repeated.is_empty();
        for text in &self.texts {
            each(text as usize, !none && self.repeated.contains(text));
        }
    }
}

fn beginning(word: &str) -> u64 {
    let mut bytes = [0; 8];
    let length = word.len().min(8);
    bytes[..length].copy_from_slice(&word.as_bytes()[..length]);
    u64::from_be_bytes(bytes)
}
