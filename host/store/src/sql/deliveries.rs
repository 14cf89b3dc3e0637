//! Deliveries of webhooks.

use super::{Conn, Row, before, count, get, limit, of_text, query, to_text};
use crate::{DeliveryFilter, DeliveryOutcome, DeliveryRow, DeliveryState, Result};
use seawall_domain::Millis;

/// A question about deliveries, each with its integration's name.
macro_rules! select {
    ($columns:literal, $condition:literal) => {
        concat!(
            "SELECT delivery.id, integration.name AS integration, dedupe, state, delivery.headers, bytes, attempts, error, due, \
             received_at, ended_at",
            $columns,
            " FROM delivery JOIN integration ON integration.id = delivery.integration WHERE ",
            $condition
        )
    };
}

fn row(row: &Row, body: Vec<u8>) -> Result<DeliveryRow> {
    let headers: Option<&str> = get(row, "headers")?;
    let headers = headers
        .map(|text| crate::body::from_json("delivery", text))
        .transpose()?;
    Ok(DeliveryRow {
        id: get(row, "id")?,
        integration: get(row, "integration")?,
        dedupe: get(row, "dedupe")?,
        state: of_text("delivery", get(row, "state")?)?,
        headers: headers.unwrap_or_default(),
        body,
        bytes: count(row, "bytes")?,
        attempts: u32::try_from(get::<i64, _>(row, "attempts")?).unwrap_or(u32::MAX),
        error: get(row, "error")?,
        due: get(row, "due")?,
        received_at: get(row, "received_at")?,
        ended_at: get(row, "ended_at")?,
    })
}

pub(crate) async fn waiting(
    conn: &mut Conn<'_>,
    integration: i64,
    after: i64,
    most: usize,
) -> Result<Vec<DeliveryRow>> {
    query(select!(
        ", delivery.body",
        "delivery.integration = $1 AND state = 'waiting' AND delivery.id > $2 ORDER BY delivery.id LIMIT $3"
    ))
    .bind(integration)
    .bind(after)
    .bind(limit(most))
    .fetch_all(conn)
    .await?
    .iter()
    .map(|found| row(found, get::<Option<Vec<u8>>, _>(found, "body")?.unwrap_or_default()))
    .collect()
}

pub(crate) async fn list(
    conn: &mut Conn<'_>,
    filter: &DeliveryFilter,
    start: Option<i64>,
    most: usize,
) -> Result<Vec<DeliveryRow>> {
    let state = filter.state.map(|state| to_text("delivery", &state)).transpose()?;
    query(select!(
        "",
        "($1 IS NULL OR integration.name = $1) AND ($2 IS NULL OR state = $2) AND delivery.id < $3 \
         ORDER BY delivery.id DESC LIMIT $4"
    ))
    .bind(&filter.integration)
    .bind(state)
    .bind(before(start))
    .bind(limit(most))
    .fetch_all(conn)
    .await?
    .iter()
    .map(|found| row(found, Vec::new()))
    .collect()
}

pub(crate) async fn one(conn: &mut Conn<'_>, id: i64) -> Result<Option<DeliveryRow>> {
    query(select!(", delivery.body", "delivery.id = $1"))
        .bind(id)
        .fetch_optional(conn)
        .await?
        .map(|found| row(&found, get::<Option<Vec<u8>>, _>(&found, "body")?.unwrap_or_default()))
        .transpose()
}

pub(crate) async fn update(conn: &mut Conn<'_>, outcomes: &[DeliveryOutcome], now: Millis) -> Result<()> {
    let mut tx = conn.begin().await?;
    // In one order, which all writers share.
    let mut outcomes: Vec<_> = outcomes.iter().collect();
    outcomes.sort_by_key(|outcome| outcome.id);
    for outcome in outcomes {
        let over = matches!(outcome.state, DeliveryState::Done | DeliveryState::Dropped);
        let ended = (outcome.state != DeliveryState::Waiting).then_some(now);
        query(
            "UPDATE delivery SET state = $2, attempts = $3, error = $4, due = $5, ended_at = $6, \
             headers = CASE WHEN $7 THEN NULL ELSE headers END, body = CASE WHEN $7 THEN NULL ELSE body END WHERE id = $1",
        )
        .bind(outcome.id)
        .bind(to_text("delivery", &outcome.state)?)
        .bind(i64::from(outcome.attempts))
        .bind(&outcome.error)
        .bind(outcome.due)
        .bind(ended)
        .bind(over)
        .execute(&mut tx.conn())
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Forgets those that ended before `older`; dead ones stay until somebody decides.
pub(crate) async fn trim(conn: &mut Conn<'_>, older: Millis) -> Result<u64> {
    let gone = query("DELETE FROM delivery WHERE state IN ('done', 'dropped') AND ended_at < $1")
        .bind(older)
        .execute(conn)
        .await?;
    Ok(gone)
}

pub(crate) async fn clear(conn: &mut Conn<'_>, integration: i64) -> Result<()> {
    query("DELETE FROM delivery WHERE integration = $1")
        .bind(integration)
        .execute(conn)
        .await?;
    Ok(())
}
