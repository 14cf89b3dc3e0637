//! What a pass did not list.

use super::{
    names::Memory,
    tx::{self, Tx},
};
use crate::{
    Missing, Result, SweepResult,
    body::as_u64,
    page::{PassHead, no_listing},
};
use roaring::RoaringTreemap;
use rusqlite::{Connection, params};
use seawall_domain::{Millis, cause::Cause};

/// How far the sweep of a pass has come, so that the next piece does not begin again. Only a shortcut: without it a
/// piece reads the listing once more.
pub(super) struct Progress {
    pass: i64,
    listed: RoaringTreemap,
    /// Items up to this key are done.
    after: String,
}

/// The pass, where it may still remove anything: it is open, and no newer one has begun to list.
fn sweepable(conn: &Connection, pass: i64) -> Result<PassHead> {
    let head = tx::head(conn, pass)?;
    if tx::open_pass(conn, head.partition)? == Some(pass) {
        Ok(head)
    } else {
        Err(no_listing(pass))
    }
}

/// Counts the items that `pass` has not listed.
pub(super) fn missing(conn: &Connection, pass: i64) -> Result<Missing> {
    let _snapshot = conn.unchecked_transaction()?;
    let head = sweepable(conn, pass)?;
    let listed = tx::listed(conn, pass)?;
    let mut items = conn.prepare_cached("SELECT id, live_pass FROM item WHERE partition = ?1")?;
    let mut rows = items.query([head.partition])?;
    let mut out = Missing { missing: 0, known: 0 };
    while let Some(row) = rows.next()? {
        out.known += 1;
        if row.get::<_, Option<i64>>(1)? != Some(pass) && !listed.contains(as_u64(row.get(0)?)) {
            out.missing += 1;
        }
    }
    Ok(out)
}

/// Removes at most `limit` items that `pass` has not listed, inside a transaction of the caller's.
pub(super) fn sweep(
    conn: &Connection,
    memory: &mut Memory,
    pass: i64,
    fence: i64,
    limit: usize,
    now: Millis,
) -> Result<SweepResult> {
    let head = sweepable(conn, pass)?;
    let progress = memory.sweep.take().filter(|p| p.pass == pass);
    let of = "SELECT n.name FROM partition p JOIN integration n ON n.id = p.integration WHERE p.id = ?1";
    let integration: String = conn.query_row(of, [head.partition], |row| row.get(0))?;
    let cause = Cause::new(&format!("pass:{pass}")).of(&integration).to_string();
    let mut tx = Tx::begin(conn, &mut memory.names, head.partition, cause, now)?;
    tx.check_fence(fence)?;
    let (listed, after) = match progress {
        Some(progress) => (progress.listed, Some(progress.after)),
        None => (tx::listed(conn, pass)?, None),
    };
    let gone = unlisted(conn, head.partition, pass, &listed, after.as_deref(), limit)?;
    for (id, key) in &gone {
        tx.remove(*id, key)?;
    }
    let result = SweepResult {
        page: tx.finish(Some(pass))?,
        removed_items: gone.len() as u64,
    };
    memory.sweep = gone
        .into_iter()
        .last()
        .map(|(_, after)| Progress { pass, listed, after });
    Ok(result)
}

/// The first items after a key that are neither listed nor came outside the pass, by key.
fn unlisted(
    conn: &Connection,
    partition: i64,
    pass: i64,
    listed: &RoaringTreemap,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(i64, String)>> {
    let sql = match after {
        Some(_) => "SELECT id, live_pass, key FROM item WHERE partition = ?1 AND key > ?2 ORDER BY key",
        None => "SELECT id, live_pass, key FROM item WHERE partition = ?1 AND key >= ?2 ORDER BY key",
    };
    let mut items = conn.prepare_cached(sql)?;
    let mut rows = items.query(params![partition, after.unwrap_or_default()])?;
    let mut out = Vec::new();
    while out.len() < limit
        && let Some(row) = rows.next()?
    {
        let id: i64 = row.get(0)?;
        if row.get::<_, Option<i64>>(1)? != Some(pass) && !listed.contains(as_u64(id)) {
            out.push((id, row.get(2)?));
        }
    }
    Ok(out)
}
