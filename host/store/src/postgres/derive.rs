//! What is written of entities without an item behind it: computed values, and merges under a changed precedence.

use super::{
    PgStore,
    changes::Changes,
    entities::stored,
    tx::{Tx, q},
};
use crate::{
    DeriveWrite, Duty, PageResult, Result,
    merge::{compute, merge_again},
    sql::{commit, limit},
};
use seawall_domain::{BlueprintId, Millis, entity::Derived};
use sqlx::Row;
use std::collections::{BTreeSet, HashMap};

/// Stores computed values. What is as it was leaves no change row.
pub(super) async fn derive(
    store: &PgStore,
    writes: &[DeriveWrite],
    cause: &str,
    duty: &Duty,
    now: Millis,
) -> Result<PageResult> {
    let new: HashMap<i64, &Derived> = writes.iter().map(|write| (write.entity, &write.derived)).collect();
    let mut tx = Tx::bare(store, cause, now).await?;
    tx.check_duty(Some(duty)).await?;
    let rows = q!(
        tx,
        "SELECT id, blueprint, identifier, body, created_at, version, derived, updated_at, created_by, updated_by \
         FROM entity WHERE id = ANY($1) \
         ORDER BY blueprint, identifier FOR UPDATE"
    )
    .bind(Vec::from_iter(new.keys().copied()))
    .fetch_all(&mut *tx.tx)
    .await?;
    let found = rows.iter().map(stored).collect::<Result<Vec<_>>>()?;
    let blueprints = found.iter().map(|((blueprint, _), _)| *blueprint);
    store.names.load(&mut tx.tx, blueprints, store.keep).await?;
    let mut changes = Changes::default();
    for ((blueprint, identifier), mut stored) in found {
        let Some(new) = new.get(&stored.id) else { continue };
        let Some(computed) = compute(&stored, store.names.name(blueprint)?, identifier, new)? else {
            continue;
        };
        stored.derived = computed.column;
        let place = changes.update(&stored, &computed.diff)?;
        tx.result.counts.updated += 1;
        changes.show(stored.row(computed.said, stored.version)?, place);
    }
    tx.write_entities(changes).await?;
    commit(tx.tx).await?;
    Ok(tx.result)
}

/// Merges anew the entities of a blueprint that have several sources, from the row id behind `after`. Gives the last of them; none
/// where there are no more.
pub(super) async fn again(
    store: &PgStore,
    (blueprint, after, most): (&BlueprintId, i64, usize),
    cause: &str,
    now: Millis,
) -> Result<(PageResult, Option<i64>)> {
    let blueprint = store.names.id(blueprint)?;
    let mut tx = Tx::bare(store, cause, now).await?;
    let ids: Vec<i64> = q!(
        tx,
        "SELECT e.id FROM entity e WHERE e.blueprint = $1 AND e.id > $2 \
         AND (SELECT count(*) FROM contribution c WHERE c.entity = e.id) > 1 ORDER BY e.id LIMIT $3"
    )
    .bind(blueprint)
    .bind(after)
    .bind(limit(most))
    .fetch_all(&mut *tx.tx)
    .await?
    .iter()
    .map(|row| row.try_get(0))
    .collect::<Result<_, _>>()?;
    let last = ids.last().copied();
    let rows = q!(
        tx,
        "SELECT id, blueprint, identifier, body, created_at, version, derived, updated_at, created_by, updated_by \
         FROM entity WHERE id = ANY($1) \
         ORDER BY blueprint, identifier FOR UPDATE"
    )
    .bind(ids)
    .fetch_all(&mut *tx.tx)
    .await?;
    let found = rows.iter().map(stored).collect::<Result<Vec<_>>>()?;
    let mut contributions = tx
        .contributions(found.iter().map(|(_, stored)| stored.id).collect())
        .await?;
    let speakers = contributions.values().flatten().map(|said| said.integration).collect();
    let mut ranks = tx.ranks(BTreeSet::from([blueprint]), speakers).await?;
    let mut changes = Changes::default();
    for ((_, identifier), stored) in found {
        let known = contributions.remove(&stored.id).unwrap_or_default();
        let outcome = merge_again(&stored, known, (blueprint, &identifier), &mut ranks)?;
        tx.become_of(stored, (blueprint, &identifier), outcome, &mut changes)?;
    }
    tx.write_entities(changes).await?;
    commit(tx.tx).await?;
    Ok((tx.result, last))
}
