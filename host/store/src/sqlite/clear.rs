//! Taking a partition away with everything that came from it.

use super::{names::Memory, tx::Tx};
use crate::{Result, SweepResult};
use rusqlite::{Connection, params};
use seawall_domain::Millis;

/// Removes at most `limit` items, inside a transaction of the caller's; the partition itself where none are left.
pub(super) fn clear(
    conn: &Connection,
    memory: &mut Memory,
    partition: i64,
    fence: i64,
    limit: usize,
    cause: String,
    now: Millis,
) -> Result<SweepResult> {
    memory.sweep = None;
    let mut tx = Tx::begin(conn, &mut memory.names, partition, cause, now)?;
    tx.check_fence(fence)?;
    let items = first(conn, partition, limit)?;
    for (id, key) in &items {
        tx.remove(*id, key)?;
    }
    let page = tx.finish(None)?;
    if items.is_empty() {
        drop_partition(conn, partition)?;
    }
    Ok(SweepResult {
        page,
        removed_items: items.len() as u64,
    })
}

fn first(conn: &Connection, partition: i64, limit: usize) -> Result<Vec<(i64, String)>> {
    let mut find = conn.prepare_cached("SELECT id, key FROM item WHERE partition = ?1 ORDER BY key LIMIT ?2")?;
    let rows = find.query_map(params![partition, crate::sql::limit(limit)], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn drop_partition(conn: &Connection, partition: i64) -> Result<()> {
    for sql in [
        "DELETE FROM pass_page WHERE pass IN (SELECT id FROM pass WHERE partition = ?1)",
        "DELETE FROM pass_deleted WHERE pass IN (SELECT id FROM pass WHERE partition = ?1)",
        "DELETE FROM pass WHERE partition = ?1",
        "DELETE FROM partition WHERE id = ?1",
    ] {
        conn.prepare_cached(sql)?.execute([partition])?;
    }
    Ok(())
}
