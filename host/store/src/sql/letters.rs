//! Messages of subscriptions that were not taken at once.

use super::{Conn, Row, before, get, limit, of_text, query, to_text};
use crate::{LetterRow, LetterState, Result};
use seawall_domain::Millis;

/// A question about letters.
macro_rules! letters {
    ($payload:literal, $condition:literal) => {
        concat!(
            "SELECT id, position, entity, state, attempts, status, error, due, created_at, tried_at, ",
            $payload,
            " AS payload FROM letter WHERE ",
            $condition
        )
    };
}

fn letter_row(row: &Row) -> Result<LetterRow> {
    Ok(LetterRow {
        id: get(row, "id")?,
        position: get(row, "position")?,
        entity: get(row, "entity")?,
        state: of_text("letter", get(row, "state")?)?,
        payload: get(row, "payload")?,
        attempts: u32::try_from(get::<i64, _>(row, "attempts")?).unwrap_or(u32::MAX),
        status: get::<Option<i64>, _>(row, "status")?.and_then(|status| u16::try_from(status).ok()),
        error: get(row, "error")?,
        due: get(row, "due")?,
        created_at: get(row, "created_at")?,
        tried_at: get(row, "tried_at")?,
    })
}

pub(crate) async fn waiting(conn: &mut Conn<'_>, id: i64, most: usize) -> Result<Vec<LetterRow>> {
    query(letters!(
        "payload",
        "subscription = $1 AND state = 'waiting' AND NOT EXISTS (SELECT 1 FROM letter AS older \
         WHERE older.subscription = $1 AND older.state = 'waiting' AND older.entity = letter.entity \
         AND older.position < letter.position) ORDER BY due, position LIMIT $2"
    ))
    .bind(id)
    .bind(limit(most))
    .fetch_all(conn)
    .await?
    .iter()
    .map(letter_row)
    .collect()
}

pub(crate) async fn waiting_entities(conn: &mut Conn<'_>, id: i64) -> Result<Vec<String>> {
    query("SELECT DISTINCT entity FROM letter WHERE subscription = $1 AND state = 'waiting'")
        .bind(id)
        .fetch_all(conn)
        .await?
        .iter()
        .map(|row| get(row, 0))
        .collect()
}

pub(crate) async fn all(
    conn: &mut Conn<'_>,
    id: i64,
    state: Option<LetterState>,
    start: Option<i64>,
    most: usize,
) -> Result<Vec<LetterRow>> {
    let state = state.map(|state| to_text("letter", &state)).transpose()?;
    query(letters!(
        "''",
        "subscription = $1 AND ($2 IS NULL OR state = $2) AND id < $3 ORDER BY id DESC LIMIT $4"
    ))
    .bind(id)
    .bind(state)
    .bind(before(start))
    .bind(limit(most))
    .fetch_all(conn)
    .await?
    .iter()
    .map(letter_row)
    .collect()
}

pub(crate) async fn one(conn: &mut Conn<'_>, id: i64, letter: i64) -> Result<Option<LetterRow>> {
    query(letters!("payload", "subscription = $1 AND id = $2"))
        .bind(id)
        .bind(letter)
        .fetch_optional(conn)
        .await?
        .map(|row| letter_row(&row))
        .transpose()
}

pub(crate) async fn retry(conn: &mut Conn<'_>, id: i64, letter: i64, now: Millis) -> Result<bool> {
    let done = query(
        "UPDATE letter SET state = 'waiting', attempts = 0, due = $3 WHERE subscription = $1 AND id = $2 AND state = 'dead'",
    )
    .bind(id)
    .bind(letter)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(done > 0)
}

pub(crate) async fn drop_dead(conn: &mut Conn<'_>, id: i64, letter: i64) -> Result<bool> {
    let done = query("DELETE FROM letter WHERE subscription = $1 AND id = $2 AND state = 'dead'")
        .bind(id)
        .bind(letter)
        .execute(conn)
        .await?;
    Ok(done > 0)
}
