//! One page of a list, over one table or several.

use crate::{
    collate::{self, View},
    hits::Hits,
    key,
    probe::Probe,
    sequence::{Sequence, Start},
    table::{Source, Table},
};
use seawall_domain::{
    BlueprintId,
    query::{Field, Place, compare_text},
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
    let mut best = Best {
        parts,
        sources: parts.iter().map(|part| part.table.source(asked.sort)).collect(),
        descending: asked.descending,
        want: asked.limit.saturating_add(1),
        found: Vec::new(),
    };
    for (number, part) in parts.iter().enumerate() {
        let after = asked.after.map(|place| After::new(place, part.table));
        let page = Page {
            table: part.table,
            source: best.sources[number],
            descending: asked.descending,
            after: after.as_ref(),
            want: best.want,
        };
        let slots = page.slots(&part.hits, &|slot| best.is_beyond(&(number, slot)));
        best.take(number, slots);
    }
    let more = best.found.len() > asked.limit;
    best.found.truncate(asked.limit);
    let next = best.found.last().filter(|_| more).map(|last| Place {
        value: best.view(last).map_or(serde_json::Value::Null, key::to_value),
        identifier: best.identifier(last).to_owned(),
        blueprint: (parts.len() > 1)
            .then(|| BlueprintId::new(parts[last.0].table.blueprint()).ok())
            .flatten(),
    });
    let id = |(number, slot): &(usize, u32)| parts[*number].table.id(*slot);
    (best.found.iter().map(id).collect(), next)
}

/// The first of what all parts have.
struct Best<'p, 't> {
    parts: &'p [Part<'t>],
    /// By part, where its values are.
    sources: Vec<Source>,
    descending: bool,
    want: usize,
    /// Parts and slots, in order, `want` at most.
    found: Vec<(usize, u32)>,
}

impl Best<'_, '_> {
    fn view(&self, (number, slot): &(usize, u32)) -> Option<View<'_>> {
        self.parts[*number].table.view(self.sources[*number], *slot)
    }

    fn identifier(&self, (number, slot): &(usize, u32)) -> &str {
        self.parts[*number].table.identifier(*slot)
    }

    fn compare(&self, a: &(usize, u32), b: &(usize, u32)) -> Ordering {
        collate::compare_directed(self.view(a), self.view(b), self.descending)
            .then_with(|| compare_text(self.identifier(a), self.identifier(b)))
            .then(a.0.cmp(&b.0))
    }

    /// Whether there are enough that come before it. Then this holds of all that come behind it too: of hundreds of parts most
    /// are asked for their first one alone.
    fn is_beyond(&self, one: &(usize, u32)) -> bool {
        self.found.len() >= self.want && self.found.last().is_some_and(|last| self.compare(one, last).is_gt())
    }

    /// Takes in what a part has, in order.
    fn take(&mut self, number: usize, slots: Vec<u32>) {
        if self.found.is_empty() {
            self.found.extend(slots.into_iter().map(|slot| (number, slot)));
            return;
        }
        let mut from = 0;
        for slot in slots {
            let one = (number, slot);
            from += self.found[from..].partition_point(|other| self.compare(other, &one).is_lt());
            if from >= self.want {
                break;
            }
            self.found.insert(from, one);
            self.found.truncate(self.want);
        }
    }
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
    source: Source,
    descending: bool,
    after: Option<&'a After<'a>>,
    want: usize,
}

