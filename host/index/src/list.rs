//! One page of a list, over one table or several.

use crate::{
    collate::{self, View},
    hits::Hits,
    key,
    order::{OrderKey, Sequence},
    probe::Probe,
    table::{Source, Table},
};
use seawall_domain::{
    BlueprintId,
    query::{Field, Place},
};
use std::{cmp::Ordering, collections::BinaryHeap};

/// Up to so many hits are compared with each other rather than looked up in the order.
const COMPARED: u64 = 128;
/// Up to so many where the order does not exist yet.
const COMPARED_WITHOUT_ORDER: u64 = 4096;
/// A step of a walk (is this slot of the order a hit?) costs about as much as looking at so many hits' places.
const STEP: u64 = 4;

/// A table with the slots that pass in it.
pub(crate) struct Part<'t> {
    pub(crate) table: &'t Table,
    pub(crate) hits: Hits<'t>,
}

/// What is asked of the parts.
pub(crate) struct Asked<'q> {
    pub(crate) sort: &'q Field,
    pub(crate) descending: bool,
    pub(crate) after: Option<&'q Place>,
    /// Not zero.
    pub(crate) limit: usize,
}

/// Row ids, and where to go on if there is more. Where there are several parts, they are in the order of their blueprints.
pub(crate) fn list(parts: &[Part<'_>], asked: &Asked<'_>) -> (Vec<i64>, Option<Place>) {
    let mut found: Vec<(usize, u32)> = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        let source = part.table.source(asked.sort);
        let after = asked.after.map(|place| After::new(place, part.table));
        let page = Page {
            table: part.table,
            key: OrderKey {
                source,
                descending: asked.descending && source != Source::Absent,
            },
            after: after.as_ref(),
            want: asked.limit.saturating_add(1),
        };
        found.extend(page.slots(&part.hits).into_iter().map(|slot| (number, slot)));
    }
    let view = |(number, slot): (usize, u32)| {
        let table = parts[number].table;
        table.view(table.source(asked.sort), slot)
    };
    let identifier = |(number, slot): (usize, u32)| parts[number].table.identifier(slot);
    if parts.len() > 1 {
        found.sort_by(|a, b| {
            collate::compare_directed(view(*a), view(*b), asked.descending)
                .then_with(|| seawall_domain::query::compare_text(identifier(*a), identifier(*b)))
                .then(a.0.cmp(&b.0))
        });
    }
    let more = found.len() > asked.limit;
    found.truncate(asked.limit);
    let next = found.last().filter(|_| more).map(|last| Place {
        value: view(*last).map_or(serde_json::Value::Null, key::to_value),
        identifier: identifier(*last).to_owned(),
        blueprint: (parts.len() > 1)
            .then(|| BlueprintId::new(parts[last.0].table.blueprint()).ok())
            .flatten(),
    });
    let id = |(number, slot): (usize, u32)| parts[number].table.id(slot);
    (found.into_iter().map(id).collect(), next)
}

/// A place, ready to be compared with.
struct After<'a> {
    value: Option<Probe<'a>>,
    identifier: &'a str,
    /// How the table's blueprint compares with the place's, for equal values and identifiers.
    blueprint: Ordering,
}

impl<'a> After<'a> {
    fn new(place: &'a Place, table: &Table) -> Self {
        Self {
            value: Probe::value(&place.value, table.hasher()),
            identifier: &place.identifier,
            blueprint: place
                .blueprint
                .as_ref()
                .map_or(Ordering::Equal, |blueprint| table.blueprint().cmp(blueprint.as_str())),
        }
    }

    fn view(&self) -> Option<View<'_>> {
        self.value.as_ref().map(|probe| probe.needle.view())
    }
}

struct Page<'a> {
    table: &'a Table,
    key: OrderKey,
    after: Option<&'a After<'a>>,
    want: usize,
}

impl Page<'_> {
    /// Chooses by estimated cost: compare the hits themselves, walk the order until enough hits were met, or look up
    /// every hit's place in the order. A walk that meets too few hits (they may all be at the other end) is given up.
    fn slots(&self, hits: &Hits<'_>) -> Vec<u32> {
        let orders = self.table.orders();
        let count = hits.len(self.table);
        if matches!(hits, Hits::All) {
            let sequence = orders.sequence(self.table, self.key);
            return sequence.slots[self.start(&sequence)..]
                .iter()
                .take(self.want)
                .copied()
                .collect();
        }
        if count <= COMPARED {
            return self.compare(hits);
        }
        let sequence = if count <= COMPARED_WITHOUT_ORDER {
            match orders.sequence_if_ready(self.table, self.key) {
                Some(sequence) => sequence,
                None => return self.compare(hits),
            }
        } else {
            orders.sequence(self.table, self.key)
        };
        let start = self.start(&sequence);
        // Places that do not exist yet cost a look at every slot.
        let looks = if sequence.has_places() {
            count
        } else {
            count + sequence.slots.len() as u64
        };
        let steps = (sequence.slots.len() as u64).saturating_mul(self.want as u64) / count;
        if steps.saturating_mul(STEP) <= looks {
            let budget = usize::try_from((looks / STEP).min(steps.saturating_mul(32) + 256)).unwrap_or(usize::MAX);
            if let Some(slots) = self.walk(hits, &sequence.slots[start..], budget) {
                return slots;
            }
        }
        self.look_up(hits, &sequence, start)
    }

    /// Where the page starts in the order.
    fn start(&self, sequence: &Sequence) -> usize {
        sequence.slots.partition_point(|slot| !self.is_after(*slot))
    }

    fn is_after(&self, slot: u32) -> bool {
        self.after.is_none_or(|after| {
            let view = self.table.view(self.key.source, slot);
            let by_value = collate::compare_directed(view, after.view(), self.key.descending);
            by_value
                .then_with(|| seawall_domain::query::compare_text(self.table.identifier(slot), after.identifier))
                .then(after.blueprint)
                .is_gt()
        })
    }

    fn compare(&self, hits: &Hits<'_>) -> Vec<u32> {
        let mut slots = Vec::new();
        hits.for_each(self.table, |slot| {
            if self.is_after(slot) {
                slots.push(slot);
            }
        });
        let by_order = |a: &u32, b: &u32| -> Ordering { self.table.compare(self.key, *a, *b) };
        if slots.len() > self.want {
            slots.select_nth_unstable_by(self.want - 1, by_order);
            slots.truncate(self.want);
        }
        slots.sort_unstable_by(by_order);
        slots
    }

    /// None if `budget` steps were not enough.
    fn walk(&self, hits: &Hits<'_>, slots: &[u32], budget: usize) -> Option<Vec<u32>> {
        let mut found = Vec::with_capacity(self.want.min(1024));
        for slot in slots.iter().take(budget) {
            if hits.contains(*slot) {
                found.push(*slot);
                if found.len() == self.want {
                    return Some(found);
                }
            }
        }
        (budget >= slots.len()).then_some(found)
    }

    fn look_up(&self, hits: &Hits<'_>, sequence: &Sequence, start: usize) -> Vec<u32> {
        let places = sequence.places();
        let mut nearest: BinaryHeap<u32> = BinaryHeap::new();
        hits.for_each(self.table, |slot| {
            let place = places[slot as usize];
            if (place as usize) < start {
                return;
            }
            if nearest.len() < self.want {
                nearest.push(place);
            } else if let Some(mut farthest) = nearest.peek_mut()
                && place < *farthest
            {
                *farthest = place;
            }
        });
        nearest
            .into_sorted_vec()
            .into_iter()
            .map(|place| sequence.slots[place as usize])
            .collect()
    }
}
