//! What the merge of a transaction asks, read beforehand: it is never older than the transaction, since other processes change
//! blueprints too.

use super::{
    names::Names,
    tx::{Tx, q},
};
use crate::{
    Result, StoreError,
    merge::{Ranks, Rules, Source},
};
use seawall_domain::BlueprintId;
use sqlx::Row;
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

pub(super) struct Known<'s> {
    names: &'s Names,
    rules: HashMap<i64, Arc<Rules>>,
    sources: HashMap<i64, Source>,
}

impl<'s> Tx<'s, '_> {
    /// Reads what the merge of entities of these blueprints with these sources asks.
    pub(super) async fn ranks(&mut self, blueprints: BTreeSet<i64>, sources: BTreeSet<i64>) -> Result<Known<'s>> {
        let store = self.store;
        let mut known = Known {
            names: &store.names,
            rules: HashMap::new(),
            sources: HashMap::new(),
        };
        if blueprints.is_empty() {
            return Ok(known);
        }
        store
            .names
            .load(&mut self.tx, blueprints.iter().copied(), store.keep)
            .await?;
        let rows = q!(
            self,
            "SELECT n.id, b.body FROM blueprint_name n LEFT JOIN blueprint b ON b.identifier = n.name WHERE n.id = ANY($1)"
        )
        .bind(Vec::from_iter(blueprints))
        .fetch_all(&mut *self.tx)
        .await?;
        for row in &rows {
            let rules = Rules::of(row.try_get(1)?)?;
            known.rules.insert(row.try_get(0)?, Arc::new(rules));
        }
        let rows = q!(self, "SELECT id, name, client FROM integration WHERE id = ANY($1)")
            .bind(Vec::from_iter(sources))
            .fetch_all(&mut *self.tx)
            .await?;
        for row in &rows {
            let source = Source {
                name: row.try_get::<&str, _>(1)?.into(),
                client: row.try_get(2)?,
            };
            known.sources.insert(row.try_get(0)?, source);
        }
        Ok(known)
    }
}

impl Ranks for Known<'_> {
    fn blueprint(&mut self, id: i64) -> Result<BlueprintId> {
        self.names.name(id)
    }

    fn rules(&mut self, blueprint: i64) -> Result<Arc<Rules>> {
        Ok(self.rules.get(&blueprint).cloned().unwrap_or_default())
    }

    fn source(&mut self, integration: i64) -> Result<Source> {
        self.sources
            .get(&integration)
            .cloned()
            .ok_or_else(|| StoreError::Damaged {
                what: "contribution",
                detail: format!("there is no integration {integration}"),
            })
    }
}
