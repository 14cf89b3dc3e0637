//! Passes, and what they left out or set aside.

use super::{Conn, Row, before, get, json, limit, of_text, query, signed, to_text};
use crate::{PassRow, RejectedRow, Result, StoreError, body::to_json};
use seawall_domain::{
    Millis,
    pass::{Counts, PassState},
};

/// An open pass goes on from its partition's cursor.
fn row(row: &Row) -> Result<PassRow> {
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
        closing: get(row, "closing")?,
        checkouts: get(row, "checkouts")?,
        expected: get::<Option<&str>, _>(row, "before")?
            .map(|text| crate::body::from_json::<Counts>("counts", text).map(|counts| counts.items))
            .transpose()?,
    })
}

/// A pass with its partition, and for a running one the counts of the last one that ended well.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT s.*, p.integration, p.kind, p.name, p.cursor, CASE WHEN s.state = 'running' THEN \
             (SELECT o.counts FROM pass o WHERE o.partition = s.partition AND o.id < s.id AND o.state = 'succeeded' \
             AND NOT o.closing ORDER BY o.id DESC LIMIT 1) END AS before \
             FROM pass s JOIN partition p ON p.id = s.partition ",
            $rest
        )
    };
}

/// The open pass of this sort, or a new one. An open one of the other sort is ended: what it listed says nothing any more.
pub(crate) async fn begin(
    conn: &mut Conn<'_>,
    partition: i64,
    fence: i64,
    closing: bool,
    now: Millis,
) -> Result<PassRow> {
    let mut tx = conn.begin().await?;
    // Changes nothing, and keeps a lease from being taken meanwhile.
    let found = query("UPDATE partition SET fence = fence WHERE id = $1 RETURNING fence")
        .bind(partition)
        .fetch_optional(&mut tx.conn())
        .await?
        .ok_or_else(|| StoreError::Missing(format!("partition {partition}")))?;
    if get::<i64, _>(&found, 0)? != fence {
        return Err(StoreError::Fenced { partition });
    }
    let newest = query("SELECT id, state, closing FROM pass WHERE partition = $1 ORDER BY id DESC LIMIT 1")
        .bind(partition)
        .fetch_optional(&mut tx.conn())
        .await?;
    let newest = match newest {
        Some(row) => Some((
            get::<i64, _>(&row, 0)?,
            of_text::<PassState>("pass", get(&row, 1)?)?,
            get::<bool, _>(&row, 2)?,
        )),
        None => None,
    };
    let id = match newest {
        Some((id, PassState::Running, its)) if its == closing => id,
        // It lists nothing, so that nothing is found out by beginning anew, and a person may be reading its id.
        Some((id, PassState::Held, true)) if closing => id,
        newest => {
            match newest {
                Some((held, PassState::Held, _)) => {
                    let error = "what it would have removed was dropped, since a newer pass has begun";
                    close(&mut tx.conn(), held, PassState::Failed, Some(error), now).await?;
                }
                Some((cut_off, PassState::Running, its)) => {
                    let error = if its {
                        "the tool lists the partition again"
                    } else {
                        "the tool no longer lists the partition"
                    };
                    close(&mut tx.conn(), cut_off, PassState::Cancelled, Some(error), now).await?;
                    query("UPDATE partition SET cursor = NULL WHERE id = $1")
                        .bind(partition)
                        .execute(&mut tx.conn())
                        .await?;
                }
                _ => {}
            }
            let made = query(
                "INSERT INTO pass (partition, state, counts, started_at, closing) VALUES ($1, $2, $3, $4, $5) \
                 RETURNING id",
            )
            .bind(partition)
            .bind(to_text("pass", &PassState::Running)?)
            .bind(to_json("counts", &Counts::default())?)
            .bind(now)
            .bind(closing)
            .fetch_one(&mut tx.conn())
            .await?;
            get(&made, 0)?
        }
    };
    let stored = query(select!("WHERE s.id = $1"))
        .bind(id)
        .fetch_one(&mut tx.conn())
        .await?;
    tx.commit().await?;
    row(&stored)
}

