//! Integrations.

use super::{Conn, Row, get, json, query};
use crate::{IntegrationRow, Result, StoreError, body::to_json};
use seawall_domain::{IntegrationName, Millis, integration::Integration};

fn row(row: &Row) -> Result<IntegrationRow> {
    Ok(IntegrationRow {
        id: get(row, "id")?,
        integration: json("integration", row, "body")?,
        paused: get(row, "paused")?,
        stopped: get(row, "stopped")?,
        removing: get(row, "removing")?,
        created_at: get(row, "created_at")?,
        updated_at: get(row, "updated_at")?,
    })
}

pub(crate) async fn put(conn: &mut Conn<'_>, integration: &Integration, now: Millis) -> Result<IntegrationRow> {
    let stored = query(
        "INSERT INTO integration (name, body, created_at, updated_at) VALUES ($1, $2, $3, $3) \
         ON CONFLICT (name) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at \
         WHERE NOT integration.removing AND NOT integration.client \
         RETURNING id, body, paused, stopped, removing, created_at, updated_at",
    )
    .bind(integration.name.as_str())
    .bind(to_json("integration", integration)?)
    .bind(now)
    .fetch_optional(conn)
    .await?;
    match stored {
        Some(stored) => row(&stored),
        None => Err(StoreError::Removing(integration.name.to_string())),
    }
}

pub(crate) async fn set_paused(conn: &mut Conn<'_>, name: &IntegrationName, paused: bool) -> Result<bool> {
    let done = query("UPDATE integration SET paused = $2 WHERE name = $1")
        .bind(name.as_str())
        .bind(paused)
        .execute(conn);
    Ok(done.await? > 0)
}

pub(crate) async fn set_stopped(conn: &mut Conn<'_>, name: &IntegrationName, reason: Option<&str>) -> Result<bool> {
    let done = query("UPDATE integration SET stopped = $2 WHERE name = $1")
        .bind(name.as_str())
        .bind(reason)
        .execute(conn);
    Ok(done.await? > 0)
}

pub(crate) async fn all(conn: &mut Conn<'_>) -> Result<Vec<IntegrationRow>> {
    query(
        "SELECT id, body, paused, stopped, removing, created_at, updated_at FROM integration \
         WHERE NOT client ORDER BY name",
    )
    .fetch_all(conn)
    .await?
    .iter()
    .map(row)
    .collect()
}

pub(crate) async fn begin_removal(conn: &mut Conn<'_>, name: &IntegrationName) -> Result<bool> {
    let done = query("UPDATE integration SET removing = TRUE WHERE name = $1")
        .bind(name.as_str())
        .execute(conn);
    Ok(done.await? > 0)
}

/// Its partitions' references keep the row for as long as there are any.
pub(crate) async fn remove(conn: &mut Conn<'_>, integration: i64) -> Result<()> {
    super::deliveries::clear(conn, integration).await?;
    query("DELETE FROM integration WHERE id = $1 AND removing")
        .bind(integration)
        .execute(conn)
        .await?;
    Ok(())
}
