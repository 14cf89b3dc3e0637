//! A page of those in which the words say most.
//!
//! Scores come one by one and all but the best are dropped at once: a buffer of twice as many as are wanted is cut to the half
//! whenever it is full, and from then on only what is better than the last of that half comes in.

use crate::{
    list::Part,
    sequence::Sequence,
    table::{Source, Table},
};
use seawall_domain::{
    BlueprintId,
    query::{Place, compare_text},
};
use std::{cmp::Ordering, sync::Arc};

/// From so many candidates on, equal ones are told apart by their places in the order of identifiers.
const PLACED: usize = 4096;

/// The best of all parts. Of equal ones the lower identifier comes first, then the earlier part.
pub(crate) struct Best<'p, 't> {
    parts: &'p [Part<'t>],
    after: Option<&'p Place>,
    want: usize,
    /// In order.
    found: Vec<Ranked>,
}

#[derive(Debug, Clone, Copy)]
struct Ranked {
    score: f32,
    part: usize,
    slot: u32,
}

/// The best of one part.
pub(crate) struct InPart<'p> {
    table: &'p Table,
    part: usize,
    after: Option<&'p Place>,
    order: Option<Arc<Sequence>>,
    want: usize,
    /// In no order.
    found: Vec<Ranked>,
    /// What is below this is not among the best of all.
    least: f32,
    /// The last of the best of this part so far.
    last: Option<Ranked>,
}

impl<'p, 't> Best<'p, 't> {
    pub(crate) fn new(parts: &'p [Part<'t>], after: Option<&'p Place>, limit: usize) -> Self {
        Self {
            parts,
            after,
            want: limit.saturating_add(1),
            found: Vec::new(),
        }
    }

    /// To be filled with a part's. There are so many candidates.
    pub(crate) fn part(&self, part: usize, candidates: usize) -> InPart<'p> {
        let table = self.parts[part].table;
        let least = self.found.last().filter(|_| self.found.len() >= self.want);
        InPart {
            table,
            part,
            after: self.after,
            order: (candidates >= PLACED).then(|| table.orders().sequence(table, Source::Identifier)),
            want: self.want,
            found: Vec::new(),
            least: least.map_or(f32::NEG_INFINITY, |last| last.score),
            last: None,
        }
    }

    pub(crate) fn take(&mut self, part: InPart<'_>) {
        let mut found = part.found;
        if found.is_empty() {
            return;
        }
        self.found.append(&mut found);
        let parts = self.parts;
        let identifier = |one: &Ranked| parts[one.part].table.identifier(one.slot);
        self.found.sort_unstable_by(|a, b| {
            b.score
                .total_cmp(&a.score)
                .then_with(|| compare_text(identifier(a), identifier(b)))
                .then(a.part.cmp(&b.part))
        });
        self.found.truncate(self.want);
    }

    /// Row ids, and where to go on if there is more.
    pub(crate) fn page(mut self) -> (Vec<i64>, Option<Place>) {
        let more = self.found.len() >= self.want;
        self.found.truncate(self.want - 1);
        let table = |one: &Ranked| self.parts[one.part].table;
        let next = self.found.last().filter(|_| more).map(|last| Place {
            value: f64::from(last.score).into(),
            identifier: table(last).identifier(last.slot).to_owned(),
            blueprint: BlueprintId::new(table(last).blueprint()).ok(),
        });
        (self.found.iter().map(|one| table(one).id(one.slot)).collect(), next)
    }
}

impl InPart<'_> {
    pub(crate) fn offer(&mut self, slot: u32, score: f32) {
        let one = Ranked {
            score,
            part: self.part,
            slot,
        };
        if score < self.least || self.last.is_some_and(|last| self.compare(&one, &last).is_gt()) || !self.is_after(&one)
        {
            return;
        }
        self.found.push(one);
        if self.found.len() >= 2 * self.want {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let mut found = std::mem::take(&mut self.found);
        let (_, last, _) = found.select_nth_unstable_by(self.want - 1, |a, b| self.compare(a, b));
        self.last = Some(*last);
        found.truncate(self.want);
        self.found = found;
    }

    fn compare(&self, a: &Ranked, b: &Ranked) -> Ordering {
        let by_score = b.score.total_cmp(&a.score);
        by_score.then_with(|| match &self.order {
            Some(order) => {
                let places = order.places();
                places[a.slot as usize].cmp(&places[b.slot as usize])
            }
            None => compare_text(self.table.identifier(a.slot), self.table.identifier(b.slot)),
        })
    }

    /// Whether it comes after the place.
    fn is_after(&self, one: &Ranked) -> bool {
        self.after.is_none_or(|place| {
            let score = place.value.as_f64().unwrap_or(f64::MAX);
            let blueprint = place.blueprint.as_ref();
            score
                .total_cmp(&f64::from(one.score))
                .then_with(|| compare_text(self.table.identifier(one.slot), &place.identifier))
                .then_with(|| blueprint.map_or(Ordering::Equal, |of| self.table.blueprint().cmp(of.as_str())))
                .is_gt()
        })
    }
}
