//! What a pass did not list.

use super::{
    PgStore, ask,
    tx::{self, Tx, q},
};
use crate::{
    Missing, Result, StoreError, SweepResult,
    body::as_u64,
    page::no_listing,
    sql::{escape, unescape},
};
use futures::TryStreamExt;
use roaring::RoaringTreemap;
use seawall_domain::{Millis, cause::Cause};
use sqlx::Row;
use std::sync::PoisonError;

/// How far the sweep of a pass has come, so that the next piece does not begin again. Only a shortcut: without it a piece reads
/// the listing once more. Other processes list too, so it counts only while the listing's last page is the one that it saw.
pub(super) struct Progress {
    pass: i64,
    last_page: Option<i64>,
    listed: RoaringTreemap,
    /// Items up to this key are done.
    after: String,
}

/// Counts the items that `pass` has not listed, all in one snapshot.
pub(super) async fn missing(store: &PgStore, pass: i64) -> Result<Missing> {
    let keep = store.keep;
    let mut tx = store
        .pool
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    let asked = ask("SELECT partition, state, counts FROM pass WHERE id = $1", keep);
    let partition = tx::head(&mut tx, asked, pass).await?.partition;
    if tx::open_pass(&mut tx, partition, keep).await? != Some(pass) {
        return Err(no_listing(pass));
    }
    let (listed, _) = tx::listed(&mut tx, pass, keep).await?;
    let mut items = ask("SELECT id, live_pass FROM item WHERE partition = $1", keep)
        .bind(partition)
        .fetch(&mut *tx);
    let mut out = Missing { missing: 0, known: 0 };
    while let Some(row) = items.try_next().await? {
        out.known += 1;
        if row.try_get::<Option<i64>, _>(1)? != Some(pass) && !listed.contains(as_u64(row.try_get(0)?)) {
            out.missing += 1;
        }
    }
    Ok(out)
}

/// Removes at most `limit` items that `pass` has not listed.
pub(super) async fn sweep(store: &PgStore, pass: i64, fence: i64, limit: usize, now: Millis) -> Result<SweepResult> {
    let (partition, integration) = place_of(store, pass).await?;
    let cause = Cause::new(&format!("pass:{pass}")).of(&integration).to_string();
    let mut tx = Tx::begin(store, partition, &cause, now).await?;
    tx.head(pass).await?;
    if tx.open_pass().await? != Some(pass) {
        return Err(no_listing(pass));
    }
    tx.check_fence(fence)?;
    let last_page: Option<i64> = q!(tx, "SELECT max(id) FROM pass_page WHERE pass = $1")
        .bind(pass)
        .fetch_one(&mut *tx.tx)
        .await?
        .try_get(0)?;
    let progress = store.swept.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (listed, after) = match progress.filter(|p| p.pass == pass && p.last_page == last_page) {
        Some(progress) => (progress.listed, Some(progress.after)),
        None => (tx::listed(&mut tx.tx, pass, store.keep).await?.0, None),
    };
    let gone = tx.unlisted(pass, &listed, after, limit).await?;
    tx.remove(&gone.iter().map(|(id, _)| *id).collect::<Vec<_>>()).await?;
    let result = SweepResult {
        page: tx.finish(Some(pass), None, &[]).await?,
        removed_items: gone.len() as u64,
    };
    *store.swept.lock().unwrap_or_else(PoisonError::into_inner) = gone.into_iter().last().map(|(_, after)| Progress {
        pass,
        last_page,
        listed,
        after,
    });
    Ok(result)
}

async fn place_of(store: &PgStore, pass: i64) -> Result<(i64, String)> {
    let mut tx = store.pool.begin().await?;
    let of = "SELECT s.partition, n.name FROM pass s JOIN partition p ON p.id = s.partition \
              JOIN integration n ON n.id = p.integration WHERE s.id = $1";
    let row = ask(of, store.keep)
        .bind(pass)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(|| StoreError::Missing(format!("pass {pass}")))?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

impl Tx<'_, '_> {
    /// The first items after a key that are neither listed nor came outside the pass, by key.
    async fn unlisted(
        &mut self,
        pass: i64,
        listed: &RoaringTreemap,
        mut after: Option<String>,
        limit: usize,
    ) -> Result<Vec<(i64, String)>> {
        // Most items of a partition are usually listed, so a piece looks at more than it removes.
        let look = crate::sql::limit(limit.saturating_mul(4).clamp(1000, 20_000));
        let mut out = Vec::new();
        loop {
            let rows = q!(
                self,
                "SELECT id, live_pass, key FROM item WHERE partition = $1 AND ($2::text IS NULL OR key > $2) ORDER BY key LIMIT $3"
            )
            .bind(self.partition)
            .bind(after.as_deref().map(|key| escape(key).into_owned()))
            .bind(look)
            .fetch_all(&mut *self.tx)
            .await?;
            for row in &rows {
                let id: i64 = row.try_get(0)?;
                let key = unescape(row.try_get(2)?);
                if row.try_get::<Option<i64>, _>(1)? != Some(pass) && !listed.contains(as_u64(id)) {
                    out.push((id, key.clone()));
                    if out.len() == limit {
                        return Ok(out);
                    }
                }
                after = Some(key);
            }
            if (rows.len() as i64) < look {
                return Ok(out);
            }
        }
    }
}
