//! The index as others see it, and its locks.
//!
//! Writers are one at a time (`writer`), and hold one blueprint's table at a time. Readers take the map of tables for a
//! look-up and then one table. Nobody takes the map while holding a table.

use crate::{
    error::IndexError,
    facet,
    hits::Hits,
    list,
    prepared::{Prepared, Row},
    table::{Source, Table},
};
use hashbrown::DefaultHashBuilder;
use seawall_domain::{
    BlueprintId, EntityId,
    query::{Field, ListQuery, Place},
};
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicI64, Ordering},
    },
};

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListPage {
    /// Row ids, in order.
    pub ids: Vec<i64>,
    /// Where the next page starts, if there is one.
    pub next: Option<Place>,
    /// The answer reflects at least this position of the change log.
    pub position: i64,
}

/// The read index. Shared by reference between any number of readers and writers.
#[derive(Debug, Default)]
pub struct Index {
    hasher: DefaultHashBuilder,
    tables: RwLock<HashMap<BlueprintId, Arc<RwLock<Table>>>>,
    /// The same by blueprint, for questions to all of them.
    sorted: RwLock<Arc<[Tabled]>>,
    writer: Mutex<Writer>,
    position: AtomicI64,
    /// Up to here everything was there when it was filled.
    loaded: AtomicI64,
}

/// A blueprint's table.
pub(crate) type Tabled = (BlueprintId, Arc<RwLock<Table>>);

#[derive(Debug, Default)]
struct Writer {
    /// By row id. Readers never need it.
    ids: hashbrown::HashMap<i64, Held>,
    /// Row ids that went lately, with the position at which they did.
    gone: hashbrown::HashMap<i64, i64>,
    numbers: hashbrown::HashMap<BlueprintId, u32>,
    tables: Vec<Arc<RwLock<Table>>>,
}

/// Where a row is.
#[derive(Debug, Clone, Copy)]
struct Held {
    table: u32,
    slot: u32,
    version: i64,
}

/// So many removals are remembered: writers that are late are late by a page or two.
const GONE: usize = 50_000;

impl Writer {
    /// Notes a removal, and forgets the older half of them where there are many.
    fn went(&mut self, id: i64, position: i64) {
        if self.gone.len() >= GONE {
            let mut positions: Vec<_> = self.gone.values().copied().collect();
            let (_, middle, _) = positions.select_nth_unstable(GONE / 2);
            let middle = *middle;
            self.gone.retain(|_, at| *at > middle);
        }
        self.gone.insert(id, position);
    }

    /// Whether something newer is known of the row.
    fn is_late(&self, id: i64, version: i64) -> bool {
        self.gone.get(&id).is_some_and(|at| *at > version)
            || self.ids.get(&id).is_some_and(|held| held.version > version)
    }
}

/// What a batch does to one table: removals first.
#[derive(Default)]
struct Batch<'a> {
    removals: Vec<u32>,
    upserts: Vec<(Prepared<'a>, Option<u32>)>,
}

impl Index {
    /// An empty index at position 0.
    pub fn new() -> Self {
        Self::default()
    }

    // ---- writing

