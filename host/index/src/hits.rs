//! Sets of slots, and the short way from equality filters to them.

use crate::{
    column::Column,
    probe::Probe,
    table::{Source, Table},
};
use roaring::RoaringBitmap;
use seawall_domain::query::Field;
use serde_json::Value;
use std::borrow::Cow;

/// The slots that pass.
#[derive(Debug, Clone)]
pub(crate) enum Hits<'a> {
    /// All of the table.
    All,
    Few(Vec<u32>),
    Many(Cow<'a, RoaringBitmap>),
}

/// So many slots are kept without a bitmap: looking for one among them takes no longer.
const FEW: usize = 16;

/// The slots that pass one filter.
pub(crate) enum Term<'a> {
    Few(Vec<u32>),
    Many(Cow<'a, RoaringBitmap>),
    /// All but these.
    Without(&'a RoaringBitmap),
}

impl<'a> Hits<'a> {
    pub(crate) const NONE: Self = Self::Few(Vec::new());

    pub(crate) fn of<'f>(table: &'a Table, filters: impl IntoIterator<Item = (&'f Field, &'f Value)>) -> Self {
        let (mut few, mut many, mut without) = (Vec::new(), Vec::new(), Vec::new());
        for (field, value) in filters {
            match term(table, field, value) {
                Term::Few(slots) => few.push(slots),
                Term::Many(bitmap) => many.push(bitmap),
                Term::Without(present) => without.push(present),
            }
        }
        few.sort_unstable_by_key(Vec::len);
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
    pub(crate) fn count(table: &Table, filters: &[(&Field, &Value)]) -> u64 {
        if let [a, b] = filters
            && let (Term::Many(a), Term::Many(b)) = (term(table, a.0, a.1), term(table, b.0, b.1))
        {
            return a.intersection_len(&b);
        }
        if let [(field, value)] = filters
            && let Term::Without(present) = term(table, field, value)
        {
            return table.live().len() - present.len();
        }
        Hits::of(table, filters.iter().copied()).len(table)
    }

    /// Slots in any order, perhaps repeated.
    pub(crate) fn collected(mut slots: Vec<u32>) -> Self {
        slots.sort_unstable();
        slots.dedup();
        if slots.len() <= FEW {
            return Self::Few(slots);
        }
        // Sorted just now, so none is refused.
        let bitmap = RoaringBitmap::from_sorted_iter(slots).unwrap_or_default();
        Self::Many(Cow::Owned(bitmap))
    }

    pub(crate) fn owned(bitmap: RoaringBitmap) -> Self {
        Self::Many(Cow::Owned(bitmap))
    }

    pub(crate) fn len(&self, table: &Table) -> u64 {
        match self {
            Self::All => table.live().len(),
            Self::Few(slots) => slots.len() as u64,
            Self::Many(bitmap) => bitmap.len(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::All => false,
            Self::Few(slots) => slots.is_empty(),
            Self::Many(bitmap) => bitmap.is_empty(),
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

    /// Those that `keep` keeps.
    pub(crate) fn filtered(&self, table: &Table, keep: impl Fn(u32) -> bool) -> Self {
        let mut kept = Vec::new();
        self.for_each(table, |slot| {
            if keep(slot) {
                kept.push(slot);
            }
        });
        Self::collected(kept)
    }

    /// Both.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, one) | (one, Self::All) => one,
            (Self::Few(mut slots), other) | (other, Self::Few(mut slots)) => {
                slots.retain(|slot| other.contains(*slot));
                Self::Few(slots)
            }
            (Self::Many(a), Self::Many(b)) => Self::owned(a.as_ref() & b.as_ref()),
        }
    }

    /// Those that are in the bitmap too.
    pub(crate) fn meet(&self, bitmap: &RoaringBitmap) -> Self {
        match self {
            Self::All => Self::owned(bitmap.clone()),
            Self::Few(slots) => {
                let both = slots.iter().copied().filter(|slot| bitmap.contains(*slot));
                Self::Few(both.collect())
            }
            Self::Many(many) => Self::owned(many.as_ref() & bitmap),
        }
    }

    /// Either.
    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Few(few), other) | (other, Self::Few(few)) if few.is_empty() => other,
            (Self::Few(mut a), Self::Few(b)) => {
                a.extend(b);
                Self::collected(a)
            }
            (Self::Few(few), Self::Many(bitmap)) | (Self::Many(bitmap), Self::Few(few)) => {
                let mut both = bitmap.into_owned();
                both.extend(few);
                Self::owned(both)
            }
            (Self::Many(a), Self::Many(b)) => Self::owned(a.as_ref() | b.as_ref()),
        }
    }

    /// Those of `within` that are not these.
    pub(crate) fn not(&self, table: &Table, within: &Self) -> Self {
        match (within, self) {
            (_, Self::All) => Self::NONE,
            (within, none) if none.is_empty() => within.clone(),
            (Self::All, Self::Few(few)) => {
                let mut left = table.live().clone();
                few.iter().for_each(|slot| {
                    left.remove(*slot);
                });
                Self::owned(left)
            }
            (Self::All, Self::Many(bitmap)) => Self::owned(table.live() - bitmap.as_ref()),
            (Self::Few(slots), _) => {
                let left = slots.iter().copied().filter(|slot| !self.contains(*slot));
                Self::Few(left.collect())
            }
            (Self::Many(all), Self::Many(bitmap)) => Self::owned(all.as_ref() - bitmap.as_ref()),
            (Self::Many(all), Self::Few(few)) => {
                let mut left = all.as_ref().clone();
                few.iter().for_each(|slot| {
                    left.remove(*slot);
                });
                Self::owned(left)
            }
        }
    }
}

impl<'a> Term<'a> {
    pub(crate) fn hits(self, table: &Table) -> Hits<'a> {
        match self {
            Self::Few(slots) => Hits::collected(slots),
            Self::Many(bitmap) => Hits::Many(bitmap),
            Self::Without(present) => Hits::owned(table.live() - present),
        }
    }
}

fn term<'a>(table: &'a Table, field: &Field, value: &Value) -> Term<'a> {
    let column = match table.source(field) {
        Source::Absent if value.is_null() => return Term::Many(Cow::Borrowed(table.live())),
        Source::Absent => return Term::Few(Vec::new()),
        Source::Identifier => {
            let slot = value.as_str().and_then(|identifier| table.slot_of(identifier));
            return Term::Few(slot.into_iter().collect());
        }
        Source::Blueprint if value.as_str() == Some(table.blueprint()) => {
            return Term::Many(Cow::Borrowed(table.live()));
        }
        Source::Blueprint => return Term::Few(Vec::new()),
        Source::CreatedAt => return at_time(table, value, |slot| table.created(slot)),
        Source::UpdatedAt => return at_time(table, value, |slot| table.updated(slot)),
        Source::Title => table.titles(),
        Source::Column(number) => table.column(number),
    };
    equal(table, column, value)
}

/// The slots whose value of a column is `value`, or an array with it in it.
pub(crate) fn equal<'a>(table: &Table, column: &'a Column, value: &Value) -> Term<'a> {
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
        Some(crate::probe::Needle::Num(seawall_domain::query::Num::Int(wanted))) => wanted,
        _ => return Term::Few(Vec::new()),
    };
    Term::Few(table.live().iter().filter(|slot| time(*slot) == wanted).collect())
}
