//! How much a word weighs in each slot of a table, over all fields.

use crate::{
    codes::places,
    impact::{Impacts, add_up, bitmap},
};
use roaring::RoaringBitmap;
use std::{borrow::Cow, sync::Arc};

/// The weight that a whole word has in a text of usual length: weights are whole numbers, so that their sum is the same in
/// whatever order they come.
pub(crate) const ONE: u32 = 1 << 20;

/// From one in so many slots on, weights are added up side by side.
const DENSE: usize = 16;

#[derive(Debug, Default)]
pub(crate) struct Weights {
    /// Of texts that were looked at one by one.
    few: Vec<(u32, u32)>,
    /// The same by slot, where they are not few.
    by_slot: Vec<u32>,
    /// Of words that many have: which part of the word was asked for, and what the whole word weighs.
    many: Vec<(u32, Arc<Impacts>)>,
    /// Where the word is, unless that is where the only one of the many is.
    slots: RoaringBitmap,
}

impl Weights {
    pub(crate) fn add(&mut self, slot: u32, weight: u32) {
        self.few.push((slot, weight));
    }

    pub(crate) fn add_many(&mut self, share: u32, impacts: Arc<Impacts>) {
        self.many.push((share, impacts));
    }

    /// To be called when all are there. `slots` is how many the table has.
    pub(crate) fn done(mut self, slots: usize) -> Self {
        if self.few.is_empty() && self.many.len() == 1 {
            return self;
        }
        self.slots = if self.few.len() * DENSE < slots {
            add_up(&mut self.few);
            bitmap(self.few.iter().map(|(slot, _)| *slot))
        } else {
            self.by_slot = vec![0; slots];
            for (slot, weight) in std::mem::take(&mut self.few) {
                add(&mut self.by_slot[slot as usize], weight);
            }
            places(&self.by_slot, |weight| weight > 0)
        };
        for (_, impacts) in &self.many {
            self.slots |= impacts.slots();
        }
        self
    }

    /// The slots that have the word.
    pub(crate) fn slots(&self) -> &RoaringBitmap {
        match self.many.as_slice() {
            [(_, one)] if self.slots.is_empty() => one.slots(),
            _ => &self.slots,
        }
    }

    /// What the word weighs in each of the candidates, which have it. `slots` is how many the table has.
    pub(crate) fn of(&self, candidates: &Candidates<'_>, slots: usize) -> Vec<u32> {
        if candidates.slots.len() * DENSE < slots {
            let of = |slot: u32| {
                let known = self.few.binary_search_by_key(&slot, |(slot, _)| *slot);
                let mut weight = known.map_or(0, |at| self.few[at].1);
                add(
                    &mut weight,
                    self.by_slot.get(slot as usize).copied().unwrap_or_default(),
                );
                for (share, impacts) in &self.many {
                    add(&mut weight, share.saturating_mul(impacts.of(slot)));
                }
                weight
            };
            return candidates.slots.iter().map(|slot| of(*slot)).collect();
        }
        let mut all = if self.by_slot.is_empty() {
            vec![0; slots]
        } else {
            self.by_slot.clone()
        };
        for (slot, weight) in &self.few {
            add(&mut all[*slot as usize], *weight);
        }
        for (share, impacts) in &self.many {
            impacts.for_each(&candidates.bitmap, |slot, weight| {
                add(&mut all[slot as usize], share.saturating_mul(weight));
            });
        }
        candidates.slots.iter().map(|slot| all[*slot as usize]).collect()
    }
}

fn add(to: &mut u32, weight: u32) {
    *to = to.saturating_add(weight);
}

/// Slots that have all words.
#[derive(Debug)]
pub(crate) struct Candidates<'w> {
    bitmap: Cow<'w, RoaringBitmap>,
    /// The same, rising.
    pub(crate) slots: Vec<u32>,
}

impl<'w> Candidates<'w> {
    pub(crate) fn new(bitmap: Cow<'w, RoaringBitmap>) -> Self {
        let slots = bitmap.iter().collect();
        Self { bitmap, slots }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn few_candidates_and_many_weigh_the_same() {
        // Texts of few slots of so many, and of many.
        for slots in [1000, 40] {
            let mut weights = Weights::default();
            for slot in [39, 3, 4, 39] {
                weights.add(slot, 10);
            }
            let thirds = (0..slots as u32).step_by(3).map(|slot| (slot, 1 + slot % 2));
            weights.add_many(2, Arc::new(Impacts::new(thirds.collect())));
            weights.add_many(1, Arc::new(Impacts::new(vec![(4, u32::MAX), (5, 7)])));
            let weights = weights.done(slots);
            assert_eq!(weights.by_slot.is_empty(), slots == 1000);
            assert_eq!(weights.slots().len() as usize, slots.div_ceil(3) + 2);
            let all = Candidates::new(Cow::Borrowed(weights.slots()));
            let together = weights.of(&all, slots);
            let of = |slot: u32| together[all.slots.binary_search(&slot).unwrap()];
            assert_eq!([0, 3, 4, 5, 39].map(of), [2, 14, u32::MAX, 7, 24]);
            for (slot, weight) in all.slots.iter().zip(&together) {
                let one = Candidates::new(Cow::Owned([*slot].into_iter().collect()));
                assert_eq!(weights.of(&one, 1000), [*weight]);
            }
        }
    }
}