    /// Applies one page of changes: first the removals by row id, then the upserts, of which the last of an id counts. A
    /// row whose id is known is replaced, whatever its blueprint and identifier; a row that takes another id's identifier
    /// takes its place. Unknown removals are ignored, so a page may be applied again. Afterwards the position is
    /// `position`, unless it was higher already.
    ///
    /// Pages may come in another order than they were committed in: of each row the newest version stays, and a row that
    /// went at a later position does not come back.
    pub fn apply(&self, upserts: &[Row<'_>], removals: &[i64], position: i64) {
        self.write(upserts, removals, position);
        self.position.fetch_max(position, Ordering::Release);
    }

    /// The same without moving the position: what was committed before may not have been applied yet.
    pub fn apply_ahead(&self, upserts: &[Row<'_>], removals: &[i64], position: i64) {
        self.write(upserts, removals, position);
    }

    /// Adds rows at start-up, without moving the position; follow with [`Index::finish_load`] when all are there.
    /// Changes that were made after the rows were read have to be applied after they are loaded.
    pub fn load(&self, rows: &[Row<'_>]) {
        self.write(rows, &[], 0);
    }

    /// Ends the loading: gives back spare room, makes the orders by identifier and by title, and sets the position.
    pub fn finish_load(&self, position: i64) {
        let tables: Vec<_> = {
            let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            writer.gone.shrink_to_fit();
            writer.ids.shrink_to_fit();
            writer.tables.clone()
        };
        for table in tables {
            table.write().unwrap_or_else(PoisonError::into_inner).settle();
            let table = read(&table);
            for source in [Source::Identifier, Source::Title] {
                table.orders().sequence(&table, source);
            }
        }
        self.loaded.fetch_max(position, Ordering::Release);
        self.position.fetch_max(position, Ordering::Release);
    }

    /// Whether a change of the row at `position` has been taken in, or a later one. Pages come in any order, so that the
    /// position of the whole says nothing of one row. A removal that is forgotten counts as taken in.
    pub fn reflects(&self, id: i64, position: i64, removal: bool) -> bool {
        if position <= self.loaded.load(Ordering::Acquire) {
            return true;
        }
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        match writer.ids.get(&id) {
            Some(held) => !removal && held.version >= position,
            None => removal || writer.gone.get(&id).is_some_and(|gone| *gone >= position),
        }
    }

    fn write(&self, upserts: &[Row<'_>], removals: &[i64], position: i64) {
        let mut prepared: Vec<_> = upserts.iter().map(|row| Prepared::new(*row, &self.hasher)).collect();
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batches: Vec<(u32, Batch<'_>)> = Vec::new();
        for id in removals {
            if writer.is_late(*id, position) {
                continue;
            }
            if let Some(held) = writer.ids.remove(id) {
                batch(&mut batches, held.table).removals.push(held.slot);
            }
            writer.went(*id, position);
        }
        keep_last(&mut prepared);
        for row in prepared {
            if writer.is_late(row.row.id, row.row.version) {
                continue;
            }
            let number = self.number(&mut writer, &row.row.entity.blueprint);
            let mut known = writer.ids.get(&row.row.id).copied();
            if let Some(held) = known
                && held.table != number
            {
                batch(&mut batches, held.table).removals.push(held.slot);
                known = None;
            }
            batch(&mut batches, number)
                .upserts
                .push((row, known.map(|held| held.slot)));
        }
        for (number, batch) in batches {
            let table = writer.tables[number as usize].clone();
            let mut table = table.write().unwrap_or_else(PoisonError::into_inner);
            write_batch(&mut table, number, batch, &mut writer);
        }
    }

    /// The blueprint's table, made if it is new.
    fn number(&self, writer: &mut Writer, blueprint: &BlueprintId) -> u32 {
        if let Some(number) = writer.numbers.get(blueprint) {
            return *number;
        }
        let number = u32::try_from(writer.tables.len()).unwrap_or(u32::MAX);
        let table = Arc::new(RwLock::new(Table::new(blueprint.as_str(), self.hasher.clone())));
        writer.tables.push(table.clone());
        writer.numbers.insert(blueprint.clone(), number);
        self.tables
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(blueprint.clone(), table.clone());
        let mut sorted = self.sorted.write().unwrap_or_else(PoisonError::into_inner);
        let mut all = sorted.to_vec();
        let at = all.partition_point(|(known, _)| known < blueprint);
        all.insert(at, (blueprint.clone(), table));
        *sorted = all.into();
        number
    }

    // ---- reading

    /// The newest position of the change log that all answers reflect.
    pub fn position(&self) -> i64 {
        self.position.load(Ordering::Acquire)
    }

    /// One page of a blueprint's entities. An unknown blueprint has none; whether it exists is not the index's to know.
    ///
    /// Going on from a page's `next` never skips or repeats an entity that did not change in between, even if the one
    /// at that place was changed or removed.
    ///
    /// # Errors
    /// [`IndexError::ZeroLimit`]; [`IndexError::Damaged`] after an internal error.
    pub fn list(&self, query: &ListQuery) -> Result<ListPage, IndexError> {
        if query.limit == 0 {
            return Err(IndexError::ZeroLimit);
        }
        // Read first: what is applied while this answer is made may or may not be in it.
        let position = self.position();
        let Some(table) = self.table(&query.blueprint) else {
            return Ok(ListPage {
                ids: Vec::new(),
                next: None,
                position,
            });
        };
        let table = table
            .read()
            .map_err(|_| IndexError::Damaged(query.blueprint.to_string()))?;
        let hits = Hits::of(&table, pairs(&query.filters));
        let asked = list::Asked {
            sort: &query.sort,
            descending: query.descending,
            after: query.after.as_ref(),
            limit: query.limit,
        };
        let (ids, next) = list::list(&[list::Part { table: &table, hits }], &asked);
        Ok(ListPage { ids, next, position })
    }

    /// How many of a blueprint's entities pass all filters.
    pub fn count(&self, blueprint: &BlueprintId, filters: &[(Field, Value)]) -> u64 {
        self.table(blueprint).map_or(0, |table| {
            Hits::count(&read(&table), &pairs(filters).collect::<Vec<_>>())
        })
    }

    /// The `limit` most frequent values of a field among the entities that pass all filters, with how many have each;
    /// of equal counts the lower value comes first. An array counts once for each of its different elements. Absent
    /// values are not listed (count them with a null filter), nor are values of more than 256 bytes.
    pub fn facet(
        &self,
        blueprint: &BlueprintId,
        field: &Field,
        filters: &[(Field, Value)],
        limit: usize,
    ) -> Vec<(Value, u64)> {
        let Some(table) = self.table(blueprint) else {
            return Vec::new();
        };
        let table = read(&table);
        facet::facet(&table, field, &Hits::of(&table, pairs(filters)), limit)
    }

    /// The blueprints that have entities, with how many, by identifier.
    pub fn blueprints(&self) -> Vec<(BlueprintId, u64)> {
        let all = self.tables(None);
        let counts = all
            .iter()
            .map(|(blueprint, table)| (blueprint.clone(), read(table).live().len()));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// The row id of an entity.
    pub fn get(&self, blueprint: &BlueprintId, identifier: &EntityId) -> Option<i64> {
        let table = self.table(blueprint)?;
        let table = read(&table);
        table.slot_of(identifier.as_str()).map(|slot| table.id(slot))
    }

    /// The row ids of a blueprint's entities, rising.
    pub fn ids(&self, blueprint: &BlueprintId) -> Vec<i64> {
        let Some(table) = self.table(blueprint) else {
            return Vec::new();
        };
        let table = read(&table);
        let mut ids: Vec<i64> = table.live().iter().map(|slot| table.id(slot)).collect();
        ids.sort_unstable();
        ids
    }

    /// Identifiers of a blueprint's entities whose relation of this name points to `target`, sorted; `limit` at most, and
    /// where there are more it is not said which.
    pub fn referrers(&self, blueprint: &BlueprintId, relation: &str, target: &EntityId, limit: usize) -> Vec<EntityId> {
        let Some(table) = self.table(blueprint) else {
            return Vec::new();
        };
        let table = read(&table);
        let filter = (Field::Relation(relation.into()), Value::from(target.as_str()));
        let mut found = Vec::new();
        Hits::of(&table, [(&filter.0, &filter.1)]).for_each(&table, |slot| {
            if found.len() < limit {
                // It was an identifier when it came in.
                found.extend(EntityId::new(table.identifier(slot)).ok());
            }
        });
        found.sort_unstable();
        found
    }

    /// About how many bytes the index takes. Visits every value: tens of milliseconds for hundreds of thousands of
    /// entities.
    pub fn memory_bytes(&self) -> usize {
        let (ids, tables) = {
            let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            let ids = writer.ids.allocation_size() + writer.gone.allocation_size();
            (ids, writer.tables.clone())
        };
        ids + tables
            .iter()
            .map(|table| size_of::<Table>() + read(table).heap_bytes())
            .sum::<usize>()
    }

    /// The tables of some blueprints, or of all, by blueprint.
    pub(crate) fn tables(&self, blueprints: Option<&[BlueprintId]>) -> Arc<[Tabled]> {
        let Some(named) = blueprints else {
            return self.sorted.read().unwrap_or_else(PoisonError::into_inner).clone();
        };
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let known = named.iter().filter_map(|blueprint| tables.get_key_value(blueprint));
        let mut found: Vec<Tabled> = known
            .map(|(blueprint, table)| (blueprint.clone(), table.clone()))
            .collect();
        found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        found.dedup_by(|a, b| a.0 == b.0);
        found.into()
    }

    fn table(&self, blueprint: &BlueprintId) -> Option<Arc<RwLock<Table>>> {
        self.tables
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(blueprint)
            .cloned()
    }
}

fn pairs(filters: &[(Field, Value)]) -> impl Iterator<Item = (&Field, &Value)> {
    filters.iter().map(|(field, value)| (field, value))
}

/// Questions without an error answer from a damaged table too; [`Index::list`] is the one that says so.
fn read(table: &RwLock<Table>) -> RwLockReadGuard<'_, Table> {
    table.read().unwrap_or_else(PoisonError::into_inner)
}

/// The table's batch. A page is of one or a few blueprints.
fn batch<'b, 'a>(batches: &'b mut Vec<(u32, Batch<'a>)>, table: u32) -> &'b mut Batch<'a> {
    let at = batches
        .iter()
        .position(|(number, _)| *number == table)
        .unwrap_or_else(|| {
            batches.push((table, Batch::default()));
            batches.len() - 1
        });
    &mut batches[at].1
}

/// Drops rows that a later row of the same id replaces.
fn keep_last(rows: &mut Vec<Prepared<'_>>) {
    let mut seen = hashbrown::HashSet::with_capacity(rows.len());
    let repeated = rows.iter().any(|row| !seen.insert(row.row.id));
    if repeated {
        seen.clear();
        rows.reverse();
        rows.retain(|row| seen.insert(row.row.id));
        rows.reverse();
    }
}

fn write_batch(table: &mut Table, number: u32, batch: Batch<'_>, writer: &mut Writer) {
    table.begin_writes();
    for slot in batch.removals {
        table.remove(slot);
    }
    for (row, known) in batch.upserts {
        let (id, version) = (row.row.id, row.row.version);
        // A row before this one in the page may have taken the place.
        let known = known.filter(|_| writer.ids.get(&id).is_some_and(|held| held.table == number));
        let written = table.upsert(&row, known);
        if let Some(displaced) = written.displaced
            && displaced != id
        {
            writer.ids.remove(&displaced);
            writer.went(displaced, version);
        }
        let slot = written.slot;
        writer.ids.insert(
            id,
            Held {
                table: number,
                slot,
                version,
            },
        );
    }
    table.end_writes();
}
