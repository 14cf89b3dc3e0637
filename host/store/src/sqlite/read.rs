//! Reads by identity, each with prepared statements in one snapshot.

use super::names::read_name;
use crate::{ChangeRow, EntityRow, ItemRow, ItemState, Result, SourceRow, StoreError, body};
use rusqlite::{Connection, OptionalExtension, Row, params};
use seawall_domain::{BlueprintId, EntityId, entity::Derived};
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

/// Blueprints by row id, shared by all that read. Committed rows only, which never change.
#[derive(Default)]
pub(super) struct Blueprints(RwLock<HashMap<i64, BlueprintId>>);

impl Blueprints {
    fn get(&self, conn: &Connection, id: i64) -> Result<BlueprintId> {
        if let Some(name) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(name.clone());
        }
        let name = read_name(conn, id)?;
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, name.clone());
        Ok(name)
    }
}

/// Runs `f` on one snapshot.
fn snapshot<T>(conn: &Connection, f: impl FnOnce() -> Result<T>) -> Result<T> {
    let tx = conn.unchecked_transaction()?;
    let out = f()?;
    tx.commit()?;
    Ok(out)
}

fn entity_row(conn: &Connection, blueprints: &Blueprints, row: &Row<'_>) -> Result<EntityRow> {
    let blueprint = blueprints.get(conn, row.get(1)?)?;
    let identifier = EntityId::new(text(row, 2)?).map_err(|e| StoreError::Damaged {
        what: "entity",
        detail: e.to_string(),
    })?;
    let derived = match row.get_ref(7)?.as_str_or_null().map_err(rusqlite::Error::from)? {
        None => Derived::default(),
        some => body::derived(some)?,
    };
    let row = EntityRow {
        id: row.get(0)?,
        created_at: row.get(3)?,
        created_by: row.get(8)?,
        updated_at: row.get(4)?,
        updated_by: row.get(9)?,
        version: row.get(5)?,
        entity: body::decode(blueprint, identifier, text(row, 6)?)?,
        derived: Derived::default(),
        defaulted: Vec::new(),
    };
    Ok(row.with(derived))
}

/// A text column, not copied.
fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r str> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

pub(super) fn entities(conn: &Connection, blueprints: &Blueprints, ids: &[i64]) -> Result<Vec<EntityRow>> {
    snapshot(conn, || {
        let mut find = conn.prepare_cached(
            "SELECT id, blueprint, identifier, created_at, updated_at, version, body, derived, created_by, updated_by FROM entity WHERE id = ?1",
        )?;
        let mut out = Vec::with_capacity(ids.len());
        for id in ids {
            let mut rows = find.query([id])?;
            if let Some(row) = rows.next()? {
                out.push(entity_row(conn, blueprints, row)?);
            }
        }
        Ok(out)
    })
}

pub(super) fn entity(
    conn: &Connection,
    blueprints: &Blueprints,
    blueprint: &BlueprintId,
    identifier: &EntityId,
) -> Result<Option<EntityRow>> {
    let mut find = conn.prepare_cached(
        "SELECT id, blueprint, identifier, created_at, updated_at, version, body, derived, created_by, updated_by FROM entity \
         WHERE blueprint = (SELECT id FROM blueprint_name WHERE name = ?1) AND identifier = ?2",
    )?;
    let mut rows = find.query(params![blueprint.as_str(), identifier.as_str()])?;
    rows.next()?.map(|row| entity_row(conn, blueprints, row)).transpose()
}

pub(super) fn entities_named(
    conn: &Connection,
    blueprints: &Blueprints,
    names: &[(BlueprintId, EntityId)],
) -> Result<Vec<Option<EntityRow>>> {
    snapshot(conn, || {
        let one = |(blueprint, identifier): &(BlueprintId, EntityId)| entity(conn, blueprints, blueprint, identifier);
        names.iter().map(one).collect()
    })
}

pub(super) fn scan(conn: &Connection, blueprints: &Blueprints, after: i64, limit: usize) -> Result<Vec<EntityRow>> {
    let mut find = conn.prepare_cached(
        "SELECT id, blueprint, identifier, created_at, updated_at, version, body, derived, created_by, updated_by FROM entity \
         WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let mut rows = find.query(params![after, crate::sql::limit(limit)])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(entity_row(conn, blueprints, row)?);
    }
    Ok(out)
}

pub(super) fn item_states(conn: &Connection, partition: i64, keys: &[String]) -> Result<Vec<Option<ItemState>>> {
    snapshot(conn, || {
        let mut find = conn.prepare_cached("SELECT id, hash FROM item WHERE partition = ?1 AND key = ?2")?;
        keys.iter()
            .map(|key| {
                let mut rows = find.query(params![partition, key])?;
                let Some(row) = rows.next()? else { return Ok(None) };
                let hash = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
                Ok(Some(ItemState {
                    id: row.get(0)?,
                    hash: body::item_hash(key, hash)?,
                }))
            })
            .collect()
    })
}

