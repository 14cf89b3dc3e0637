//! What is written of entities without an item behind it: computed values, and merges under a changed precedence.

use super::{entities::stored, names::Memory, tx::Tx};
use crate::{DeriveWrite, PageResult, Result, body, merge::compute};
use rusqlite::{Connection, OptionalExtension, params};
use seawall_domain::{BlueprintId, Millis};

/// Stores computed values, inside a transaction of the caller's. What is as it was leaves no change row.
pub(super) fn derive(
    conn: &Connection,
    memory: &mut Memory,
    mut writes: Vec<DeriveWrite>,
    cause: String,
    now: Millis,
) -> Result<PageResult> {
    writes.sort_by_key(|write| write.entity);
    let mut tx = Tx::bare(conn, &mut memory.names, cause, now)?;
    for write in writes {
        tx.derive(write)?;
    }
    tx.finish(None)
}

/// Merges anew the entities of a blueprint that have several sources, from the row id behind `after`. Gives the last of
/// them; none where there are no more.
pub(super) fn merge_again(
    conn: &Connection,
    memory: &mut Memory,
    (blueprint, after, limit): (&BlueprintId, i64, usize),
    cause: String,
    now: Millis,
) -> Result<(PageResult, Option<i64>)> {
    let mut tx = Tx::bare(conn, &mut memory.names, cause, now)?;
    let id = tx.names.blueprint(conn, blueprint)?;
    let found: Vec<(i64, String)> = conn
        .prepare_cached(
            "SELECT e.id, e.identifier FROM entity e WHERE e.blueprint = ?1 AND e.id > ?2 \
             AND (SELECT count(*) FROM contribution c WHERE c.entity = e.id) > 1 ORDER BY e.id LIMIT ?3",
        )?
        .query_map(params![id, after, crate::sql::limit(limit)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let last = found.last().map(|(id, _)| *id);
    for (_, identifier) in found {
        tx.merge_again(id, &body::identifier("entity", identifier)?)?;
    }
    Ok((tx.finish(None)?, last))
}

impl Tx<'_> {
    fn derive(&mut self, write: DeriveWrite) -> Result<()> {
        let found = self
            .conn
            .prepare_cached(
                "SELECT id, body, created_at, version, derived, updated_at, created_by, updated_by, blueprint, identifier \
                 FROM entity WHERE id = ?1",
            )?
            .query_row([write.entity], |row| {
                Ok((stored(row)?, row.get::<_, i64>(8)?, row.get::<_, String>(9)?))
            })
            .optional()?;
        let Some((mut stored, blueprint, identifier)) = found else {
            return Ok(());
        };
        let blueprint = self.names.name(self.conn, blueprint)?;
        let identifier = body::identifier("entity", identifier)?;
        let Some(computed) = compute(&stored, blueprint, identifier, &write.derived)? else {
            return Ok(());
        };
        let version = self.log_seen(&stored, &computed.diff)?;
        stored.derived = computed.column;
        self.conn
            .prepare_cached("UPDATE entity SET version = ?2, derived = ?3 WHERE id = ?1")?
            .execute(params![stored.id, version, stored.derived])?;
        self.result.counts.updated += 1;
        self.result.upserted.push(stored.row(computed.said, version)?);
        Ok(())
    }
}
