//! Taking a partition away with everything that came from it.

use super::{
    PgStore,
    tx::{Tx, q},
};
use crate::{Result, SweepResult};
use seawall_domain::Millis;
use sqlx::Row;

/// Removes at most `limit` items; the partition itself where none are left.
pub(super) async fn clear(
    store: &PgStore,
    partition: i64,
    fence: i64,
    limit: usize,
    cause: &str,
    now: Millis,
) -> Result<SweepResult> {
    let mut tx = Tx::begin(store, partition, cause, now).await?;
    tx.check_fence(fence)?;
    let items: Vec<i64> = q!(tx, "SELECT id FROM item WHERE partition = $1 ORDER BY key LIMIT $2")
        .bind(partition)
        .bind(crate::sql::limit(limit))
        .fetch_all(&mut *tx.tx)
        .await?
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()?;
    tx.remove(&items).await?;
    if items.is_empty() {
        for sql in [
            "DELETE FROM pass_page WHERE pass IN (SELECT id FROM pass WHERE partition = $1)",
            "DELETE FROM pass_deleted WHERE pass IN (SELECT id FROM pass WHERE partition = $1)",
            "DELETE FROM pass WHERE partition = $1",
            "DELETE FROM partition WHERE id = $1",
        ] {
            let delete = q!(tx, sql).bind(partition);
            tx.run(delete).await?;
        }
    }
    Ok(SweepResult {
        page: tx.finish(None, None, &[]).await?,
        removed_items: items.len() as u64,
    })
}