pub(super) fn items_named(conn: &Connection, partition: i64, keys: &[String]) -> Result<Vec<Option<ItemRow>>> {
    snapshot(conn, || {
        let mut find = conn.prepare_cached(
            "SELECT i.key, i.hash, v.value, i.changed_at FROM item i JOIN item_value v ON v.id = i.id \
             WHERE i.partition = ?1 AND i.key = ?2",
        )?;
        keys.iter()
            .map(|key| {
                let mut rows = find.query(params![partition, key])?;
                let Some(row) = rows.next()? else { return Ok(None) };
                let blob = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_blob()?);
                body::item(row.get(0)?, blob(1)?, blob(2)?, row.get(3)?).map(Some)
            })
            .collect()
    })
}

pub(super) fn sources(conn: &Connection, entity: i64) -> Result<Vec<SourceRow>> {
    let mut find = conn.prepare_cached(
        "SELECT n.name, p.kind, p.name, v.key, i.changed_at, n.client FROM contribution c \
         JOIN item_value v ON v.id = c.item JOIN partition p ON p.id = v.partition \
         JOIN integration n ON n.id = c.integration JOIN item i ON i.partition = v.partition AND i.key = v.key \
         WHERE c.entity = ?1 ORDER BY c.integration, c.item",
    )?;
    let rows = find.query_map([entity], |row| {
        Ok(SourceRow {
            integration: row.get(0)?,
            kind: row.get(1)?,
            partition: row.get(2)?,
            key: row.get(3)?,
            changed_at: row.get(4)?,
            client: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The position of the last change of an entity that had this name and is gone.
pub(super) fn last_of_gone(conn: &Connection, blueprint: i64, identifier: &EntityId) -> Result<Option<i64>> {
    Ok(conn
        .prepare_cached("SELECT max(version) FROM entity_gone WHERE blueprint = ?1 AND identifier = ?2")?
        .query_row(params![blueprint, identifier.as_str()], |row| row.get(0))?)
}

fn change_row(row: &Row<'_>, blueprint: String, identifier: String) -> Result<ChangeRow> {
    let number: i64 = row.get(2)?;
    let diff: Option<String> = row.get(6)?;
    Ok(ChangeRow {
        position: row.get(0)?,
        entity: row.get(1)?,
        blueprint,
        identifier,
        kind: body::kind_of(number).ok_or_else(|| StoreError::Damaged {
            what: "change",
            detail: format!("there is no kind {number}"),
        })?,
        diff: diff.map_or(Ok(serde_json::Map::new()), |text| body::from_json("diff", &text))?,
        at: row.get(4)?,
        cause: row.get(5)?,
    })
}

pub(super) fn history(
    conn: &Connection,
    blueprint: &BlueprintId,
    identifier: &EntityId,
    before: i64,
    limit: usize,
) -> Result<Vec<ChangeRow>> {
    snapshot(conn, || {
        let id: Option<i64> = conn
            .prepare_cached("SELECT id FROM blueprint_name WHERE name = ?1")?
            .query_row([blueprint.as_str()], |row| row.get(0))
            .optional()?;
        let Some(id) = id else { return Ok(Vec::new()) };
        let living: Option<i64> = conn
            .prepare_cached("SELECT version FROM entity WHERE blueprint = ?1 AND identifier = ?2")?
            .query_row(params![id, identifier.as_str()], |row| row.get(0))
            .optional()?;
        let mut next = match living {
            Some(version) => Some(version),
            None => last_of_gone(conn, id, identifier)?,
        };
        let mut find = conn.prepare_cached(
            "SELECT position, entity, kind, previous, at, cause, diff FROM change WHERE position = ?1",
        )?;
        let mut out = Vec::new();
        while let Some(position) = next.take()
            && out.len() < limit
        {
            let mut rows = find.query([position])?;
            if let Some(row) = rows.next()? {
                next = Some(row.get(3)?).filter(|previous: &i64| (1..position).contains(previous));
                if position < before {
                    out.push(change_row(row, blueprint.to_string(), identifier.to_string())?);
                }
            }
        }
        Ok(out)
    })
}

pub(super) fn changes(conn: &Connection, after: i64, limit: usize) -> Result<Vec<ChangeRow>> {
    let mut find = conn.prepare_cached(
        "SELECT c.position, c.entity, c.kind, c.previous, c.at, c.cause, c.diff, b.name, \
                coalesce(e.identifier, g.identifier) \
         FROM change c LEFT JOIN entity e ON e.id = c.entity LEFT JOIN entity_gone g ON g.id = c.entity \
         JOIN blueprint_name b ON b.id = coalesce(e.blueprint, g.blueprint) \
         WHERE c.position > ?1 ORDER BY c.position LIMIT ?2",
    )?;
    let mut rows = find.query(params![after, crate::sql::limit(limit)])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(change_row(row, row.get(7)?, row.get(8)?)?);
    }
    Ok(out)
}

pub(super) fn position(conn: &Connection) -> Result<i64> {
    Ok(conn
        .prepare_cached("SELECT value FROM sequence WHERE name = 'change'")?
        .query_row([], |row| row.get(0))?)
}
