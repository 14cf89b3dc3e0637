//! From filters to the slots that pass all of them.

use crate::{
    probe::Probe,
    table::{Source, Table},
};
use roaring::RoaringBitmap;
use seawall_domain::query::Field;
use serde_json::Value;
use std::borrow::Cow;

/// The slots that pass.
pub(crate) enum Hits<'a> {
    /// No filter was given.
    All,
    Few(Vec<u32>),
    Many(Cow<'a, RoaringBitmap>),
}

/// The slots that pass one filter.
enum Term<'a> {
    Few(Vec<u32>),
    Many(Cow<'a, RoaringBitmap>),
    /// All but these.
    Without(&'a RoaringBitmap),
}

impl<'a> Hits<'a> {
    pub(crate) fn of(table: &'a Table, filters: &[(Field, Value)]) -> Self {
        if filters.is_empty() {
            return Self::All;
        }
        let (few, mut many, without) = sorted_terms(table, filters);
        let mut few = few.into_iter();
        if let Some(mut slots) = few.next() {
            slots.retain(|slot| {
                many.iter().all(|bitmap| bitmap.contains(*slot))
                    && !without.iter().any(|bitmap| bitmap.contains(*slot))
                    && few.as_slice().iter().all(|others| others.contains(slot))
            });
            return Self::Few(slots);
        }
        many.sort_unstable_by_key(|bitmap| bitmap.len());
        let mut many = many.into_iter();
        let mut hits = match (many.next(), without.split_first()) {
            (Some(first), _) => first,
            (None, Some((first, rest))) => {
                let mut left = table.live() - *first;
                for bitmap in rest {
                    left -= *bitmap;
                }
                return Self::Many(Cow::Owned(left));
            }
            (None, None) => return Self::All,
        };
        for bitmap in many {
            hits = Cow::Owned(hits.as_ref() & bitmap.as_ref());
        }
        for bitmap in without {
            hits = Cow::Owned(hits.as_ref() - bitmap);
        }
        Self::Many(hits)
    }

    /// How many pass, without collecting them where the answer needs no more than two bitmaps.
    pub(crate) fn count(table: &Table, filters: &[(Field, Value)]) -> u64 {
        if let [a, b] = filters
            && let (Term::Many(a), Term::Many(b)) = (term(table, &a.0, &a.1), term(table, &b.0, &b.1))
        {
            return a.intersection_len(&b);
        }
        if let [(field, value)] = filters
            && let Term::Without(present) = term(table, field, value)
        {
            return table.live().len() - present.len();
        }
        Hits::of(table, filters).len(table)
    }

    pub(crate) fn len(&self, table: &Table) -> u64 {
        match self {
            Self::All => table.live().len(),
            Self::Few(slots) => slots.len() as u64,
            Self::Many(bitmap) => bitmap.len(),
        }
    }

    pub(crate) fn contains(&self, slot: u32) -> bool {
        match self {
            Self::All => true,
            Self::Few(slots) => slots.contains(&slot),
            Self::Many(bitmap) => bitmap.contains(slot),
        }
    }

    /// Calls `each` with every slot that passes.
    pub(crate) fn for_each(&self, table: &Table, mut each: impl FnMut(u32)) {
        match self {
            Self::All => table.live().iter().for_each(each),
            Self::Few(slots) => slots.iter().for_each(|slot| each(*slot)),
            Self::Many(bitmap) => bitmap.iter().for_each(each),
        }
    }
}

type Terms<'a> = (Vec<Vec<u32>>, Vec<Cow<'a, RoaringBitmap>>, Vec<&'a RoaringBitmap>);

/// The few first, shortest first.
fn sorted_terms<'a>(table: &'a Table, filters: &[(Field, Value)]) -> Terms<'a> {
    let (mut few, mut many, mut without) = (Vec::new(), Vec::new(), Vec::new());
    for (field, value) in filters {
        match term(table, field, value) {
            Term::Few(slots) => few.push(slots),
            Term::Many(bitmap) => many.push(bitmap),
            Term::Without(present) => without.push(present),
        }
    }
    few.sort_unstable_by_key(Vec::len);
    (few, many, without)
}

fn term<'a>(table: &'a Table, field: &Field, value: &Value) -> Term<'a> {
    let column = match table.source(field) {
        Source::Absent if value.is_null() => return Term::Many(Cow::Borrowed(table.live())),
        Source::Absent => return Term::Few(Vec::new()),
        Source::Identifier => {
            return Term::Few(
                value
                    .as_str()
                    .and_then(|identifier| table.slot_of(identifier))
                    .into_iter()
                    .collect(),
            );
        }
        Source::CreatedAt => return at_time(table, value, |slot| table.created(slot)),
        Source::UpdatedAt => return at_time(table, value, |slot| table.updated(slot)),
        Source::Title => table.titles(),
        Source::Column(number) => table.column(number),
    };
    let Some(whole) = Probe::value(value, table.hasher()) else {
        return Term::Without(column.present());
    };
    let dictionary = column.dictionary();
    let found = |probe: &Probe<'_>| dictionary.find(probe).map(|code| &dictionary.entry(code).posting);
    let whole = found(&whole);
    // An array may be an element of another array too.
    let nested = value
        .is_array()
        .then(|| Probe::element(value, table.hasher()))
        .flatten()
        .and_then(|p| found(&p));
    match (whole, nested) {
        (None, None) => Term::Few(Vec::new()),
        (Some(posting), None) | (None, Some(posting)) => match posting.slots() {
            Ok(slots) => Term::Few(slots.to_vec()),
            Err(bitmap) => Term::Many(Cow::Borrowed(bitmap)),
        },
        (Some(a), Some(b)) => {
            let mut both = RoaringBitmap::new();
            for posting in [a, b] {
                match posting.slots() {
                    Ok(slots) => both.extend(slots),
                    Err(bitmap) => both |= bitmap,
                }
            }
            Term::Many(Cow::Owned(both))
        }
    }
}

/// Times have no dictionary, since nearly each is different and hardly anybody asks for one exactly.
fn at_time<'a>(table: &'a Table, value: &Value, time: impl Fn(u32) -> i64) -> Term<'a> {
    let wanted = match Probe::value(value, table.hasher()).map(|probe| probe.needle) {
        Some(crate::probe::Needle::Num(crate::num::Num::Int(wanted))) => wanted,
        _ => return Term::Few(Vec::new()),
    };
    Term::Few(table.live().iter().filter(|slot| time(*slot) == wanted).collect())
}
