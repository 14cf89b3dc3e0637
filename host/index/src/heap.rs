//! All texts of a column one behind the other, in lower case: looking through 10 MB takes a millisecond, while following a
//! quarter of a million pointers takes twenty. A heap is made when somebody first looks for a part of a text, noted as stale by
//! writers, and brought up to date by the next reader.
//!
//! Who looks for words has an index of them (`lexicon`) over most of the texts, and looks through the others, which came last.
//! There are several indexes, each over at least twice as many texts as the next, which are made as a text heap grows; a text is
//! indexed again as often as the texts have doubled (Bentley, Saxe: Decomposable Searching Problems, 1980).

use crate::lexicon::{Lexicon, Many};
use memchr::memmem::Finder;
use seawall_domain::query::{TextEdge, fold};

/// Of a text that is gone.
const DEAD: u32 = u32::MAX;
/// Of a text's number: the word is in it more than once.
pub(crate) const REPEATED: u32 = 1 << 31;
/// So many bytes are looked through for words, in a few microseconds, before an index is made of them.
const LOOKED_THROUGH: usize = 1 << 14;

/// From one in so many texts on, those that have one of many words are put in order first.
const SCATTERED: usize = 64;

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
    /// Of the first texts, and those that follow.
    lexicons: Vec<Lexicon>,
}

/// Where a word was found.
pub(crate) enum Found<'h> {
    /// In a text of this key, of so many words.
    Text {
        key: u32,
        words: u16,
        /// How often, in parts of `WHOLE`: where a word is only begun, what is asked for is a part of it.
        share: u32,
    },
    /// In many texts.
    Many {
        word: Common<'h>,
        /// Which part of the word was asked for.
        share: u32,
    },
}

/// A word that many texts have.
#[derive(Clone, Copy)]
pub(crate) struct Common<'h> {
    heap: &'h Heap,
    word: &'h str,
    pub(crate) many: &'h Many,
}

impl Common<'_> {
    /// Calls `each` with the keys of the texts, how many words they have, and how often this one is in them.
    pub(crate) fn for_each(self, mut each: impl FnMut(u32, u16, u32)) {
        let heap = self.heap;
        self.many.for_each(|text, repeated| {
            if heap.keys[text] != DEAD {
                each(heap.keys[text], heap.words[text], heap.times(text, self.word, repeated));
            }
        });
    }
}

/// The share of a word that is there as a whole.
pub(crate) const WHOLE: u32 = 1 << 10;

/// The share of a word of so many bytes of which so many are asked for.
fn share(asked: usize, of: usize) -> u32 {
    u32::try_from(asked * WHOLE as usize / of).unwrap_or(WHOLE).max(1)
}

