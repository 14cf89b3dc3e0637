//! Partitions and their leases.

use super::{Conn, Row, count, get, passes, query, to_text};
use crate::{PartitionRow, Result, StoreError, Vanished};
use seawall_domain::{Millis, pass::PassState};
use std::collections::BTreeSet;

fn row(row: &Row) -> Result<PartitionRow> {
    Ok(PartitionRow {
        id: get(row, "id")?,
        integration: get(row, "integration")?,
        kind: get(row, "kind")?,
        name: get(row, "name")?,
        cursor: get(row, "cursor")?,
        due: get(row, "due")?,
        items: count(row, "items")?,
        gone: get(row, "gone")?,
    })
}

pub(crate) async fn put(
    conn: &mut Conn<'_>,
    integration: i64,
    kind: &str,
    names: &[String],
    now: Millis,
) -> Result<Vec<PartitionRow>> {
    let mut tx = conn.begin().await?;
    // Changes nothing, and keeps others from doing the same at once.
    query("UPDATE integration SET updated_at = updated_at WHERE id = $1 RETURNING id")
        .bind(integration)
        .fetch_optional(&mut tx.conn())
        .await?
        .ok_or_else(|| StoreError::Missing(format!("integration {integration}")))?;
    let known = query("SELECT id, name, gone FROM partition WHERE integration = $1 AND kind = $2")
        .bind(integration)
        .bind(kind)
        .fetch_all(&mut tx.conn())
        .await?;
    let mut missing: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    for row in &known {
        let (id, was_gone): (i64, bool) = (get(row, "id")?, get(row, "gone")?);
        match (missing.remove(get::<String, _>(row, "name")?.as_str()), was_gone) {
            (true, true) => come_back(&mut tx.conn(), id, now).await?,
            (false, false) => vanish(&mut tx.conn(), id, now).await?,
            _ => {}
        }
    }
    for name in missing {
        query("INSERT INTO partition (integration, kind, name) VALUES ($1, $2, $3)")
            .bind(integration)
            .bind(kind)
            .bind(name)
            .execute(&mut tx.conn())
            .await?;
    }
    let listed = query(
        "SELECT id, integration, kind, name, cursor, due, items, gone FROM partition \
         WHERE integration = $1 AND kind = $2 AND NOT gone ORDER BY name",
    )
    .bind(integration)
    .bind(kind)
    .fetch_all(&mut tx.conn())
    .await?;
    tx.commit().await?;
    listed.iter().map(row).collect()
}

/// It is closed at once; should it come back, its cursor is of no use.
async fn vanish(conn: &mut Conn<'_>, partition: i64, now: Millis) -> Result<()> {
    query("UPDATE partition SET gone = TRUE, cursor = NULL, due = $2 WHERE id = $1")
        .bind(partition)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// What a closing pass of it would still have removed stays, and it is pulled at once.
async fn come_back(conn: &mut Conn<'_>, partition: i64, now: Millis) -> Result<()> {
    query("UPDATE partition SET gone = FALSE, cursor = NULL, due = $2 WHERE id = $1")
        .bind(partition)
        .bind(now)
        .execute(conn)
        .await?;
    let open = query("SELECT id FROM pass WHERE partition = $1 AND closing AND state IN ($2, $3)")
        .bind(partition)
        .bind(to_text("pass", &PassState::Running)?)
        .bind(to_text("pass", &PassState::Held)?)
        .fetch_all(conn)
        .await?;
    for row in &open {
        let why = "the tool lists the partition again";
        passes::close(conn, get(row, 0)?, PassState::Cancelled, Some(why), now).await?;
    }
    Ok(())
}

pub(crate) async fn all(conn: &mut Conn<'_>, integration: i64) -> Result<Vec<PartitionRow>> {
    query(
        "SELECT id, integration, kind, name, cursor, due, items, gone FROM partition p WHERE integration = $1 \
         AND (NOT gone OR items > 0 OR EXISTS (SELECT 1 FROM pass s WHERE s.partition = p.id AND s.state = $2)) \
         ORDER BY kind, name",
    )
    .bind(integration)
    .bind(to_text("pass", &PassState::Running)?)
    .fetch_all(conn)
    .await?
    .iter()
    .map(row)
    .collect()
}

pub(crate) async fn kinds(conn: &mut Conn<'_>, integration: i64) -> Result<Vec<String>> {
    query("SELECT DISTINCT kind FROM partition WHERE integration = $1 AND NOT gone ORDER BY kind")
        .bind(integration)
        .fetch_all(conn)
        .await?
        .iter()
        .map(|row| get(row, 0))
        .collect()
}

pub(crate) async fn vanished(conn: &mut Conn<'_>, integration: i64, kind: &str) -> Result<Vanished> {
    let row = query(
        "SELECT CAST(coalesce(sum(CASE WHEN gone THEN items END), 0) AS BIGINT) AS missing, \
         CAST(coalesce(sum(items), 0) AS BIGINT) AS known, \
         count(CASE WHEN gone AND items > 0 THEN 1 END) AS partitions \
         FROM partition WHERE integration = $1 AND kind = $2",
    )
    .bind(integration)
    .bind(kind)
    .fetch_one(conn)
    .await?;
    Ok(Vanished {
        missing: count(&row, "missing")?,
        known: count(&row, "known")?,
        partitions: count(&row, "partitions")?,
    })
}

/// Of all, those too that are gone and empty.
pub(crate) async fn first(conn: &mut Conn<'_>, integration: i64) -> Result<Option<i64>> {
    query("SELECT id FROM partition WHERE integration = $1 ORDER BY id LIMIT 1")
        .bind(integration)
        .fetch_optional(conn)
        .await?
        .map(|row| get(&row, 0))
        .transpose()
}

pub(crate) async fn release(conn: &mut Conn<'_>, partition: i64, fence: i64, seen: Millis, due: Millis) -> Result<()> {
    let done = query(
        "UPDATE partition SET owner = NULL, lease_until = 0, due = CASE WHEN due > $4 THEN due ELSE $3 END \
         WHERE id = $1 AND fence = $2",
    )
    .bind(partition)
    .bind(fence)
    .bind(due)
    .bind(seen)
    .execute(conn)
    .await?;
    if done == 0 {
        Err(StoreError::Fenced { partition })
    } else {
        Ok(())
    }
}

pub(crate) async fn forget_cursor(conn: &mut Conn<'_>, partition: i64, fence: i64) -> Result<()> {
    let done = query("UPDATE partition SET cursor = NULL WHERE id = $1 AND fence = $2")
        .bind(partition)
        .bind(fence)
        .execute(conn)
        .await?;
    match done {
        0 => Err(StoreError::Fenced { partition }),
        _ => Ok(()),
    }
}

pub(crate) async fn due(conn: &mut Conn<'_>, partition: i64) -> Result<Option<Millis>> {
    query("SELECT due FROM partition WHERE id = $1")
        .bind(partition)
        .fetch_optional(conn)
        .await?
        .map(|row| get(&row, 0))
        .transpose()
}

/// Those too that are worked on: their next passes begin at once.
pub(crate) async fn make_due(conn: &mut Conn<'_>, integration: i64, now: Millis) -> Result<()> {
    query("UPDATE partition SET due = $2 WHERE integration = $1 AND (due > $2 OR owner IS NOT NULL)")
        .bind(integration)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}
