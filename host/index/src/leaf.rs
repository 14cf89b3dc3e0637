//! A test of one field, put to a whole table: by look-ups where the test is equality, by the text heap where it looks for parts
//! of texts, else by a walk over the different values.
//!
//! What is kept of a long value may not be enough to tell. Such slots are in doubt: whoever asked looks at the entities
//! themselves and asks again with what it saw.

use crate::{
    column::Column,
    dictionary::Dictionary,
    gather::{Codes, empty, equal_to_one, own_slots, slots, with_own, with_values},
    heap_cell::Need,
    hits::Hits,
    key::Key,
    table::{Source, Table},
};
use hashbrown::HashMap;
use seawall_domain::query::{Field, Matcher, Wanted, along};
use serde_json::Value;
use std::borrow::Cow;

/// What was seen of entities: by the number of the rule and the row id, whether it passes.
pub type Verdicts = HashMap<(usize, i64), bool>;

/// A rule that only the entity itself can tell about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Doubt {
    /// The number of the rule, as `Node::leaves` counts.
    pub leaf: usize,
    /// The row id.
    pub id: i64,
}

/// What is known and what is not.
#[derive(Debug)]
pub(crate) struct Doubts<'v> {
    pub(crate) verdicts: &'v Verdicts,
    pub(crate) open: Vec<Doubt>,
}

/// A test of a field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leaf<'q> {
    /// Its number among the rules.
    pub(crate) number: usize,
    pub(crate) field: &'q Field,
    pub(crate) path: &'q [String],
    pub(crate) matcher: &'q Matcher,
}

