//! From values of a column to the slots that have them.

use crate::{
    column::Column,
    dictionary::Dictionary,
    hits::{self, Hits},
    key::Key,
    probe::Probe,
    table::Table,
};
use roaring::RoaringBitmap;
use seawall_domain::query::{Wanted, moment};
use serde_json::Value;

/// A set of codes.
pub(crate) struct Codes(Vec<u64>);

impl Codes {
    pub(crate) fn new(dictionary: &Dictionary) -> Self {
        Self(vec![0; dictionary.end().div_ceil(64)])
    }

    pub(crate) fn insert(&mut self, code: u32) {
        self.0[code as usize / 64] |= 1 << (code % 64);
    }

    pub(crate) fn contains(&self, code: u32) -> bool {
        self.0[code as usize / 64] & (1 << (code % 64)) != 0
    }

    fn len(&self) -> usize {
        self.0.iter().map(|bits| bits.count_ones() as usize).sum()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        (0_u32..).zip(&self.0).flat_map(|(word, bits)| {
            let mut left = *bits;
            std::iter::from_fn(move || {
                (left != 0).then(|| {
                    let bit = left.trailing_zeros();
                    left &= left - 1;
                    word * 64 + bit
                })
            })
        })
    }
}

/// Slots with one of the values, whole or in an array; not those without any.
pub(crate) fn equal_to_one<'t>(table: &'t Table, column: &'t Column, wanted: &[Wanted]) -> Hits<'t> {
    let mut found = Hits::NONE;
    let there = wanted.iter().filter(|wanted| !wanted.value.is_null());
    for wanted in there.clone() {
        found = found.or(hits::equal(table, column, &wanted.value).hits(table));
    }
    let moments: Vec<_> = there.filter_map(|wanted| wanted.moment).collect();
    if moments.is_empty() {
        return found;
    }
    let dictionary = column.dictionary();
    let mut more = Vec::new();
    for (code, entry) in dictionary.iter() {
        if let Key::Text(text) = &entry.key
            && moment(text).is_some_and(|at| moments.contains(&at))
        {
            more.extend(slots(dictionary, code));
        }
    }
    found.or(Hits::collected(more))
}

/// Slots whose value is an empty text, array or object.
pub(crate) fn empty<'t>(table: &'t Table, column: &Column) -> Hits<'t> {
    let dictionary = column.dictionary();
    let empties = [
        Value::from(""),
        Value::Array(Vec::new()),
        Value::Object(serde_json::Map::new()),
    ];
    let mut codes = Codes::new(dictionary);
    let mut some = false;
    for value in &empties {
        let probe = Probe::value(value, table.hasher());
        if let Some(code) = probe.and_then(|probe| dictionary.find(&probe)) {
            codes.insert(code);
            some = true;
        }
    }
    if some { with_own(column, &codes) } else { Hits::NONE }
}

/// Slots of a code's posting.
pub(crate) fn slots(dictionary: &Dictionary, code: u32) -> Vec<u32> {
    match dictionary.entry(code).posting.slots() {
        Ok(few) => few.to_vec(),
        Err(bitmap) => bitmap.iter().collect(),
    }
}

/// Slots that have one of the codes as their whole value.
pub(crate) fn own_slots(column: &Column, codes: &Codes) -> Vec<u32> {
    let dictionary = column.dictionary();
    let mut found = Vec::new();
    for code in codes.iter() {
        let own = |slot: &u32| column.code(*slot) == Some(code);
        match dictionary.entry(code).posting.slots() {
            Ok(few) => found.extend(few.iter().copied().filter(own)),
            Err(bitmap) if dictionary.has_arrays() => found.extend(bitmap.iter().filter(own)),
            Err(bitmap) => found.extend(bitmap),
        }
    }
    found
}

pub(crate) fn with_own<'t>(column: &Column, codes: &Codes) -> Hits<'t> {
    if column.dictionary().has_arrays() {
        Hits::collected(own_slots(column, codes))
    } else {
        gather(column, codes)
    }
}

/// Slots that have one of the codes as their value or in their array.
pub(crate) fn with_values<'t>(column: &Column, mut codes: Codes) -> Hits<'t> {
    let dictionary = column.dictionary();
    if dictionary.has_arrays() {
        for (code, entry) in dictionary.iter() {
            if entry.key.elements().iter().any(|element| codes.contains(*element)) {
                codes.insert(code);
            }
        }
    }
    gather(column, &codes)
}

/// To follow a code to its posting, somewhere in memory, takes as long as to look at the codes of so many slots, one beside the
/// other.
const FAR: usize = 8;
/// Fewer postings than these are never many.
const MANY: usize = 64;

/// Joins postings, or looks at each slot's code where the postings are many, or large together. Of arrays the whole is in the set
/// where an element is.
pub(crate) fn gather<'t>(column: &Column, codes: &Codes) -> Hits<'t> {
    let dictionary = column.dictionary();
    let by_slot = || Hits::owned(column.slots_with(|code| codes.contains(code)));
    let count = codes.len();
    if count > MANY && count * FAR > column.end() {
        return by_slot();
    }
    let (mut few, mut bitmaps, mut many) = (Vec::new(), Vec::new(), 0);
    for code in codes.iter() {
        match dictionary.entry(code).posting.slots() {
            Ok(slots) => few.extend_from_slice(slots),
            Err(bitmap) => {
                many += bitmap.len();
                bitmaps.push(bitmap);
            }
        }
    }
    if bitmaps.is_empty() {
        return Hits::collected(few);
    }
    if bitmaps.len() > MANY && many > column.present().len() / 16 {
        return by_slot();
    }
    let mut all = RoaringBitmap::new();
    bitmaps.into_iter().for_each(|bitmap| all |= bitmap);
    all.extend(few);
    Hits::owned(all)
}
