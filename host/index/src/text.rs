//! Full text: which entities have all the words, and how much they say.
//!
//! The ranking is BM25F (Robertson, Zaragoza: The Probabilistic Relevance Framework, 2009): what a word's occurrences in the fields
//! add up to, weighted by field and by the length of the text, counts less and less the more there is, and more the fewer
//! entities have the word. Who has a word is known from the words' indexes in the text heaps as sets of slots; only what has all
//! words and passes the filter is scored, a word at a time (Zobel, Moffat: Inverted Files for Text Search Engines, 2006).

use crate::{
    column::Column,
    heap::{Found, Heap, WHOLE, words},
    heap_cell::Need,
    hits::Hits,
    impact::Impacts,
    list::Part,
    rank::Best,
    table::{Source, Table},
    weights::{Candidates, ONE, Weights},
};
use memchr::memmem::Finder;
use roaring::RoaringBitmap;
use seawall_domain::query::{Field, Place, Words, fold};
use std::borrow::Cow;

/// How soon more of the same says nothing new.
const SATURATION: f32 = 1.2;
/// How much a long text counts less.
const LENGTH: f32 = 0.6;
/// More words than these say nothing.
const MOST: usize = 12;

/// What people call a thing says more than several mentions in a description.
const TITLE: f32 = 8.0;
const IDENTIFIER: f32 = 6.0;

/// Words in lower case; the last one may be only begun.
#[derive(Debug)]
pub(crate) struct Terms<'q> {
    words: Vec<Finder<'static>>,
    fields: &'q [Field],
}

/// What texts are looked through.
enum Texts<'t> {
    Names,
    Column(&'t Column),
}

impl Texts<'_> {
    /// Calls `each` with every slot that has the text of a key.
    fn slots(&self, key: u32, mut each: impl FnMut(u32)) {
        match self {
            Self::Names => each(key),
            Self::Column(column) => match column.dictionary().entry(key).posting.slots() {
                Ok(few) => few.iter().for_each(|slot| each(*slot)),
                Err(bitmap) => bitmap.iter().for_each(each),
            },
        }
    }
}

/// A word, put to all parts.
struct Weighed {
    /// By part.
    weights: Vec<Weights>,
    /// The fewer have it, the more it says.
    rarity: f32,
}

impl<'q> Terms<'q> {
    /// None where there is no word.
    pub(crate) fn new(asked: &'q Words) -> Option<Self> {
        let folded = fold(&asked.text);
        let mut all: Vec<&str> = Vec::new();
        for word in words(&folded) {
            if !all.contains(&word) {
                all.push(word);
            }
        }
        all.truncate(MOST);
        // Made once for all: there may be thousands of columns.
        let words: Vec<_> = all.into_iter().map(|word| Finder::new(word).into_owned()).collect();
        (!words.is_empty()).then_some(Self {
            words,
            fields: &asked.fields,
        })
    }