pub(crate) async fn end(
    conn: &mut Conn<'_>,
    pass: i64,
    state: PassState,
    error: Option<&str>,
    now: Millis,
) -> Result<()> {
    let mut tx = conn.begin().await?;
    close(&mut tx.conn(), pass, state, error, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Sets the state; the listing is kept only while a person may still decide on it.
pub(super) async fn close(
    conn: &mut Conn<'_>,
    pass: i64,
    state: PassState,
    error: Option<&str>,
    now: Millis,
) -> Result<()> {
    let closed = query("UPDATE pass SET state = $2, error = $3, ended_at = $4 WHERE id = $1")
        .bind(pass)
        .bind(to_text("pass", &state)?)
        .bind(error)
        .bind(now)
        .execute(conn)
        .await?;
    if closed == 0 {
        return Err(StoreError::Missing(format!("pass {pass}")));
    }
    if !matches!(state, PassState::Running | PassState::Held) {
        query("DELETE FROM pass_page WHERE pass = $1")
            .bind(pass)
            .execute(conn)
            .await?;
        query("DELETE FROM pass_deleted WHERE pass = $1")
            .bind(pass)
            .execute(conn)
            .await?;
    }
    Ok(())
}

pub(crate) async fn note(conn: &mut Conn<'_>, pass: i64, note: Option<&str>) -> Result<()> {
    query("UPDATE pass SET error = $2 WHERE id = $1")
        .bind(pass)
        .bind(note)
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn note_checkouts(conn: &mut Conn<'_>, pass: i64, checkouts: &str) -> Result<()> {
    query("UPDATE pass SET checkouts = $2 WHERE id = $1")
        .bind(pass)
        .bind(checkouts)
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn all(
    conn: &mut Conn<'_>,
    integration: Option<i64>,
    start: Option<i64>,
    most: usize,
) -> Result<Vec<PassRow>> {
    query(select!(
        "WHERE ($1 IS NULL OR p.integration = $1) AND s.id < $2 ORDER BY s.id DESC LIMIT $3"
    ))
    .bind(integration)
    .bind(before(start))
    .bind(limit(most))
    .fetch_all(conn)
    .await?
    .iter()
    .map(row)
    .collect()
}

/// The newest pass of each partition that is listed or still holds items, newest first.
pub(crate) async fn newest(conn: &mut Conn<'_>, integration: i64) -> Result<Vec<PassRow>> {
    query(select!(
        "WHERE p.integration = $1 AND s.id = (SELECT max(n.id) FROM pass n WHERE n.partition = p.id) \
         AND (NOT p.gone OR p.items > 0 OR s.state = 'running') ORDER BY s.id DESC"
    ))
    .bind(integration)
    .fetch_all(conn)
    .await?
    .iter()
    .map(row)
    .collect()
}

pub(crate) async fn last_ended(conn: &mut Conn<'_>, integration: i64) -> Result<Option<Millis>> {
    let row =
        query("SELECT max(s.ended_at) FROM pass s JOIN partition p ON p.id = s.partition WHERE p.integration = $1")
            .bind(integration)
            .fetch_one(conn)
            .await?;
    get(&row, 0)
}

/// The oldest first, so that a piece does not change what the next one finds. Ids are never used again, so that what pages of a list go on from stays right.
pub(crate) async fn trim(conn: &mut Conn<'_>, keep: u64, keep_failed: u64, most: usize) -> Result<u64> {
    let done = query(
        "DELETE FROM pass WHERE id IN (SELECT id FROM (\
         SELECT id, state, row_number() OVER (PARTITION BY partition ORDER BY id DESC) AS place \
         FROM pass WHERE state NOT IN ('running', 'held')) ended \
         WHERE place > $1 AND (state <> 'failed' OR place > $2) ORDER BY id LIMIT $3)",
    )
    .bind(signed(keep))
    .bind(signed(keep_failed))
    .bind(limit(most))
    .execute(conn)
    .await?;
    Ok(done)
}

pub(crate) async fn rejected(
    conn: &mut Conn<'_>,
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
