//! Subscriptions.

use super::{Conn, count, get, json, query, signed, to_text};
use crate::{
    MasterKey, Result, Settlement, StoreError, SubscriptionRow, SubscriptionWrite,
    body::{from_json, identifier, to_json},
};
use seawall_domain::{Millis, SubscriptionName, subscription::Secrets};

const WHAT: &str = "subscription";

/// Creates or replaces one; true where it is new. `sealed` is of its secrets; without it one that is there keeps its own.
pub(crate) async fn put(
    conn: &mut Conn<'_>,
    write: &SubscriptionWrite,
    sealed: Option<Vec<u8>>,
    now: Millis,
) -> Result<bool> {
    let mut tx = conn.begin().await?;
    let body = to_json(WHAT, &write.wanted)?;
    let known = query(
        "UPDATE subscription SET body = $2, paused = $3, updated_at = $4, \
         problem = CASE WHEN $3 AND paused THEN problem ELSE NULL END WHERE name = $1",
    )
    .bind(write.name.as_str())
    .bind(&body)
    .bind(write.paused)
    .bind(now)
    .execute(&mut tx.conn())
    .await?
        > 0;
    match (known, sealed) {
        (true, None) => {}
        (true, Some(sealed)) => {
            query("UPDATE subscription SET sealed = $2 WHERE name = $1")
                .bind(write.name.as_str())
                .bind(sealed)
                .execute(&mut tx.conn())
                .await?;
        }
        (false, Some(sealed)) => {
            let made = query(
                "INSERT INTO subscription (name, body, sealed, paused, position, created_at, updated_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (name) DO NOTHING",
            )
            .bind(write.name.as_str())
            .bind(&body)
            .bind(sealed)
            .bind(write.paused)
            .bind(write.position)
            .bind(now)
            .execute(&mut tx.conn())
            .await?;
            if made == 0 {
                let why = format!("the subscription `{}` was made meanwhile", write.name);
                return Err(StoreError::InTheWay(why.into()));
            }
        }
        (false, None) => {
            let why = format!("the subscription `{}` is new and has no secret to seal", write.name);
            return Err(StoreError::Seal(why));
        }
    }
    make_due(&mut tx.conn(), &write.name, now).await?;
    tx.commit().await?;
    Ok(!known)
}

pub(crate) async fn all(conn: &mut Conn<'_>) -> Result<Vec<SubscriptionRow>> {
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

pub(crate) async fn sealed(conn: &mut Conn<'_>, name: &SubscriptionName) -> Result<Option<Vec<u8>>> {
    let row = query("SELECT sealed FROM subscription WHERE name = $1")
        .bind(name.as_str())
        .fetch_optional(conn)
        .await?;
    row.map(|row| get(&row, 0)).transpose()
}

pub(crate) async fn reseal(conn: &mut Conn<'_>, name: &SubscriptionName, sealed: Vec<u8>, now: Millis) -> Result<bool> {
    let done = query("UPDATE subscription SET sealed = $2, updated_at = $3 WHERE name = $1")
        .bind(name.as_str())
        .bind(sealed)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(done > 0)
}

/// Replaces every sealed value by what `f` makes of the name that it is sealed under and of it, in a transaction of the caller's.
pub(crate) async fn rewrap(conn: &mut Conn<'_>, f: impl Fn(&str, &[u8]) -> Result<Vec<u8>>) -> Result<()> {
    let rows = query("SELECT name, sealed FROM subscription ORDER BY name")
        .fetch_all(conn)
        .await?;
    for row in &rows {
        let name: &str = get(row, "name")?;
        let sealed = f(&seal_name(name), get(row, "sealed")?)?;
        query("UPDATE subscription SET sealed = $2 WHERE name = $1")
            .bind(name)
            .bind(sealed)
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Seals what is secret of one.
pub(crate) fn seal(key: &MasterKey, name: &SubscriptionName, secrets: &Secrets) -> Result<Vec<u8>> {
    key.seal(&seal_name(name.as_str()), &to_json(WHAT, secrets)?)
}

/// Unseals it.
pub(crate) fn unseal(key: &MasterKey, name: &SubscriptionName, sealed: &[u8]) -> Result<Secrets> {
    from_json(WHAT, &key.unseal(&seal_name(name.as_str()), sealed)?)
}

/// The name that a subscription's secrets are sealed under: no credential has such a one.
fn seal_name(subscription: &str) -> String {
    format!("subscription/{subscription}")
}

pub(crate) async fn set_paused(
    conn: &mut Conn<'_>,
    name: &SubscriptionName,
    paused: bool,
    now: Millis,
) -> Result<bool> {
    let mut tx = conn.begin().await?;
    let done = query("UPDATE subscription SET paused = $2, problem = NULL, updated_at = $3 WHERE name = $1")
        .bind(name.as_str())
        .bind(paused)
        .bind(now)
        .execute(&mut tx.conn())
        .await?;
    if !paused {
        make_due(&mut tx.conn(), name, now).await?;
    }
    tx.commit().await?;
    Ok(done > 0)
}

/// Lets what waits be tried at once: a person has done something about it.
async fn make_due(conn: &mut Conn<'_>, name: &SubscriptionName, now: Millis) -> Result<()> {
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

pub(crate) async fn set_problem(conn: &mut Conn<'_>, id: i64, problem: Option<&str>) -> Result<()> {
    query("UPDATE subscription SET problem = $2 WHERE id = $1")
        .bind(id)
        .bind(problem)
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn remove(conn: &mut Conn<'_>, name: &SubscriptionName) -> Result<bool> {
    let mut tx = conn.begin().await?;
    // Changes nothing, and keeps letters from being added meanwhile.
    let known = query("UPDATE subscription SET fence = fence WHERE name = $1 RETURNING id")
        .bind(name.as_str())
        .fetch_optional(&mut tx.conn())
        .await?;
    let Some(known) = known else { return Ok(false) };
    let id: i64 = get(&known, 0)?;
    query("DELETE FROM letter WHERE subscription = $1")
        .bind(id)
        .execute(&mut tx.conn())
        .await?;
    query("DELETE FROM subscription WHERE id = $1")
        .bind(id)
        .execute(&mut tx.conn())
        .await?;
    tx.commit().await?;
    Ok(true)
}

pub(crate) async fn settle(
    conn: &mut Conn<'_>,
    id: i64,
    fence: i64,
    outcome: &Settlement,
    now: Millis,
) -> Result<bool> {
    let mut tx = conn.begin().await?;
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
    .execute(&mut tx.conn())
    .await?;
    if held == 0 {
        return Ok(false);
    }
    if let Some(why) = &outcome.stop {
        query("UPDATE subscription SET paused = $2, problem = $3 WHERE id = $1")
            .bind(id)
            .bind(true)
            .bind(why)
            .execute(&mut tx.conn())
            .await?;
    }
    for letter in &outcome.taken {
        query("DELETE FROM letter WHERE id = $1 AND subscription = $2")
            .bind(*letter)
            .bind(id)
            .execute(&mut tx.conn())
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
        .execute(&mut tx.conn())
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
        .execute(&mut tx.conn())
        .await?;
    }
    tx.commit().await?;
    Ok(true)
}