impl Leaf<'_> {
    /// The slots that pass. Outside of `within` the answer does not matter.
    pub(crate) fn hits<'t>(&self, table: &'t Table, within: &Hits<'t>, doubts: &mut Doubts<'_>) -> Hits<'t> {
        let everyone = |pass: bool| if pass { within.clone() } else { Hits::NONE };
        let column = match table.source(self.field) {
            Source::Absent => return everyone(self.matcher.absent()),
            Source::Blueprint => return everyone(self.matcher.text(table.blueprint())),
            Source::Identifier => return self.identifiers(table, within),
            Source::CreatedAt => return within.filtered(table, |slot| self.matcher.time(table.created(slot))),
            Source::UpdatedAt => return within.filtered(table, |slot| self.matcher.time(table.updated(slot))),
            Source::Title => table.titles(),
            Source::Column(number) => table.column(number),
        };
        let found = self
            .one_by_one(table, column, within)
            .unwrap_or_else(|| self.column(table, column, within, doubts));
        if self.matcher.absent() {
            found.or(Hits::Many(Cow::Borrowed(column.present())).not(table, within))
        } else {
            found
        }
    }

    fn identifiers<'t>(&self, table: &'t Table, within: &Hits<'t>) -> Hits<'t> {
        let text = |slot: u32| self.matcher.text(table.identifier(slot));
        if let Some(wanted) = self.matcher.equalities()
            && wanted.iter().all(|wanted| wanted.moment.is_none())
        {
            let names = wanted.iter().filter_map(|wanted| wanted.value.as_str());
            return Hits::collected(names.filter_map(|name| table.slot_of(name)).collect());
        }
        let needles = self.matcher.needles();
        // A moment may be written in another way than the one that is asked for.
        let moments = self
            .matcher
            .contained()
            .is_some_and(|all| all.iter().any(|wanted| wanted.moment.is_some()));
        if needles.is_empty() || moments || is_small(within, table, table.slots()) {
            return within.filtered(table, text);
        }
        let names = table.names(Need::Parts);
        let Some(heap) = names.heap() else {
            return within.filtered(table, text);
        };
        let mut found = Vec::new();
        match self.matcher.edge() {
            Some((edge, text)) => heap.at_edge(edge, text, |slot| found.push(slot)),
            None => {
                for needle in needles {
                    heap.containing(needle, |slot| found.push(slot));
                }
            }
        }
        Hits::collected(found)
    }

    /// Where there are far fewer slots than values: looks at each slot's value. None where one of them is not kept whole.
    fn one_by_one<'t>(&self, table: &'t Table, column: &Column, within: &Hits<'t>) -> Option<Hits<'t>> {
        let simple =
            self.path.is_empty() && (self.matcher.is_there() || self.matcher.is_presence() || self.equalities_alone());
        if simple || !is_small(within, table, column.dictionary().end()) {
            return None;
        }
        let (mut found, mut whole) = (Vec::new(), true);
        within.for_each(table, |slot| {
            let Some(code) = column.code(slot).filter(|_| whole) else {
                return;
            };
            match column.dictionary().entry(code).key.whole() {
                Some(value) if self.passes(&value) => found.push(slot),
                Some(_) => {}
                None => whole = false,
            }
        });
        whole.then(|| Hits::collected(found))
    }

    fn equalities_alone(&self) -> bool {
        let wanted = self.matcher.equalities();
        wanted.is_some_and(|wanted| wanted.iter().all(|wanted| wanted.moment.is_none()))
    }

    fn passes(&self, value: &Value) -> bool {
        self.matcher.value(along(value, self.path).as_deref())
    }

    /// Of slots that have a value.
    fn column<'t>(&self, table: &'t Table, column: &'t Column, within: &Hits<'t>, doubts: &mut Doubts<'_>) -> Hits<'t> {
        if !self.path.is_empty() {
            return self.inside(table, column, within, doubts);
        }
        if self.matcher.is_there() {
            return Hits::Many(Cow::Borrowed(column.present()));
        }
        if self.matcher.is_presence() {
            let present = Hits::Many(Cow::Borrowed(column.present()));
            return empty(table, column).not(table, &present);
        }
        if let Some(wanted) = self.matcher.equalities() {
            return equal_to_one(table, column, wanted);
        }
        if let Some(wanted) = self.matcher.contained() {
            return equal_to_one(table, column, wanted).or(self.containing(table, column, within, wanted, doubts));
        }
        let dictionary = column.dictionary();
        let mut codes = Codes::new(dictionary);
        let mut unsure = Vec::new();
        if self.matcher.needles().is_empty() {
            for (code, entry) in dictionary.iter() {
                match self.scalar(&entry.key) {
                    Some(true) => codes.insert(code),
                    Some(false) => {}
                    None => unsure.push(code),
                }
            }
        } else {
            let passes = |code: u32| self.scalar(&dictionary.entry(code).key) == Some(true);
            let texts = dictionary.texts(Need::Parts);
            match (texts.heap(), self.matcher.edge()) {
                // Where all texts are kept as they are, the heap tells.
                (Some(heap), Some((edge, text))) => heap.at_edge(edge, text, |code| {
                    if !dictionary.has_incomplete() || passes(code) {
                        codes.insert(code);
                    }
                }),
                _ => {
                    let all = dictionary.iter().map(|(code, _)| code);
                    all.filter(|code| passes(*code)).for_each(|code| codes.insert(code));
                }
            }
            self.incomplete(dictionary, &codes, &mut unsure);
        }
        let sure = with_values(column, codes);
        let unsure = unsure.iter().flat_map(|code| slots(dictionary, *code)).collect();
        self.settle(table, sure, unsure, within, doubts)
    }

    /// Whether a value that is no array or object passes; None where the part of it that is kept does not tell.
    fn scalar(&self, key: &Key) -> Option<bool> {
        match key {
            Key::Num(num) => Some(self.matcher.number(*num)),
            Key::Text(text) => Some(self.matcher.text(text)),
            Key::Long(_) => match key.string() {
                Some((text, true)) => Some(self.matcher.text(&text)),
                Some((text, false)) => self.matcher.beginning(&text),
                None => Some(false),
            },
            _ => Some(false),
        }
    }

    /// Calls `each` with strings that have one of the needles in them; or, with `false`, with what may be one.
    fn candidates(&self, dictionary: &Dictionary, each: &mut dyn FnMut(u32, bool)) {
        let texts = dictionary.texts(Need::Parts);
        match texts.heap() {
            Some(heap) => {
                for needle in self.matcher.needles() {
                    heap.containing(needle, |code| each(code, true));
                }
            }
            None => dictionary.iter().for_each(|(code, _)| each(code, false)),
        }
    }

    /// Strings of which only the beginning is known and that tell nothing yet.
    fn incomplete(&self, dictionary: &Dictionary, codes: &Codes, unsure: &mut Vec<u32>) {
        if !dictionary.has_incomplete() {
            return;
        }
        for (code, entry) in dictionary.iter() {
            if entry.key.is_incomplete() && !codes.contains(code) && self.scalar(&entry.key).is_none() {
                unsure.push(code);
            }
        }
    }

    /// Texts with a part, objects with a member: whole values, not elements.
    fn containing<'t>(
        &self,
        table: &'t Table,
        column: &'t Column,
        within: &Hits<'t>,
        wanted: &[Wanted],
        doubts: &mut Doubts<'_>,
    ) -> Hits<'t> {
        let dictionary = column.dictionary();
        let mut codes = Codes::new(dictionary);
        let mut unsure = Codes::new(dictionary);
        let mut doubtful = Vec::new();
        let passes = |code: u32| {
            let text = dictionary.entry(code).key.string();
            text.is_some_and(|(text, _)| self.matcher.text(&text))
        };
        self.candidates(dictionary, &mut |code, has| {
            if has || passes(code) {
                codes.insert(code);
            }
        });
        self.incomplete(dictionary, &codes, &mut doubtful);
        if dictionary.has_objects() && wanted.iter().any(|wanted| wanted.value.is_string()) {
            for (code, entry) in dictionary.iter().filter(|(_, entry)| entry.key.is_object()) {
                match entry.key.whole() {
                    Some(value) if self.matcher.value(Some(&value)) => codes.insert(code),
                    Some(_) => {}
                    None => doubtful.push(code),
                }
            }
        }
        doubtful.into_iter().for_each(|code| unsure.insert(code));
        let sure = with_own(column, &codes);
        let unsure = own_slots(column, &unsure);
        self.settle(table, sure, unsure, within, doubts)
    }

    /// A path into values.
    fn inside<'t>(&self, table: &'t Table, column: &'t Column, within: &Hits<'t>, doubts: &mut Doubts<'_>) -> Hits<'t> {
        let dictionary = column.dictionary();
        let (mut codes, mut unsure) = (Codes::new(dictionary), Codes::new(dictionary));
        let nothing = self.matcher.absent();
        for (code, entry) in dictionary.iter() {
            let passes = match &entry.key {
                Key::Bool(_) | Key::Num(_) | Key::Text(_) => Some(nothing),
                key if key.string().is_some() => Some(nothing),
                key => key.whole().map(|value| self.passes(&value)),
            };
            match passes {
                Some(true) => codes.insert(code),
                Some(false) => {}
                None => unsure.insert(code),
            }
        }
        let sure = with_own(column, &codes);
        let unsure = own_slots(column, &unsure);
        self.settle(table, sure, unsure, within, doubts)
    }

    /// Adds those of the doubtful that are known to pass, and notes the others.
    fn settle<'t>(
        &self,
        table: &'t Table,
        sure: Hits<'t>,
        unsure: Vec<u32>,
        within: &Hits<'t>,
        doubts: &mut Doubts<'_>,
    ) -> Hits<'t> {
        if unsure.is_empty() {
            return sure;
        }
        let mut passed = Vec::new();
        for slot in unsure {
            if sure.contains(slot) || !within.contains(slot) {
                continue;
            }
            let id = table.id(slot);
            match doubts.verdicts.get(&(self.number, id)) {
                Some(true) => passed.push(slot),
                Some(false) => {}
                None => doubts.open.push(Doubt { leaf: self.number, id }),
            }
        }
        sure.or(Hits::collected(passed))
    }
}

/// Whether so few slots are left that looking at each costs less than at all values.
fn is_small(within: &Hits<'_>, table: &Table, values: usize) -> bool {
    match within {
        Hits::All => false,
        within => within.len(table) * 32 < values as u64,
    }
}