impl Page<'_> {
    /// Up to `want` slots, in order; those that are beyond what is needed may be left out. Chooses by estimated cost: compare the
    /// hits themselves, walk the order until enough hits were met, or look up every hit's place in the order. A walk that meets too few hits
    /// (they may all be at the other end) is given up.
    fn slots(&self, hits: &Hits<'_>, is_beyond: &dyn Fn(u32) -> bool) -> Vec<u32> {
        let orders = self.table.orders();
        let count = hits.len(self.table);
        if matches!(hits, Hits::All) {
            let sequence = orders.sequence(self.table, self.source);
            let slots = sequence.walk(self.start(&sequence));
            return slots.take_while(|slot| !is_beyond(*slot)).take(self.want).collect();
        }
        if count <= COMPARED {
            return self.compare(hits, is_beyond);
        }
        let sequence = if count <= COMPARED_WITHOUT_ORDER {
            match orders.sequence_if_ready(self.table, self.source) {
                Some(sequence) => sequence,
                None => return self.compare(hits, is_beyond),
            }
        } else {
            orders.sequence(self.table, self.source)
        };
        let start = self.start(&sequence);
        let all = sequence.slots().len();
        // Places that do not exist yet cost a look at every slot.
        let looks = if sequence.has_places() {
            count
        } else {
            count + all as u64
        };
        let steps = (all as u64).saturating_mul(self.want as u64) / count;
        if steps.saturating_mul(STEP) <= looks {
            let budget = usize::try_from((looks / STEP).min(steps.saturating_mul(32) + 256)).unwrap_or(usize::MAX);
            if let Some(slots) = self.walk(hits, &sequence, start.clone(), budget, is_beyond) {
                return slots;
            }
        }
        self.look_up(hits, &sequence, &start)
    }

    /// Where the page starts in the order.
    fn start(&self, sequence: &Sequence) -> Start {
        let Some(after) = self.after else {
            return sequence.first(self.descending);
        };
        let slots = sequence.slots();
        if !self.descending {
            return sequence.rising(slots.partition_point(|slot| !self.is_after(*slot)));
        }
        let (present, absent) = slots.split_at(sequence.present());
        let Some(value) = after.view() else {
            let passed = absent.partition_point(|slot| !self.is_after(*slot));
            return Start {
                run: 0..0,
                low: 0,
                tail: present.len() + passed,
            };
        };
        // Those with the same value go on by identifier.
        let by_value = |slot: &u32| {
            let view = self.table.view(self.source, *slot);
            view.map_or(Ordering::Greater, |view| collate::compare(view, value))
        };
        let low = present.partition_point(|slot| by_value(slot).is_lt());
        let high = low + present[low..].partition_point(|slot| by_value(slot).is_eq());
        let passed = present[low..high].partition_point(|slot| !self.is_after(*slot));
        Start {
            run: low + passed..high,
            low,
            tail: present.len(),
        }
    }

    fn is_after(&self, slot: u32) -> bool {
        self.after.is_none_or(|after| {
            let view = self.table.view(self.source, slot);
            let by_value = collate::compare_directed(view, after.view(), self.descending);
            by_value
                .then_with(|| compare_text(self.table.identifier(slot), after.identifier))
                .then(after.blueprint)
                .is_gt()
        })
    }

    fn compare(&self, hits: &Hits<'_>, is_beyond: &dyn Fn(u32) -> bool) -> Vec<u32> {
        let mut slots = Vec::new();
        hits.for_each(self.table, |slot| {
            if self.is_after(slot) && !is_beyond(slot) {
                slots.push(slot);
            }
        });
        let by_order = |a: &u32, b: &u32| -> Ordering { self.table.compare_in(self.source, self.descending, *a, *b) };
        if slots.len() > self.want {
            slots.select_nth_unstable_by(self.want - 1, by_order);
            slots.truncate(self.want);
        }
        slots.sort_unstable_by(by_order);
        slots
    }

    /// None if `budget` steps were not enough.
    fn walk(
        &self,
        hits: &Hits<'_>,
        sequence: &Sequence,
        start: Start,
        budget: usize,
        is_beyond: &dyn Fn(u32) -> bool,
    ) -> Option<Vec<u32>> {
        let mut found = Vec::with_capacity(self.want.min(1024));
        let mut slots = sequence.walk(start);
        for slot in slots.by_ref().take(budget) {
            if hits.contains(slot) {
                if is_beyond(slot) {
                    return Some(found);
                }
                found.push(slot);
                if found.len() == self.want {
                    return Some(found);
                }
            }
        }
        slots.next().is_none().then_some(found)
    }

    /// The nearest of the hits' places. From high to low those of a higher group come first, whatever their places.
    fn look_up(&self, hits: &Hits<'_>, sequence: &Sequence, start: &Start) -> Vec<u32> {
        let places = sequence.places();
        let mut nearest: BinaryHeap<(u32, u32)> = BinaryHeap::new();
        // Of the farthest of them: its place, and the places of its group.
        let (mut farthest, mut group) = (usize::MAX, 0..0);
        hits.for_each(self.table, |slot| {
            let place = places[slot as usize];
            let at = place as usize;
            if !start.is_before(at) {
                return;
            }
            let falls = self.descending && at < sequence.present();
            let full = nearest.len() >= self.want;
            if full {
                let is_farther = match (falls, group.is_empty()) {
                    (true, false) => at < group.start || (at > farthest && at < group.end),
                    (true, true) => false,
                    (false, false) => true,
                    (false, true) => at > farthest,
                };
                if is_farther {
                    return;
                }
            }
            let turn = if !falls {
                u32::MAX
            } else if group.contains(&at) {
                below(sequence.present(), group.start)
            } else {
                below(sequence.present(), sequence.begin(at))
            };
            nearest.push((turn, place));
            if full {
                nearest.pop();
            }
            if nearest.len() >= self.want
                && let Some((turn, place)) = nearest.peek()
            {
                farthest = *place as usize;
                if *turn == u32::MAX {
                    group = 0..0;
                } else if !group.contains(&farthest) {
                    group = sequence.begin(farthest)..sequence.end(farthest);
                }
            }
        });
        let slots = nearest.into_sorted_vec();
        slots.into_iter().map(|(_, place)| sequence.slot(place)).collect()
    }
}

/// How far below the end a group begins. Slots are counted in 32 bits, and so are their places.
fn below(end: usize, begin: usize) -> u32 {
    u32::try_from(end - begin).unwrap_or(u32::MAX)
}