impl Heap {
    /// None where there is no more room.
    pub(crate) fn push(&mut self, key: u32, text: &str) -> Option<()> {
        let folded = fold(text);
        let start = u32::try_from(self.text.len()).ok()?;
        u32::try_from(self.text.len() + folded.len()).ok()?;
        if self.text.capacity() - self.text.len() < folded.len() {
            self.text.reserve_exact(folded.len().max(self.text.len() / 8).max(64));
        }
        self.text.push_str(&folded);
        let words = u16::try_from(words(&folded).count()).unwrap_or(u16::MAX);
        let number = u32::try_from(self.starts.len())
            .ok()
            .filter(|number| *number < REPEATED)?;
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

    pub(crate) fn remove(&mut self, key: u32) {
        let Some(number) = self.numbers.get_mut(key as usize) else {
            return;
        };
        let Some(at) = number.checked_sub(1) else { return };
        *number = 0;
        self.keys[at as usize] = DEAD;
        self.alive -= 1;
        self.alive_words -= u64::from(self.words[at as usize]);
    }

    /// How many texts were put in, whether or not they are gone.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether so many texts are gone that it is better made anew.
    pub(crate) fn is_mostly_dead(&self) -> bool {
        self.alive * 2 < self.len() as u64 && self.len() >= 4096
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.text.shrink_to_fit();
        self.starts.shrink_to_fit();
        self.keys.shrink_to_fit();
        self.words.shrink_to_fit();
        self.numbers.shrink_to_fit();
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.text.capacity()
            + (self.starts.capacity() + self.keys.capacity() + self.numbers.capacity()) * 4
            + self.words.capacity() * 2
            + self.lexicons.iter().map(Lexicon::heap_bytes).sum::<usize>()
    }

    /// How many texts, from the first, have their words indexed.
    fn indexed(&self) -> usize {
        self.lexicons.last().map_or(0, |last| last.texts().end)
    }

    /// Whether so few words are not indexed that looking through them takes microseconds.
    pub(crate) fn is_indexed(&self) -> bool {
        self.text.len() - self.start(self.indexed()) <= LOOKED_THROUGH
    }

    /// Indexes all words.
    pub(crate) fn index(&mut self) {
        let (mut from, end) = (self.indexed(), self.starts.len());
        while let Some(last) = self.lexicons.pop_if(|last| last.texts().len() < 2 * (end - from)) {
            from = last.texts().start;
        }
        let lexicon = Lexicon::new(self, from..end);
        self.lexicons.push(lexicon);
    }

    /// A text by its number.
    pub(crate) fn text(&self, number: usize) -> &str {
        &self.text[self.start(number)..self.end(number)]
    }

    pub(crate) fn start(&self, number: usize) -> usize {
        self.starts.get(number).map_or(self.text.len(), |start| *start as usize)
    }

    /// A part of the texts.
    pub(crate) fn piece(&self, at: u32, length: u32) -> &str {
        &self.text[at as usize..at as usize + length as usize]
    }

    /// How many words the texts have together, and how many texts there are.
    pub(crate) fn totals(&self) -> (u64, u64) {
        (self.alive_words, self.alive)
    }

    fn end(&self, number: usize) -> usize {
        self.start(number + 1)
    }

    /// Calls `each` with every text that has `needle`, which is in lower case, in it.
    pub(crate) fn containing(&self, needle: &str, mut each: impl FnMut(u32)) {
        if needle.is_empty() {
            self.keys.iter().filter(|key| **key != DEAD).for_each(|key| each(*key));
            return;
        }
        self.walk(0, &Finder::new(needle), |number, _, end| {
            if self.keys[number] != DEAD {
                each(self.keys[number]);
            }
            end
        });
    }

    /// Calls `each` with every text that begins or ends with `needle`, which is in lower case.
    pub(crate) fn at_edge(&self, edge: TextEdge, needle: &str, mut each: impl FnMut(u32)) {
        let needle = needle.as_bytes();
        let bytes = self.text.as_bytes();
        let mut start = 0;
        for (number, key) in self.keys.iter().enumerate() {
            let end = self.end(number);
            let text = &bytes[start..end];
            let is_there = match edge {
                TextEdge::Beginning => text.starts_with(needle),
                TextEdge::End => text.ends_with(needle),
            };
            if is_there && *key != DEAD {
                each(*key);
            }
            start = end;
        }
    }

    /// Calls `each` with wherever `word`, which is in lower case, is as a word of its own, or with `begun` at the beginning of one. A
    /// text may come several times; then its shares add up.
    pub(crate) fn with_word<'h>(&'h self, word: &Finder<'_>, begun: bool, mut each: impl FnMut(Found<'h>)) {
        let Some(asked) = std::str::from_utf8(word.needle()).ok().filter(|word| !word.is_empty()) else {
            return;
        };
        for lexicon in &self.lexicons {
            self.with_indexed(lexicon, asked, begun, &mut each);
        }
        self.walk(self.indexed(), word, |number, at, end| {
            let start = self.start(number);
            let next = at + asked.len();
            let first = !self.text[start..at]
                .chars()
                .next_back()
                .is_some_and(char::is_alphanumeric);
            let rest = self.text[next..end]
                .find(|c: char| !c.is_alphanumeric())
                .unwrap_or(end - next);
            if first && (rest == 0 || begun) {
                self.give(number, share(asked.len(), asked.len() + rest), &mut each);
            }
            next + rest
        });
    }

    fn give<'h>(&'h self, number: usize, share: u32, each: &mut impl FnMut(Found<'h>)) {
        if self.keys[number] != DEAD {
            each(Found::Text {
                key: self.keys[number],
                words: self.words[number],
                share,
            });
        }
    }

    fn with_indexed<'h>(&'h self, lexicon: &'h Lexicon, asked: &str, begun: bool, each: &mut impl FnMut(Found<'h>)) {
        let numbers = lexicon.numbers(self, asked, begun);
        for (number, many) in lexicon.many(numbers.clone()) {
            let word = lexicon.word(self, number);
            let share = share(asked.len(), word.len());
            let word = Common { heap: self, word, many };
            each(Found::Many { word, share });
        }
        let few = |each: &mut dyn FnMut(usize, u32)| {
            for number in numbers.clone() {
                let share = share(asked.len(), lexicon.length(number));
                for text in lexicon.few(number..number + 1) {
                    let (at, repeated) = ((text & !REPEATED) as usize, text & REPEATED != 0);
                    let times = match repeated {
                        true => self.times(at, lexicon.word(self, number), true),
                        false => 1,
                    };
                    each(at, share.saturating_mul(times));
                }
            }
        };
        let texts = lexicon.texts();
        if lexicon.few(numbers.clone()).len() * SCATTERED < texts.len() {
            few(&mut |text, share| self.give(text, share, each));
            return;
        }
        // Word by word, the texts come as if shuffled; one after the other they are several times as quick to look at.
        let mut shares = vec![0_u32; texts.len()];
        few(&mut |text, share| {
            let sum = &mut shares[text - texts.start];
            *sum = sum.saturating_add(share);
        });
        for (text, share) in texts.zip(shares) {
            if share > 0 {
                self.give(text, share, each);
            }
        }
    }

    /// How often a word is in a text that has it.
    fn times(&self, number: usize, word: &str, repeated: bool) -> u32 {
        if !repeated {
            return 1;
        }
        let times = words(self.text(number)).filter(|other| *other == word).count();
        u32::try_from(times).unwrap_or(u32::MAX)
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

    /// Calls `each` with every match in the text of a number and those behind it that lies within one text: its number, where the match is and where the text ends. `each`
    /// says from where to go on.
    fn walk(&self, first: usize, finder: &Finder<'_>, mut each: impl FnMut(usize, usize, usize) -> usize) {
        let needle = finder.needle();
        let bytes = self.text.as_bytes();
        let (mut from, mut number) = (self.start(first), first);
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

    fn of_texts(texts: &[&str]) -> Heap {
        let mut heap = Heap::default();
        for (key, text) in (0..).zip(texts) {
            heap.push(key, text);
        }
        heap
    }

    #[test]
    fn matches_lie_within_one_text() {
        let heap = of_texts(&["aXa", "", "Xab", "ä", "ab", "b"]);
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
    fn texts_begin_and_end() {
        let heap = of_texts(&["aXa", "", "Xab", "a", "ab"]);
        let found = |edge, needle| {
            let mut keys = Vec::new();
            heap.at_edge(edge, needle, |key| keys.push(key));
            keys
        };
        assert_eq!(found(TextEdge::Beginning, "a"), [0, 3, 4]);
        assert_eq!(found(TextEdge::End, "ab"), [2, 4]);
        assert_eq!(found(TextEdge::End, ""), [0, 1, 2, 3, 4]);
    }

    /// The keys of texts that have a word, their words and how much of them it is.
    fn with_word(heap: &Heap, word: &str, begun: bool) -> Vec<(u32, u16, u32)> {
        let mut all = std::collections::BTreeMap::new();
        heap.with_word(&Finder::new(word), begun, |found| {
            let mut add = |key, words, share| *all.entry((key, words)).or_insert(0) += share;
            match found {
                Found::Text { key, words, share } => add(key, words, share),
                Found::Many { word, share } => word.for_each(|key, words, times| add(key, words, share * times)),
            }
        });
        let flat = |((key, words), share)| (key, words, share);
        all.into_iter().map(flat).collect()
    }

    #[test]
    fn words_are_whole_or_begun() {
        let texts = [
            "Payments API payments-v2",
            "payment",
            "xpayments",
            "pay ments",
            "Zahlung größer",
        ];
        // By looking through, with an index, and with one of the first texts and another of the rest.
        let mut indexed = of_texts(&texts);
        indexed.index();
        let mut twice = of_texts(&texts[..4]);
        twice.index();
        twice.push(4, texts[4]);
        twice.index();
        assert_eq!((indexed.lexicons.len(), twice.lexicons.len()), (1, 2));
        for heap in [of_texts(&texts), indexed, twice] {
            assert_eq!(with_word(&heap, "payments", false), [(0, 4, 2048)]);
            assert_eq!(
                with_word(&heap, "pay", true),
                [(0, 4, 2 * 384), (1, 1, 438), (3, 2, 1024)]
            );
            assert_eq!(with_word(&heap, "v2", true), [(0, 4, 1024)]);
            assert_eq!(with_word(&heap, "größ", true), [(4, 2, 768)]);
            assert_eq!(with_word(&heap, "größ", false), []);
            assert_eq!(with_word(&heap, "zz", true), []);
        }
    }

    #[test]
    fn an_index_is_never_much_smaller_than_the_next() {
        let mut heap = Heap::default();
        for key in 0..3_000 {
            heap.push(key, &format!("text {key} of {}", key % 7));
            if key % 100 == 99 {
                heap.index();
            }
        }
        let lengths: Vec<_> = heap.lexicons.iter().map(|lexicon| lexicon.texts().len()).collect();
        assert!(
            lengths.len() < 8 && lengths.windows(2).all(|pair| pair[0] >= 2 * pair[1]),
            "{lengths:?}"
        );
        heap.remove(700);
        heap.push(700, "other other");
        for (word, begun, texts, share) in [
            ("text", false, 2_999, 2_999 * WHOLE),
            ("70", true, 10, WHOLE + 9 * (WHOLE * 2 / 3)),
            ("3", false, 429, 430 * WHOLE),
            ("other", false, 1, 2 * WHOLE),
        ] {
            let found = with_word(&heap, word, begun);
            let shares = found.iter().map(|(_, _, share)| share).sum::<u32>();
            assert_eq!((found.len(), shares), (texts, share), "{word}");
        }
    }
}
