//! Subscriptions, their letters, and the end of the change log that is cut off.

use super::{Conn, before, count, get, json, limit, of_text, signed, to_text};
use crate::{
    LetterRow, LetterState, Result, Settlement, StoreError, SubscriptionRow, SubscriptionWrite,
    sqlite::{identifier, to_json},
};
use seawall_domain::{Millis, SubscriptionName};
use sqlx::{Connection, query, sqlite::SqliteRow};

const WHAT: &str = "subscription";

/// Creates or replaces one; true where it is new. `sealed` is of its secrets; without it one that is there keeps its own.
pub(crate) async fn put(
    conn: &mut Conn,
    write: &SubscriptionWrite,
    sealed: Option<Vec<u8>>,
    now: Millis,
) -> Result<bool> {
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    let body = to_json(WHAT, &write.wanted)?;
    let known = query(
        "UPDATE subscription SET body = $2, paused = $3, updated_at = $4, \
         problem = CASE WHEN $3 AND paused THEN problem ELSE NULL END WHERE name = $1",
    )
    .bind(write.name.as_str())
    .bind(&body)
    .bind(write.paused)
    .bind(now)
    .execute(&mut *tx)
    .await?
    .rows_affected()
        > 0;
    match (known, sealed) {
        (true, None) => {}
        (true, Some(sealed)) => {
            query("UPDATE subscription SET sealed = $2 WHERE name = $1")
                .bind(write.name.as_str())
                .bind(sealed)
                .execute(&mut *tx)
                .await?;
        }
        (false, Some(sealed)) => {
            query(
                "INSERT INTO subscription (name, body, sealed, paused, position, created_at, updated_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $6)",
            )
            .bind(write.name.as_str())
            .bind(&body)
            .bind(sealed)
            .bind(write.paused)
            .bind(write.position)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        }
        (false, None) => {
            let why = format!("the subscription `{}` is new and has no secret to seal", write.name);
            return Err(StoreError::Seal(why));
        }
    }
    make_due(&mut tx, &write.name, now).await?;
    tx.commit().await?;
    Ok(!known)
}

pub(crate) async fn all(conn: &mut Conn) -> Result<Vec<SubscriptionRow>> {
    query(
        "SELECT id, name, body, paused, problem, position, sent, failed, lost, sent_at, created_at, updated_at, \
         (SELECT count(*) FROM letter WHERE subscription = subscription.id AND state = 'waiting') AS waiting, \
         (SELECT count(*) FROM letter WHERE subscription = subscription.id AND state = 'dead') AS dead \
         FROM subscription ORDER BY name",
    )
    .fetch_all(conn)
    .await?
    .iter()
    .map(|row| {
        Ok(SubscriptionRow {
            id: get(row, "id")?,
            name: identifier(WHAT, get(row, "name")?)?,
            wanted: json(WHAT, row, "body")?,
            paused: get(row, "paused")?,
            problem: get(row, "problem")?,
            position: get(row, "position")?,
            sent: count(row, "sent")?,
            failed: count(row, "failed")?,
            lost: count(row, "lost")?,
            sent_at: get(row, "sent_at")?,
            waiting: count(row, "waiting")?,
            dead: count(row, "dead")?,
            created_at: get(row, "created_at")?,
            updated_at: get(row, "updated_at")?,
        })
    })
    .collect()
}

pub(crate) async fn sealed(conn: &mut Conn, name: &SubscriptionName) -> Result<Option<Vec<u8>>> {
    let row = query("SELECT sealed FROM subscription WHERE name = $1")
        .bind(name.as_str())
        .fetch_optional(conn)
        .await?;
    row.map(|row| get(&row, 0)).transpose()
}

