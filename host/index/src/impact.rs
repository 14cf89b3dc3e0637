//! What a word that many texts have weighs in the slots of a table, grouped by weight, as impact-ordered indexes have it (Anh,
//! Moffat: Pruned Query Evaluation Using Pre-computed Impacts, 2006). It is reckoned when somebody asks for the word, and kept
//! until something changes: then who has the word is known without a look at its texts.

use roaring::RoaringBitmap;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Debug)]
pub(crate) struct Impacts {
    slots: RoaringBitmap,
    weights: Grouped,
}

#[derive(Debug)]
enum Grouped {
    Same(u32),
    /// Each slot is in one group.
    By(Vec<(u32, RoaringBitmap)>),
}

impl Impacts {
    /// From slots with weights, in any order; those of a slot add up.
    pub(crate) fn new(mut weights: Vec<(u32, u32)>) -> Self {
        add_up(&mut weights);
        let slots = bitmap(weights.iter().map(|(slot, _)| *slot));
        // Lengths are rounded, so that there are a few dozen at most.
        let mut groups: Vec<(u32, Vec<u32>)> = Vec::new();
        let mut last = 0;
        for (slot, weight) in weights {
            if groups.get(last).is_none_or(|(known, _)| *known != weight) {
                last = groups
                    .iter()
                    .position(|(known, _)| *known == weight)
                    .unwrap_or(groups.len());
                if last == groups.len() {
                    groups.push((weight, Vec::new()));
                }
            }
            groups[last].1.push(slot);
        }
        let weights = match groups.as_slice() {
            [(weight, _)] => Grouped::Same(*weight),
            _ => Grouped::By(
                groups
                    .into_iter()
                    .map(|(weight, slots)| (weight, bitmap(slots.into_iter())))
                    .collect(),
            ),
        };
        Self { slots, weights }
    }

    pub(crate) fn slots(&self) -> &RoaringBitmap {
        &self.slots
    }

    /// Zero where the word is not.
    pub(crate) fn of(&self, slot: u32) -> u32 {
        match &self.weights {
            Grouped::Same(weight) if self.slots.contains(slot) => *weight,
            Grouped::Same(_) => 0,
            Grouped::By(groups) => groups
                .iter()
                .find(|(_, slots)| slots.contains(slot))
                .map_or(0, |(weight, _)| *weight),
        }
    }

    /// Calls `each` with those of the candidates that have the word, and their weights.
    pub(crate) fn for_each(&self, candidates: &RoaringBitmap, mut each: impl FnMut(u32, u32)) {
        let mut group = |weight: u32, slots: &RoaringBitmap| {
            (slots & candidates).iter().for_each(|slot| each(slot, weight));
        };
        match &self.weights {
            Grouped::Same(weight) => group(*weight, &self.slots),
            Grouped::By(groups) => groups.iter().for_each(|(weight, slots)| group(*weight, slots)),
        }
    }

    fn heap_bytes(&self) -> usize {
        let groups = match &self.weights {
            Grouped::Same(_) => 0,
            Grouped::By(groups) => {
                let one =
                    |(_, slots): &(u32, RoaringBitmap)| size_of::<(u32, RoaringBitmap)>() + crate::size::bitmap(slots);
                groups.iter().map(one).sum()
            }
        };
        size_of::<Self>() + crate::size::bitmap(&self.slots) + groups
    }
}

/// Adds up what a slot has several times; then they are in order.
pub(crate) fn add_up(weights: &mut Vec<(u32, u32)>) {
    if weights.is_sorted_by(|a, b| a.0 < b.0) {
        return;
    }
    weights.sort_unstable_by_key(|(slot, _)| *slot);
    weights.dedup_by(|next, known| {
        let same = next.0 == known.0;
        if same {
            known.1 = known.1.saturating_add(next.1);
        }
        same
    });
}

/// Of slots in order.
pub(crate) fn bitmap(slots: impl Iterator<Item = u32>) -> RoaringBitmap {
    RoaringBitmap::from_sorted_iter(slots).unwrap_or_default()
}

/// Impacts that may be there, as of a version.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<Option<(u64, Arc<Impacts>)>>);

impl Kept {
    /// Those of this version. Who asks for the same at the same time waits for the first one.
    pub(crate) fn get(&self, version: u64, make: impl FnOnce() -> Impacts) -> Arc<Impacts> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((of, impacts)) if *of == version => impacts.clone(),
            _ => {
                let impacts = Arc::new(make());
                *kept = Some((version, impacts.clone()));
                impacts
            }
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().map_or(0, |(_, impacts)| impacts.heap_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_added_up_and_grouped() {
        let impacts = Impacts::new(vec![(9, 1), (2, 5), (9, 4), (70_000, 2), (3, 5)]);
        assert_eq!(impacts.slots().iter().collect::<Vec<_>>(), [2, 3, 9, 70_000]);
        assert_eq!([2, 3, 4, 9, 70_000].map(|slot| impacts.of(slot)), [5, 5, 0, 5, 2]);
        let mut found = Vec::new();
        impacts.for_each(&[3, 4, 70_000].into_iter().collect(), |slot, weight| {
            found.push((slot, weight))
        });
        assert_eq!(found, [(3, 5), (70_000, 2)]);
        let same = Impacts::new(vec![(1, 7), (4, 7)]);
        assert_eq!([1, 2, 4].map(|slot| same.of(slot)), [7, 0, 7]);
        assert_eq!(Impacts::new(Vec::new()).of(0), 0);
    }

    #[test]
    fn what_is_kept_is_made_anew_for_another_version() {
        let kept = Kept::default();
        let get = |version, weight| kept.get(version, || Impacts::new(vec![(0, weight)])).of(0);
        assert_eq!([get(1, 5), get(1, 6), get(2, 7), get(2, 8)], [5, 5, 7, 7]);
    }
}
