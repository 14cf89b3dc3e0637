//! All entities of one blueprint, in slots. A slot is given to the next entity when its own is gone.

use crate::{
    collate::{self, View},
    column::Column,
    heap_cell::{HeapCell, HeapGuard, Need},
    order::Orders,
    prepared::Prepared,
    probe::Probe,
};
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use roaring::RoaringBitmap;
use seawall_domain::query::Field;
use std::{borrow::Cow, cmp::Ordering, hash::BuildHasher as _};

const TITLE: u32 = 0;
const TEAM: u32 = 1;
const ICON: u32 = 2;
const CREATED_BY: u32 = 3;
const UPDATED_BY: u32 = 4;
/// Columns of meta properties, before those of properties and relations.
const META: usize = 5;

/// Where a field's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Identifier,
    /// The title as it is; sorting falls back to the identifier.
    Title,
    /// The same for all of the table.
    Blueprint,
    CreatedAt,
    UpdatedAt,
    Column(u32),
    /// No entity ever had the field.
    Absent,
}

#[derive(Debug)]
pub(crate) struct Table {
    blueprint: Box<str>,
    hasher: DefaultHashBuilder,
    ids: Vec<i64>,
    identifiers: Vec<Box<str>>,
    created: Vec<i64>,
    updated: Vec<i64>,
    by_identifier: HashTable<u32>,
    live: RoaringBitmap,
    free: Vec<u32>,
    columns: Vec<Column>,
    properties: HashMap<Box<str>, u32>,
    relations: HashMap<Box<str>, u32>,
    stamp: u64,
    /// Slots filled or emptied since the orders were told, and those of which only a time changed.
    moved: Vec<u32>,
    retimed: Vec<u32>,
    orders: Orders,
    /// The identifiers by slot, to be looked through.
    names: HeapCell,
}

/// What a write did.
pub(crate) struct Written {
    pub(crate) slot: u32,
    /// The row that had this identifier before, under another id. It is gone.
    pub(crate) displaced: Option<i64>,
}

impl Table {
    pub(crate) fn new(blueprint: &str, hasher: DefaultHashBuilder) -> Self {
        Self {
            blueprint: blueprint.into(),
            names: HeapCell::default(),
            hasher,
            ids: Vec::new(),
            identifiers: Vec::new(),
            created: Vec::new(),
            updated: Vec::new(),
            by_identifier: HashTable::new(),
            live: RoaringBitmap::new(),
            free: Vec::new(),
            columns: std::iter::repeat_with(Column::default).take(META).collect(),
            properties: HashMap::new(),
            relations: HashMap::new(),
            stamp: 0,
            moved: Vec::new(),
            retimed: Vec::new(),
            orders: Orders::default(),
        }
    }

    // ---- reading

    pub(crate) fn blueprint(&self) -> &str {
        &self.blueprint
    }

