//! Deliveries as they come in: many in one transaction.

use super::{PgStore, ask, tx::BEGIN};
use crate::{
    NewDelivery, Result,
    body::to_json,
    sql::{commit, escape, limit},
};
use sqlx::Row;
use std::collections::{BTreeSet, HashSet};

/// Stores deliveries in their order. None for each that is there already. Whoever stores some holds their integrations, so that
/// ids of one integration become visible in their order and a courier that goes on from an id misses none.
pub(super) async fn put(store: &PgStore, deliveries: &[NewDelivery]) -> Result<Vec<Option<i64>>> {
    let mut tx = store.pool.begin_with(BEGIN).await?;
    let integrations = BTreeSet::from_iter(deliveries.iter().map(|new| new.integration));
    ask(
        "SELECT id FROM integration WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
        store.keep,
    )
    .bind(Vec::from_iter(integrations))
    .fetch_all(&mut *tx)
    .await?;
    let ids: Vec<i64> = ask(
        "SELECT nextval(pg_get_serial_sequence('delivery', 'id')) FROM generate_series(1, $1)",
        store.keep,
    )
    .bind(limit(deliveries.len()))
    .fetch_all(&mut *tx)
    .await?
    .iter()
    .map(|row| row.try_get(0))
    .collect::<Result<_, _>>()?;
    let headers = deliveries
        .iter()
        .map(|new| to_json("delivery", &new.headers))
        .collect::<Result<Vec<_>>>()?;
    let added = ask(
        "INSERT INTO delivery (id, integration, dedupe, state, headers, body, bytes, due, received_at) \
         SELECT n.id, n.integration, n.dedupe, 'waiting', n.headers, n.body, n.bytes, n.at, n.at \
         FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bytea[], $6::bigint[], $7::bigint[]) \
             AS n(id, integration, dedupe, headers, body, bytes, at) \
         ON CONFLICT DO NOTHING RETURNING id",
        store.keep,
    )
    .bind(&ids)
    .bind(deliveries.iter().map(|new| new.integration).collect::<Vec<_>>())
    .bind(
        deliveries
            .iter()
            .map(|new| new.dedupe.as_deref().map(|text| escape(text).into_owned()))
            .collect::<Vec<_>>(),
    )
    .bind(headers)
    .bind(deliveries.iter().map(|new| new.body.as_slice()).collect::<Vec<_>>())
    .bind(deliveries.iter().map(|new| limit(new.body.len())).collect::<Vec<_>>())
    .bind(deliveries.iter().map(|new| new.received_at).collect::<Vec<_>>())
    .fetch_all(&mut *tx)
    .await?
    .iter()
    .map(|row| row.try_get(0))
    .collect::<Result<HashSet<i64>, _>>()?;
    commit(tx).await?;
    Ok(ids.into_iter().map(|id| added.contains(&id).then_some(id)).collect())
}