pub(crate) async fn reseal(conn: &mut Conn, name: &SubscriptionName, sealed: Vec<u8>, now: Millis) -> Result<bool> {
    let done = query("UPDATE subscription SET sealed = $2, updated_at = $3 WHERE name = $1")
        .bind(name.as_str())
        .bind(sealed)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Replaces every sealed value by what `f` makes of the name that it is sealed under and of it.
pub(crate) async fn replace_sealed(conn: &mut Conn, f: impl Fn(&str, &[u8]) -> Result<Vec<u8>>) -> Result<()> {
    let rows = query("SELECT name, sealed FROM subscription")
        .fetch_all(&mut *conn)
        .await?;
    for row in &rows {
        let name: &str = get(row, "name")?;
        query("UPDATE subscription SET sealed = $2 WHERE name = $1")
            .bind(name)
            .bind(f(&seal_name(name), get(row, "sealed")?)?)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// The name that a subscription's secrets are sealed under: no credential has such a one.
pub(crate) fn seal_name(subscription: &str) -> String {
    format!("subscription/{subscription}")
}

pub(crate) async fn set_paused(conn: &mut Conn, name: &SubscriptionName, paused: bool, now: Millis) -> Result<bool> {
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    let done = query("UPDATE subscription SET paused = $2, problem = NULL, updated_at = $3 WHERE name = $1")
        .bind(name.as_str())
        .bind(paused)
        .bind(now)
        .execute(&mut *tx)
        .await?;
    if !paused {
        make_due(&mut tx, name, now).await?;
    }
    tx.commit().await?;
    Ok(done.rows_affected() > 0)
}

/// Lets what waits be tried at once: a person has done something about it.
async fn make_due(conn: &mut Conn, name: &SubscriptionName, now: Millis) -> Result<()> {
    query(
        "UPDATE letter SET due = $2 WHERE state = 'waiting' AND due > $2 \
         AND subscription = (SELECT id FROM subscription WHERE name = $1)",
    )
    .bind(name.as_str())
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn set_problem(conn: &mut Conn, id: i64, problem: Option<&str>) -> Result<()> {
    query("UPDATE subscription SET problem = $2 WHERE id = $1")
        .bind(id)
        .bind(problem)
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn remove(conn: &mut Conn, name: &SubscriptionName) -> Result<bool> {
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    query("DELETE FROM letter WHERE subscription = (SELECT id FROM subscription WHERE name = $1)")
        .bind(name.as_str())
        .execute(&mut *tx)
        .await?;
    let done = query("DELETE FROM subscription WHERE name = $1")
        .bind(name.as_str())
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(done.rows_affected() > 0)
}

pub(crate) async fn lease(conn: &mut Conn, id: i64, owner: &str, now: Millis, length: Millis) -> Result<Option<i64>> {
    let taken = query(
        "UPDATE subscription SET fence = fence + CASE WHEN owner = $2 THEN 0 ELSE 1 END, owner = $2, lease_until = $3 + $4 \
         WHERE id = $1 AND (owner IS NULL OR owner = $2 OR lease_until <= $4) RETURNING fence",
    )
    .bind(id)
    .bind(owner)
    .bind(length)
    .bind(now)
    .fetch_optional(conn)
    .await?;
    taken.map(|row| get(&row, 0)).transpose()
}

pub(crate) async fn settle(conn: &mut Conn, id: i64, fence: i64, outcome: &Settlement, now: Millis) -> Result<bool> {
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    let held = query(
        "UPDATE subscription SET position = $3, sent = sent + $4, failed = failed + $5, lost = lost + $6, \
         sent_at = CASE WHEN $4 > 0 THEN $7 ELSE sent_at END WHERE id = $1 AND fence = $2",
    )
    .bind(id)
    .bind(fence)
    .bind(outcome.position)
    .bind(signed(outcome.sent))
    .bind(signed(outcome.failed))
    .bind(signed(outcome.lost))
    .bind(now)
    .execute(&mut *tx)
    .await?;
    if held.rows_affected() == 0 {
        return Ok(false);
    }
    if let Some(why) = &outcome.stop {
        query("UPDATE subscription SET paused = $2, problem = $3 WHERE id = $1")
            .bind(id)
            .bind(true)
            .bind(why)
            .execute(&mut *tx)
            .await?;
    }
    for letter in &outcome.taken {
        query("DELETE FROM letter WHERE id = $1 AND subscription = $2")
            .bind(letter)
            .bind(id)
            .execute(&mut *tx)
            .await?;
    }
    for letter in &outcome.tried {
        query(
            "UPDATE letter SET state = $3, attempts = $4, status = $5, error = $6, due = $7, tried_at = $8 \
             WHERE id = $1 AND subscription = $2",
        )
        .bind(letter.id)
        .bind(id)
        .bind(to_text("letter", &letter.state)?)
        .bind(i64::from(letter.attempts))
        .bind(letter.status.map(i64::from))
        .bind(&letter.error)
        .bind(letter.due)
        .bind(letter.tried_at)
        .execute(&mut *tx)
        .await?;
    }
    for letter in &outcome.new {
        query(
            "INSERT INTO letter (subscription, position, entity, state, payload, attempts, status, error, due, created_at, tried_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (subscription, position) DO NOTHING",
        )
        .bind(id)
        .bind(letter.position)
        .bind(&letter.entity)
        .bind(to_text("letter", &letter.state)?)
        .bind(&letter.payload)
        .bind(i64::from(letter.attempts))
        .bind(letter.status.map(i64::from))
        .bind(&letter.error)
        .bind(letter.due)
        .bind(letter.created_at)
        .bind(letter.tried_at)
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(true)
}

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

fn letter_row(row: &SqliteRow) -> Result<LetterRow> {
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

pub(crate) async fn waiting(conn: &mut Conn, id: i64, most: usize) -> Result<Vec<LetterRow>> {
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

pub(crate) async fn waiting_entities(conn: &mut Conn, id: i64) -> Result<Vec<String>> {
    query("SELECT DISTINCT entity FROM letter WHERE subscription = $1 AND state = 'waiting'")
        .bind(id)
        .fetch_all(conn)
        .await?
        .iter()
        .map(|row| get(row, 0))
        .collect()
}

pub(crate) async fn letters(
    conn: &mut Conn,
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

pub(crate) async fn letter(conn: &mut Conn, id: i64, letter: i64) -> Result<Option<LetterRow>> {
    query(letters!("payload", "subscription = $1 AND id = $2"))
        .bind(id)
        .bind(letter)
        .fetch_optional(conn)
        .await?
        .map(|row| letter_row(&row))
        .transpose()
}

pub(crate) async fn retry(conn: &mut Conn, id: i64, letter: i64, now: Millis) -> Result<bool> {
    let done = query(
        "UPDATE letter SET state = 'waiting', attempts = 0, due = $3 WHERE subscription = $1 AND id = $2 AND state = 'dead'",
    )
    .bind(id)
    .bind(letter)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub(crate) async fn drop_dead(conn: &mut Conn, id: i64, letter: i64) -> Result<bool> {
    let done = query("DELETE FROM letter WHERE subscription = $1 AND id = $2 AND state = 'dead'")
        .bind(id)
        .bind(letter)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// The position of the newest change that is no longer in the log; 0 where it is whole.
pub(crate) async fn log_start(conn: &mut Conn) -> Result<i64> {
    let row = query(
        "SELECT coalesce((SELECT min(position) - 1 FROM change), (SELECT value FROM sequence WHERE name = 'change'))",
    )
    .fetch_one(conn)
    .await?;
    get(&row, 0)
}

/// Takes at most `most` of the oldest changes that are older than `older` and not behind `upto`. Clocks go back at times, so
/// only what has no younger one before it goes: the log has no holes.
pub(crate) async fn trim(conn: &mut Conn, older: Millis, upto: i64, most: usize) -> Result<u64> {
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    let rows = query("SELECT position, at FROM change WHERE position <= $1 ORDER BY position LIMIT $2")
        .bind(upto)
        .bind(limit(most))
        .fetch_all(&mut *tx)
        .await?;
    let mut last: Option<i64> = None;
    for row in &rows {
        if get::<i64, _>(row, "at")? >= older {
            break;
        }
        last = Some(get(row, "position")?);
    }
    let Some(last) = last else { return Ok(0) };
    let gone = query("DELETE FROM change WHERE position <= $1")
        .bind(last)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(gone.rows_affected())
}