    /// All identifiers in one piece, by slot.
    pub(crate) fn names(&self, need: Need) -> HeapGuard<'_> {
        let all = |each: &mut dyn FnMut(u32, &str)| {
            for slot in &self.live {
                each(slot, self.identifier(slot));
            }
        };
        let text = |slot| self.live.contains(slot).then(|| Cow::Borrowed(self.identifier(slot)));
        self.names.get(need, all, text)
    }

    /// All properties that an entity ever had.
    pub(crate) fn properties(&self) -> impl Iterator<Item = (&str, &Column)> {
        self.properties
            .iter()
            .map(|(name, number)| (&**name, self.column(*number)))
    }

    /// All relations that an entity ever had.
    pub(crate) fn relations(&self) -> impl Iterator<Item = (&str, &Column)> {
        self.relations
            .iter()
            .map(|(name, number)| (&**name, self.column(*number)))
    }

    /// A relation, if an entity ever had it.
    pub(crate) fn relation(&self, name: &str) -> Option<&Column> {
        self.relations.get(name).map(|number| self.column(*number))
    }

    pub(crate) fn live(&self) -> &RoaringBitmap {
        &self.live
    }

    pub(crate) fn slots(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn id(&self, slot: u32) -> i64 {
        self.ids[slot as usize]
    }

    pub(crate) fn identifier(&self, slot: u32) -> &str {
        &self.identifiers[slot as usize]
    }

    pub(crate) fn created(&self, slot: u32) -> i64 {
        self.created[slot as usize]
    }

    pub(crate) fn updated(&self, slot: u32) -> i64 {
        self.updated[slot as usize]
    }

    pub(crate) fn column(&self, number: u32) -> &Column {
        &self.columns[number as usize]
    }

    pub(crate) fn titles(&self) -> &Column {
        self.column(TITLE)
    }

    pub(crate) fn orders(&self) -> &Orders {
        &self.orders
    }

    pub(crate) fn hasher(&self) -> &DefaultHashBuilder {
        &self.hasher
    }

    pub(crate) fn slot_of(&self, identifier: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(identifier);
        self.by_identifier
            .find(hash, |slot| self.identifier(*slot) == identifier)
            .copied()
    }

    pub(crate) fn source(&self, field: &Field) -> Source {
        let named = |names: &HashMap<Box<str>, u32>, name: &str| {
            names.get(name).map_or(Source::Absent, |number| Source::Column(*number))
        };
        match field {
            Field::Identifier => Source::Identifier,
            Field::Title => Source::Title,
            Field::Team => Source::Column(TEAM),
            Field::Icon => Source::Column(ICON),
            Field::CreatedBy => Source::Column(CREATED_BY),
            Field::UpdatedBy => Source::Column(UPDATED_BY),
            Field::Blueprint => Source::Blueprint,
            Field::CreatedAt => Source::CreatedAt,
            Field::UpdatedAt => Source::UpdatedAt,
            Field::Property(name) => named(&self.properties, name),
            Field::Relation(name) => named(&self.relations, name),
        }
    }

    /// What the slot sorts by.
    pub(crate) fn view(&self, source: Source, slot: u32) -> Option<View<'_>> {
        Some(match source {
            Source::Absent => return None,
            Source::Identifier => View::Text(self.identifier(slot)),
            Source::Blueprint => View::Text(self.blueprint()),
            Source::Title => self
                .titles()
                .look(slot)
                .map_or_else(|| View::Text(self.identifier(slot)), crate::key::Look::view),
            Source::CreatedAt => View::Num(seawall_domain::query::Num::Int(self.created(slot))),
            Source::UpdatedAt => View::Num(seawall_domain::query::Num::Int(self.updated(slot))),
            Source::Column(number) => self.column(number).look(slot)?.view(),
        })
    }

    /// Compares two slots by value alone; what has none comes last.
    pub(crate) fn compare_values(&self, source: Source, a: u32, b: u32) -> Ordering {
        self.compare_values_in(source, false, a, b)
    }

    /// Compares two slots, rising; equal only if they are the same.
    pub(crate) fn compare(&self, source: Source, a: u32, b: u32) -> Ordering {
        self.compare_in(source, false, a, b)
    }

    /// The same in a direction. Of equal values the lower identifier comes first in both.
    pub(crate) fn compare_in(&self, source: Source, descending: bool, a: u32, b: u32) -> Ordering {
        self.compare_values_in(source, descending, a, b)
            .then_with(|| seawall_domain::query::compare_text(self.identifier(a), self.identifier(b)))
    }

    fn compare_values_in(&self, source: Source, descending: bool, a: u32, b: u32) -> Ordering {
        if let Source::Column(number) = source {
            let column = self.column(number);
            if column.code(a) == column.code(b) {
                return Ordering::Equal;
            }
        }
        collate::compare_directed(self.view(source, a), self.view(source, b), descending)
    }

    // ---- writing

    /// Called before a batch of writes, with all readers out: orders that readers made since the last batch are followed
    /// from here on.
    pub(crate) fn begin_writes(&mut self) {
        for column in &mut self.columns {
            column.tracked = false;
        }
        for source in self.orders.sources() {
            match source {
                Source::Title => self.columns[TITLE as usize].tracked = true,
                Source::Column(number) => self.columns[number as usize].tracked = true,
                _ => {}
            }
        }
    }

    /// Puts a row into its slot, or into a new one.
    pub(crate) fn upsert(&mut self, prepared: &Prepared<'_>, known: Option<u32>) -> Written {
        let known = known.filter(|slot| {
            let same = self.identifier(*slot) == prepared.identifier;
            if !same {
                self.remove(*slot);
            }
            same
        });
        let (slot, displaced) = match known {
            Some(slot) => (slot, None),
            None => {
                let other = self.slot_of(prepared.identifier);
                let displaced = other.map(|other| self.id(other));
                if let Some(other) = other {
                    self.remove(other);
                }
                (self.occupy(prepared), displaced)
            }
        };
        self.fill(slot, prepared, known.is_some());
        Written { slot, displaced }
    }

    fn occupy(&mut self, prepared: &Prepared<'_>) -> u32 {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                for times in [&mut self.ids, &mut self.created, &mut self.updated] {
                    crate::size::make_room(times, 1);
                    times.push(0);
                }
                crate::size::make_room(&mut self.identifiers, 1);
                self.identifiers.push(Box::default());
                // Row counts stay far below 2^32; the bitmaps could not hold more either.
                u32::try_from(self.ids.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.ids[slot as usize] = prepared.row.id;
        self.identifiers[slot as usize] = prepared.identifier.into();
        let Self {
            by_identifier,
            identifiers,
            hasher,
            ..
        } = self;
        by_identifier.insert_unique(prepared.identifier_hash, slot, |slot| {
            hasher.hash_one(&*identifiers[*slot as usize])
        });
        self.live.insert(slot);
        self.moved.push(slot);
        self.names.note(slot);
        slot
    }

    fn fill(&mut self, slot: u32, prepared: &Prepared<'_>, known: bool) {
        let times = (prepared.row.created_at, prepared.row.updated_at);
        if known && times != (self.created(slot), self.updated(slot)) {
            self.retimed.push(slot);
        }
        (self.created[slot as usize], self.updated[slot as usize]) = times;
        self.stamp += 1;
        self.put(TITLE, slot, prepared.title.as_ref());
        self.put(TEAM, slot, prepared.team.as_ref());
        self.put(ICON, slot, prepared.icon.as_ref());
        self.put(CREATED_BY, slot, prepared.created_by.as_ref());
        self.put(UPDATED_BY, slot, prepared.updated_by.as_ref());
        for (name, value) in &prepared.properties {
            let number = column_number(&mut self.columns, &mut self.properties, name);
            self.put(number, slot, Some(value));
        }
        for (name, value) in &prepared.relations {
            let number = column_number(&mut self.columns, &mut self.relations, name);
            self.put(number, slot, Some(value));
        }
        if known {
            // What the new version no longer says.
            for column in &mut self.columns {
                if column.stamp != self.stamp {
                    column.set(slot, None, &self.hasher);
                }
            }
        }
    }

    fn put(&mut self, number: u32, slot: u32, value: Option<&Probe<'_>>) {
        let column = &mut self.columns[number as usize];
        column.stamp = self.stamp;
        column.set(slot, value, &self.hasher);
    }

    /// Empties a slot.
    pub(crate) fn remove(&mut self, slot: u32) {
        let hash = self.hasher.hash_one(self.identifier(slot));
        if let Ok(found) = self.by_identifier.find_entry(hash, |held| *held == slot) {
            found.remove();
        }
        for column in &mut self.columns {
            column.set(slot, None, &self.hasher);
        }
        self.identifiers[slot as usize] = Box::default();
        self.live.remove(slot);
        self.free.push(slot);
        self.moved.push(slot);
        self.names.note(slot);
    }

    /// Tells the orders what changed. Called after each batch of writes.
    pub(crate) fn end_writes(&mut self) {
        let orders = std::mem::take(&mut self.orders);
        orders.note(|source| {
            let changed: &[u32] = match source {
                Source::Identifier | Source::Blueprint | Source::Absent => &[],
                Source::CreatedAt | Source::UpdatedAt => &self.retimed,
                Source::Title => &self.titles().changed,
                Source::Column(number) => &self.column(number).changed,
            };
            (self.moved.as_slice(), changed, self.live.len())
        });
        self.orders = orders;
        for column in &mut self.columns {
            column.changed.clear();
        }
        self.moved.clear();
        self.retimed.clear();
    }

    /// Gives back spare room.
    pub(crate) fn settle(&mut self) {
        for times in [&mut self.ids, &mut self.created, &mut self.updated] {
            times.shrink_to_fit();
        }
        self.identifiers.shrink_to_fit();
        let Self {
            by_identifier,
            identifiers,
            hasher,
            ..
        } = self;
        by_identifier.shrink_to_fit(|slot| hasher.hash_one(&*identifiers[*slot as usize]));
        for column in &mut self.columns {
            column.shrink_to_fit(&self.hasher);
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let names = |names: &HashMap<Box<str>, u32>| {
            names.allocation_size() + names.keys().map(|name| crate::size::block(name.len())).sum::<usize>()
        };
        (self.ids.capacity() + self.created.capacity() + self.updated.capacity()) * 8
            + self.identifiers.capacity() * size_of::<Box<str>>()
            + self
                .identifiers
                .iter()
                .map(|identifier| crate::size::block(identifier.len()))
                .sum::<usize>()
            + self.by_identifier.allocation_size()
            + crate::size::bitmap(&self.live)
            + (self.free.capacity() + self.moved.capacity() + self.retimed.capacity()) * 4
            + names(&self.properties)
            + names(&self.relations)
            + self.columns.capacity() * size_of::<Column>()
            + self.columns.iter().map(Column::heap_bytes).sum::<usize>()
            + self.orders.heap_bytes()
            + self.names.heap_bytes()
    }
}

fn column_number(columns: &mut Vec<Column>, names: &mut HashMap<Box<str>, u32>, name: &str) -> u32 {
    if let Some(number) = names.get(name) {
        return *number;
    }
    let number = u32::try_from(columns.len()).unwrap_or(u32::MAX);
    columns.push(Column::default());
    names.insert(name.into(), number);
    number
}
