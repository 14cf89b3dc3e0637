//! Partitions and their leases.

use super::{Conn, count, get};
use crate::{PartitionRow, Result, StoreError};
use seawall_domain::Millis;
use sqlx::{Connection, query, sqlite::SqliteRow};

fn row(row: &SqliteRow) -> Result<PartitionRow> {
    Ok(PartitionRow {
        id: get(row, "id")?,
        integration: get(row, "integration")?,
        kind: get(row, "kind")?,
        name: get(row, "name")?,
        cursor: get(row, "cursor")?,
        due: get(row, "due")?,
        items: count(row, "items")?,
    })
}

pub(crate) async fn put(conn: &mut Conn, integration: i64, kind: &str, names: &[String]) -> Result<Vec<PartitionRow>> {
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    query("SELECT 1 FROM integration WHERE id = $1")
        .bind(integration)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(|| StoreError::Missing(format!("integration {integration}")))?;
    query("UPDATE partition SET gone = 1 WHERE integration = $1 AND kind = $2 AND gone = 0")
        .bind(integration)
        .bind(kind)
        .execute(&mut *tx)
        .await?;
    let mut names: Vec<&String> = names.iter().collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        query(
            "INSERT INTO partition (integration, kind, name) VALUES ($1, $2, $3) \
             ON CONFLICT (integration, kind, name) DO UPDATE SET gone = 0",
        )
        .bind(integration)
        .bind(kind)
        .bind(name)
        .execute(&mut *tx)
        .await?;
    }
    let listed = query(
        "SELECT id, integration, kind, name, cursor, due, items FROM partition \
         WHERE integration = $1 AND kind = $2 AND gone = 0 ORDER BY name",
    )
    .bind(integration)
    .bind(kind)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    listed.iter().map(row).collect()
}

pub(crate) async fn all(conn: &mut Conn, integration: i64) -> Result<Vec<PartitionRow>> {
    query(
        "SELECT id, integration, kind, name, cursor, due, items FROM partition \
         WHERE integration = $1 AND gone = 0 ORDER BY kind, name",
    )
    .bind(integration)
    .fetch_all(conn)
    .await?
    .iter()
    .map(row)
    .collect()
}

/// One statement, so that two that ask at once cannot both get it.
pub(crate) async fn lease(
    conn: &mut Conn,
    partition: i64,
    owner: &str,
    now: Millis,
    until: Millis,
) -> Result<Option<i64>> {
    let taken = query(
        "UPDATE partition SET fence = fence + CASE WHEN owner = $2 THEN 0 ELSE 1 END, owner = $2, lease_until = $4 \
         WHERE id = $1 AND (owner IS NULL OR owner = $2 OR lease_until <= $3) RETURNING fence",
    )
    .bind(partition)
    .bind(owner)
    .bind(now)
    .bind(until)
    .fetch_optional(conn)
    .await?;
    taken.map(|row| get(&row, 0)).transpose()
}

pub(crate) async fn release(conn: &mut Conn, partition: i64, fence: i64, due: Millis) -> Result<()> {
    let done = query("UPDATE partition SET owner = NULL, lease_until = 0, due = $3 WHERE id = $1 AND fence = $2")
        .bind(partition)
        .bind(fence)
        .bind(due)
        .execute(conn)
        .await?;
    if done.rows_affected() == 0 {
        Err(StoreError::Fenced { partition })
    } else {
        Ok(())
    }
}

pub(crate) async fn forget_cursor(conn: &mut Conn, partition: i64) -> Result<()> {
    query("UPDATE partition SET cursor = NULL WHERE id = $1")
        .bind(partition)
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn make_due(conn: &mut Conn, integration: i64, now: Millis) -> Result<()> {
    query("UPDATE partition SET due = $2 WHERE integration = $1 AND due > $2")
        .bind(integration)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}
