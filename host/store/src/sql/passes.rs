//! Passes, and what they left out or set aside.

use super::{Conn, before, get, json, limit, of_text, to_text};
use crate::{PassRow, RejectedRow, Result, StoreError, sqlite::to_json};
use seawall_domain::{
    Millis,
    pass::{Counts, PassState},
};
use sqlx::{Connection, query, sqlite::SqliteRow};

/// An open pass goes on from its partition's cursor.
fn row(row: &SqliteRow) -> Result<PassRow> {
    let state: PassState = of_text("pass", get(row, "state")?)?;
    Ok(PassRow {
        id: get(row, "id")?,
        partition: get(row, "partition")?,
        integration: get(row, "integration")?,
        kind: get(row, "kind")?,
        partition_name: get(row, "name")?,
        cursor: if state == PassState::Running {
            get(row, "cursor")?
        } else {
            None
        },
        state,
        counts: json("counts", row, "counts")?,
        error: get(row, "error")?,
        started_at: get(row, "started_at")?,
        ended_at: get(row, "ended_at")?,
    })
}

pub(crate) async fn begin(conn: &mut Conn, partition: i64, fence: i64, now: Millis) -> Result<PassRow> {
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    let found = query("SELECT fence FROM partition WHERE id = $1")
        .bind(partition)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(|| StoreError::Missing(format!("partition {partition}")))?;
    if get::<i64, _>(&found, 0)? != fence {
        return Err(StoreError::Fenced { partition });
    }
    let newest = query("SELECT id, state FROM pass WHERE partition = $1 ORDER BY id DESC LIMIT 1")
        .bind(partition)
        .fetch_optional(&mut *tx)
        .await?;
    let newest = match newest {
        Some(row) => Some((get::<i64, _>(&row, 0)?, of_text::<PassState>("pass", get(&row, 1)?)?)),
        None => None,
    };
    let id = match newest {
        Some((id, PassState::Running)) => id,
        newest => {
            if let Some((held, PassState::Held)) = newest {
                let error = "what it would have removed was dropped, since a newer pass has begun";
                close(&mut tx, held, PassState::Failed, Some(error), now).await?;
            }
            let made =
                query("INSERT INTO pass (partition, state, counts, started_at) VALUES ($1, $2, $3, $4) RETURNING id")
                    .bind(partition)
                    .bind(to_text("pass", &PassState::Running)?)
                    .bind(to_json("counts", &Counts::default())?)
                    .bind(now)
                    .fetch_one(&mut *tx)
                    .await?;
            get(&made, 0)?
        }
    };
    let stored = query(
        "SELECT s.*, p.integration, p.kind, p.name, p.cursor FROM pass s JOIN partition p ON p.id = s.partition \
         WHERE s.id = $1",
    )
    .bind(id)
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    row(&stored)
}

pub(crate) async fn end(conn: &mut Conn, pass: i64, state: PassState, error: Option<&str>, now: Millis) -> Result<()> {
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    close(&mut tx, pass, state, error, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Sets the state; the listing is kept only while a person may still decide on it.
async fn close(conn: &mut Conn, pass: i64, state: PassState, error: Option<&str>, now: Millis) -> Result<()> {
    let done = query("UPDATE pass SET state = $2, error = $3, ended_at = $4 WHERE id = $1")
        .bind(pass)
        .bind(to_text("pass", &state)?)
        .bind(error)
        .bind(now)
        .execute(&mut *conn)
        .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Missing(format!("pass {pass}")));
    }
    if !matches!(state, PassState::Running | PassState::Held) {
        query("DELETE FROM pass_page WHERE pass = $1")
            .bind(pass)
            .execute(&mut *conn)
            .await?;
        query("DELETE FROM pass_deleted WHERE pass = $1")
            .bind(pass)
            .execute(conn)
            .await?;
    }
    Ok(())
}

pub(crate) async fn note(conn: &mut Conn, pass: i64, note: Option<&str>) -> Result<()> {
    query("UPDATE pass SET error = $2 WHERE id = $1")
        .bind(pass)
        .bind(note)
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn all(
    conn: &mut Conn,
    integration: Option<i64>,
    start: Option<i64>,
    most: usize,
) -> Result<Vec<PassRow>> {
    query(
        "SELECT s.*, p.integration, p.kind, p.name, p.cursor FROM pass s JOIN partition p ON p.id = s.partition \
         WHERE ($1 IS NULL OR p.integration = $1) AND s.id < $2 ORDER BY s.id DESC LIMIT $3",
    )
    .bind(integration)
    .bind(before(start))
    .bind(limit(most))
    .fetch_all(conn)
    .await?
    .iter()
    .map(row)
    .collect()
}

pub(crate) async fn rejected(
    conn: &mut Conn,
    integration: Option<i64>,
    start: Option<i64>,
    most: usize,
) -> Result<Vec<RejectedRow>> {
    query(
        "SELECT r.id, r.body, r.at, p.name AS partition, n.name AS integration FROM rejected r \
         JOIN partition p ON p.id = r.partition JOIN integration n ON n.id = p.integration \
         WHERE ($1 IS NULL OR p.integration = $1) AND r.id < $2 ORDER BY r.id DESC LIMIT $3",
    )
    .bind(integration)
    .bind(before(start))
    .bind(limit(most))
    .fetch_all(conn)
    .await?
    .iter()
    .map(|row| {
        Ok(RejectedRow {
            id: get(row, "id")?,
            integration: get(row, "integration")?,
            partition: get(row, "partition")?,
            report: json("report", row, "body")?,
            at: get(row, "at")?,
        })
    })
    .collect()
}
