//! Blueprints by row id: their names are stored once, and never changed or removed, so that what was seen stays true.

use super::{PgStore, again::again, ask, tx::BEGIN};
use crate::{Result, StoreError, body::identifier, sql::commit};
use seawall_domain::BlueprintId;
use sqlx::{PgConnection, Row, postgres::PgRow};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{PoisonError, RwLock},
};

#[derive(Default)]
pub(super) struct Names(RwLock<Both>);

#[derive(Default)]
struct Both {
    ids: HashMap<BlueprintId, i64>,
    names: HashMap<i64, BlueprintId>,
}

impl Names {
    pub(super) fn id(&self, name: &BlueprintId) -> Result<i64> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.ids.get(name).copied().ok_or_else(|| StoreError::Damaged {
            what: "blueprint",
            detail: format!("`{name}` has no row"),
        })
    }

    pub(super) fn name(&self, id: i64) -> Result<BlueprintId> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.names.get(&id).cloned().ok_or_else(|| StoreError::Damaged {
            what: "blueprint",
            detail: format!("there is no row {id}"),
        })
    }

    fn lacks_id(&self, id: i64) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        !known.names.contains_key(&id)
    }

    fn learn(&self, rows: &[PgRow]) -> Result<()> {
        for row in rows {
            let (id, name): (i64, BlueprintId) = (row.try_get(0)?, identifier("blueprint", row.try_get(1)?)?);
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            known.ids.insert(name.clone(), id);
            known.names.insert(id, name);
        }
        Ok(())
    }

    /// Makes sure that [`Names::name`] knows these.
    pub(super) async fn load(&self, conn: &mut PgConnection, ids: impl Iterator<Item = i64>, keep: bool) -> Result<()> {
        let missing: BTreeSet<i64> = ids.filter(|id| self.lacks_id(*id)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let rows = ask("SELECT id, name FROM blueprint_name WHERE id = ANY($1)", keep)
            .bind(Vec::from_iter(missing))
            .fetch_all(conn)
            .await?;
        self.learn(&rows)
    }
}

impl PgStore {
    /// Makes sure that [`Names::id`] knows these, and makes rows for those that are new. Not in a page's transaction: two pages
    /// with the same new name would wait for each other.
    pub(super) async fn know(&self, names: impl Iterator<Item = &BlueprintId>) -> Result<()> {
        let missing: Vec<&str> = {
            let known = self.names.0.read().unwrap_or_else(PoisonError::into_inner);
            let missing: BTreeSet<&str> = names
                .filter(|name| !known.ids.contains_key(*name))
                .map(BlueprintId::as_str)
                .collect();
            Vec::from_iter(missing)
        };
        if missing.is_empty() {
            return Ok(());
        }
        let rows = again!(async {
            let mut tx = self.pool.begin_with(BEGIN).await?;
            let found = "SELECT id, name FROM blueprint_name WHERE name = ANY($1)";
            let mut rows = ask(found, self.keep).bind(&missing).fetch_all(&mut *tx).await?;
            if rows.len() < missing.len() {
                ask(
                    "INSERT INTO blueprint_name (name) SELECT name FROM unnest($1::text[]) AS n(name) ON CONFLICT DO NOTHING",
                    self.keep,
                )
                .bind(&missing)
                .execute(&mut *tx)
                .await?;
                rows = ask(found, self.keep).bind(&missing).fetch_all(&mut *tx).await?;
            }
            commit(tx).await?;
            Ok::<_, StoreError>(rows)
        })?;
        self.names.learn(&rows)
    }
}