    /// Leaves in each part what has all the words.
    pub(crate) fn narrow(&self, parts: &mut [Part<'_>]) {
        for part in parts {
            for number in 0..self.words.len() {
                if part.hits.is_empty() {
                    break;
                }
                let weights = self.weights(part.table, number);
                part.hits = part.hits.meet(weights.slots());
            }
        }
    }

    /// A page of those that say most, of those that have all the words; equal ones by identifier and blueprint.
    pub(crate) fn page(&self, parts: &[Part<'_>], after: Option<&Place>, limit: usize) -> (Vec<i64>, Option<Place>) {
        let total = parts.iter().map(|part| part.table.live().len()).sum();
        let words = 0..self.words.len();
        let weighed: Vec<_> = words.map(|number| self.weighed(parts, number, total)).collect();
        let mut best = Best::new(parts, after, limit);
        for (number, part) in parts.iter().enumerate() {
            let candidates = candidates(part, weighed.iter().map(|word| word.weights[number].slots()));
            if candidates.slots.is_empty() {
                continue;
            }
            let mut scores = vec![0.0; candidates.slots.len()];
            for word in &weighed {
                let weights = word.weights[number].of(&candidates, part.table.slots());
                for (score, weight) in scores.iter_mut().zip(weights) {
                    let weight = weight as f32 / ONE as f32;
                    *score += word.rarity * weight / (SATURATION + weight);
                }
            }
            let mut of_part = best.part(number, scores.len());
            for (slot, score) in candidates.slots.iter().zip(scores) {
                of_part.offer(*slot, score);
            }
            best.take(of_part);
        }
        best.page()
    }

    fn weighed(&self, parts: &[Part<'_>], number: usize, total: u64) -> Weighed {
        let weights: Vec<_> = parts.iter().map(|part| self.weights(part.table, number)).collect();
        let having: u64 = weights.iter().map(|of| of.slots().len()).sum();
        let rarity = (1.0 + (total - having) as f32 + 0.5) / (having as f32 + 0.5);
        Weighed {
            weights,
            rarity: (1.0 + rarity).ln(),
        }
    }

    /// What the word of a number weighs in each slot, over all fields.
    fn weights(&self, table: &Table, number: usize) -> Weights {
        let (word, begun) = (&self.words[number], number + 1 == self.words.len());
        let mut weights = Weights::default();
        for (texts, boost) in self.texts(table) {
            let guard = match texts {
                Texts::Names => table.names(Need::Words),
                Texts::Column(column) => column.dictionary().texts(Need::Words),
            };
            let Some(heap) = guard.heap() else { continue };
            let worth = Worth::new(heap, boost);
            heap.with_word(word, begun, |found| match found {
                Found::Text { key, words, share } => {
                    let weight = share.saturating_mul(worth.of(words));
                    texts.slots(key, |slot| weights.add(slot, weight));
                }
                Found::Many { word, share } => {
                    let make = || {
                        let mut all = Vec::new();
                        word.for_each(|key, words, times| {
                            let weight = times.saturating_mul(worth.of(words));
                            texts.slots(key, |slot| all.push((slot, weight)));
                        });
                        Impacts::new(all)
                    };
                    weights.add_many(share, word.many.impacts.get(guard.version, make));
                }
            });
        }
        weights.done(table.slots())
    }

    fn texts<'t>(&self, table: &'t Table) -> Vec<(Texts<'t>, f32)> {
        if self.fields.is_empty() {
            let mut all = vec![(Texts::Column(table.titles()), TITLE), (Texts::Names, IDENTIFIER)];
            all.extend(table.properties().map(|(_, column)| (Texts::Column(column), 1.0)));
            return all;
        }
        let texts = self.fields.iter().filter_map(|field| {
            let boost = if *field == Field::Title { TITLE } else { 1.0 };
            match table.source(field) {
                Source::Identifier => Some((Texts::Names, IDENTIFIER)),
                Source::Title => Some((Texts::Column(table.titles()), boost)),
                Source::Column(number) => Some((Texts::Column(table.column(number)), boost)),
                Source::Absent | Source::Blueprint | Source::CreatedAt | Source::UpdatedAt => None,
            }
        });
        texts.collect()
    }
}

/// What passes and has all words.
fn candidates<'w>(part: &Part<'_>, words: impl Iterator<Item = &'w RoaringBitmap>) -> Candidates<'w> {
    let mut all: Vec<_> = words.collect();
    all.sort_unstable_by_key(|slots| slots.len());
    let mut all = all.into_iter();
    let mut left = all
        .next()
        .map_or_else(|| Cow::Owned(RoaringBitmap::new()), Cow::Borrowed);
    for slots in all {
        left = Cow::Owned(left.as_ref() & slots);
    }
    match &part.hits {
        Hits::All => {}
        Hits::Few(few) => left = Cow::Owned(few.iter().copied().filter(|slot| left.contains(*slot)).collect()),
        Hits::Many(many) => left = Cow::Owned(left.as_ref() & many.as_ref()),
    }
    Candidates::new(left)
}

/// What a whole word weighs in the texts of a heap, by their length.
struct Worth {
    /// Where a text has no more words than most.
    most: f32,
    average: f32,
}

impl Worth {
    fn new(heap: &Heap, boost: f32) -> Self {
        let (all, texts) = heap.totals();
        Self {
            most: boost * (ONE / WHOLE) as f32,
            average: (all as f32 / texts.max(1) as f32).max(1.0),
        }
    }

    /// In parts of `ONE / WHOLE`. Rounded to five bits, so that texts of about the same length weigh the same; a whole number, so
    /// that shares of a text that come one by one weigh what they weigh together.
    fn of(&self, words: u16) -> u32 {
        // One long text makes the others no shorter than they are.
        let length = (1.0 - LENGTH + LENGTH * f32::from(words) / self.average).max(1.0);
        let weight = ((self.most / length) as u32).max(1);
        let rest = (u32::BITS - weight.leading_zeros()).saturating_sub(5);
        weight >> rest << rest
    }
}
