//! Full text: which entities have all the words, and how much they say.
//!
//! The ranking is BM25F (Robertson, Zaragoza: The Probabilistic Relevance Framework, 2009): what a word's occurrences in the fields
//! add up to, weighted by field and by the length of the text, counts less and less the more there is, and more the fewer
//! entities have the word. It reads the text heaps that substrings are looked for in; there is no index of words, so that a page
//! of writes costs nothing more until somebody looks.

use crate::{
    column::Column,
    heap::{Heap, words},
    hits::Hits,
    list::Part,
    table::{Source, Table},
};
use memchr::memmem::Finder;
use roaring::RoaringBitmap;
use seawall_domain::{
    BlueprintId,
    query::{Field, Place, Words, compare_text, fold},
};
use std::cmp::Ordering;

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
    words: Vec<String>,
    fields: &'q [Field],
}

/// How much each entity says.
pub(crate) struct Scores {
    /// By part, the score of each slot; zero where it does not pass.
    parts: Vec<Vec<f32>>,
}

/// What texts are looked through.
enum Texts<'t> {
    Names,
    Column(&'t Column),
}

impl<'q> Terms<'q> {
    /// None where there is no word.
    pub(crate) fn new(asked: &'q Words) -> Option<Self> {
        let folded = fold(&asked.text);
        let mut all: Vec<String> = Vec::new();
        for word in words(&folded) {
            if !all.iter().any(|known| known == word) {
                all.push(word.to_owned());
            }
        }
        all.truncate(MOST);
        (!all.is_empty()).then_some(Self {
            words: all,
            fields: &asked.fields,
        })
    }

    /// Leaves in each part what has all the words, and says how much.
    pub(crate) fn narrow(&self, parts: &mut [Part<'_>]) -> Scores {
        let total: u64 = parts.iter().map(|part| part.table.live().len()).sum();
        let mut scores: Vec<Vec<f32>> = parts.iter().map(|part| vec![0.0; part.table.slots()]).collect();
        for (number, word) in self.words.iter().enumerate() {
            let begun = number + 1 == self.words.len();
            // Made once for all: there may be thousands of columns.
            let word = Finder::new(word);
            let mut found: Vec<(Vec<f32>, RoaringBitmap)> = Vec::with_capacity(parts.len());
            for part in parts.iter() {
                found.push(self.weights(part.table, &word, begun));
            }
            let having: u64 = found.iter().map(|(_, slots)| slots.len()).sum();
            let rarity = (1.0 + (total - having) as f32 + 0.5) / (having as f32 + 0.5);
            let rarity = (1.0 + rarity).ln();
            for ((part, scores), (weights, slots)) in parts.iter_mut().zip(&mut scores).zip(found) {
                part.hits = std::mem::replace(&mut part.hits, Hits::NONE).and(Hits::owned(slots));
                part.hits.for_each(part.table, |slot| {
                    let weight = weights[slot as usize];
                    scores[slot as usize] += rarity * weight / (SATURATION + weight);
                });
            }
        }
        Scores { parts: scores }
    }

    /// What the word weighs in each slot, over all fields.
    fn weights(&self, table: &Table, word: &Finder<'_>, begun: bool) -> (Vec<f32>, RoaringBitmap) {
        let mut weights = vec![0.0_f32; table.slots()];
        for (texts, boost) in self.texts(table) {
            match texts {
                Texts::Names => {
                    let names = table.names();
                    look_through(names.heap(), word, begun, boost, |slot, weight| {
                        weights[slot as usize] += weight
                    });
                }
                Texts::Column(column) => {
                    let dictionary = column.dictionary();
                    let guard = dictionary.texts();
                    look_through(guard.heap(), word, begun, boost, |code, weight| {
                        match dictionary.entry(code).posting.slots() {
                            Ok(few) => few.iter().for_each(|slot| weights[*slot as usize] += weight),
                            Err(bitmap) => bitmap.iter().for_each(|slot| weights[slot as usize] += weight),
                        }
                    });
                }
            }
        }
        let slots = (0_u32..).zip(&weights).filter(|(_, weight)| **weight > 0.0);
        let slots = RoaringBitmap::from_sorted_iter(slots.map(|(slot, _)| slot)).unwrap_or_default();
        (weights, slots)
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

fn look_through(heap: Option<&Heap>, word: &Finder<'_>, begun: bool, boost: f32, mut each: impl FnMut(u32, f32)) {
    let Some(heap) = heap else { return };
    let (all, texts) = heap.totals();
    let average = (all as f32 / texts.max(1) as f32).max(1.0);
    heap.with_word(word, begun, |found| {
        // One long text makes the others no shorter than they are.
        let length = (1.0 - LENGTH + LENGTH * f32::from(found.words) / average).max(1.0);
        each(found.key, boost * found.weight / length);
    });
}

impl Scores {
    /// A page of those that say most first; equal ones by identifier and blueprint.
    pub(crate) fn page(&self, parts: &[Part<'_>], after: Option<&Place>, limit: usize) -> (Vec<i64>, Option<Place>) {
        let mut found: Vec<(f32, usize, u32)> = Vec::new();
        for (number, (part, scores)) in parts.iter().zip(&self.parts).enumerate() {
            part.hits
                .for_each(part.table, |slot| found.push((scores[slot as usize], number, slot)));
        }
        let name = |number: usize, slot: u32| parts[number].table.identifier(slot);
        let order = |a: &(f32, usize, u32), b: &(f32, usize, u32)| {
            b.0.total_cmp(&a.0)
                .then_with(|| compare_text(name(a.1, a.2), name(b.1, b.2)))
                .then(a.1.cmp(&b.1))
        };
        if let Some(place) = after {
            let score = place.value.as_f64().unwrap_or(f64::MAX);
            found.retain(|(at, number, slot)| {
                let blueprint = place.blueprint.as_ref();
                let order = score
                    .total_cmp(&f64::from(*at))
                    .then_with(|| compare_text(name(*number, *slot), &place.identifier))
                    .then_with(|| {
                        let table = parts[*number].table.blueprint();
                        blueprint.map_or(Ordering::Equal, |blueprint| table.cmp(blueprint.as_str()))
                    });
                order.is_gt()
            });
        }
        let more = found.len() > limit;
        if more {
            found.select_nth_unstable_by(limit - 1, order);
            found.truncate(limit);
        }
        found.sort_unstable_by(order);
        let next = found.last().filter(|_| more).map(|(score, number, slot)| Place {
            value: f64::from(*score).into(),
            identifier: name(*number, *slot).to_owned(),
            blueprint: BlueprintId::new(parts[*number].table.blueprint()).ok(),
        });
        let ids = found.into_iter().map(|(_, number, slot)| parts[number].table.id(slot));
        (ids.collect(), next)
    }
}
