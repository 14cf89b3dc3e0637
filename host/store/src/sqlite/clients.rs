//! Sources of what clients say, and items as they are stored.

use super::body;
use crate::{ClientSourceRow, ContributionRow, ItemRow, Result, SourceRow, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};
use seawall_domain::Millis;

/// The kind of a client source's items.
const KIND: &str = "entity";

/// The partition of a source, made where there is none.
pub(super) fn partition(conn: &Connection, source: &str, now: Millis) -> Result<i64> {
    conn.prepare_cached(
        "INSERT INTO integration (name, body, client, created_at, updated_at) VALUES (?1, '{}', 1, ?2, ?2) \
         ON CONFLICT (name) DO NOTHING",
    )?
    .execute(params![source, now])?;
    let (integration, client): (i64, bool) = conn
        .prepare_cached("SELECT id, client FROM integration WHERE name = ?1")?
        .query_row([source], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if !client {
        return Err(StoreError::Missing(format!(
            "a source of clients `{source}` (there is an integration of that name; choose another)"
        )));
    }
    conn.prepare_cached(
        "INSERT INTO partition (integration, kind, name) VALUES (?1, ?2, '') \
         ON CONFLICT (integration, kind, name) DO NOTHING",
    )?
    .execute(params![integration, KIND])?;
    Ok(conn
        .prepare_cached("SELECT id FROM partition WHERE integration = ?1 AND kind = ?2")?
        .query_row(params![integration, KIND], |row| row.get(0))?)
}

/// All sources, by name.
pub(super) fn sources(conn: &Connection) -> Result<Vec<ClientSourceRow>> {
    let mut find = conn.prepare_cached(
        "SELECT n.name, p.id, p.items FROM integration n JOIN partition p ON p.integration = n.id \
         WHERE n.client = 1 ORDER BY n.name",
    )?;
    let rows = find.query_map([], |row| {
        Ok(ClientSourceRow {
            name: row.get(0)?,
            partition: row.get(1)?,
            items: row.get::<_, i64>(2)?.unsigned_abs(),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn item_row(row: &Row<'_>) -> Result<ItemRow> {
    let key: String = row.get(0)?;
    let damaged = |detail: String| StoreError::Damaged { what: "item", detail };
    let hash: Vec<u8> = row.get(1)?;
    let packed = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
    Ok(ItemRow {
        hash: hash
            .try_into()
            .map_err(|_| damaged(format!("the hash of `{key}` is not 16 bytes long")))?,
        value: body::decompress(packed).map_err(|e| damaged(format!("`{key}`: {e}")))?,
        key,
        changed_at: row.get(3)?,
    })
}

/// One item.
pub(super) fn item(conn: &Connection, partition: i64, key: &str) -> Result<Option<ItemRow>> {
    let mut find = conn.prepare_cached(
        "SELECT i.key, i.hash, v.value, i.changed_at FROM item i JOIN item_value v ON v.id = i.id \
         WHERE i.partition = ?1 AND i.key = ?2",
    )?;
    let mut rows = find.query(params![partition, key])?;
    rows.next()?.map(item_row).transpose()
}

/// Items of a partition by key, from the one behind `after`.
pub(super) fn items(conn: &Connection, partition: i64, after: &str, limit: usize) -> Result<Vec<ItemRow>> {
    let mut find = conn.prepare_cached(
        "SELECT i.key, i.hash, v.value, i.changed_at FROM item i JOIN item_value v ON v.id = i.id \
         WHERE i.partition = ?1 AND i.key > ?2 ORDER BY i.key LIMIT ?3",
    )?;
    let mut rows = find.query(params![partition, after, crate::sql::limit(limit)])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(item_row(row)?);
    }
    Ok(out)
}

/// What each item says of an entity, the weakest first where no precedence says otherwise.
pub(super) fn contributions(conn: &Connection, entity: i64) -> Result<Vec<ContributionRow>> {
    let found: Option<(String, String, String)> = conn
        .prepare_cached(
            "SELECT b.name, e.identifier, e.body FROM entity e JOIN blueprint_name b ON b.id = e.blueprint WHERE e.id = ?1",
        )?
        .query_row([entity], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((blueprint, identifier, whole)) = found else {
        return Ok(Vec::new());
    };
    let blueprint: seawall_domain::BlueprintId = body::identifier("blueprint", blueprint)?;
    let identifier: seawall_domain::EntityId = body::identifier("entity", identifier)?;
    let mut find = conn.prepare_cached(
        "SELECT n.name, p.kind, p.name, v.key, i.changed_at, n.client, c.body FROM contribution c \
         JOIN item_value v ON v.id = c.item JOIN partition p ON p.id = v.partition \
         JOIN integration n ON n.id = c.integration JOIN item i ON i.partition = v.partition AND i.key = v.key \
         WHERE c.entity = ?1 ORDER BY n.client, c.integration, c.item",
    )?;
    let mut rows = find.query([entity])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let own: Option<String> = row.get(6)?;
        out.push(ContributionRow {
            source: SourceRow {
                integration: row.get(0)?,
                kind: row.get(1)?,
                partition: row.get(2)?,
                key: row.get(3)?,
                changed_at: row.get(4)?,
                client: row.get(5)?,
            },
            says: body::decode(blueprint.clone(), identifier.clone(), own.as_deref().unwrap_or(&whole))?,
        });
    }
    Ok(out)
}
