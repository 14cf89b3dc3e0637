//! What each source of clients says of entities, and no other does.

use crate::{Engine, EngineError, Result};
use seawall_domain::Entity;
use seawall_store::{ClientSourceRow, RejectedRow};

impl Engine {
    /// All sources of clients, by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn client_sources(&self) -> Result<Vec<ClientSourceRow>> {
        Ok(self.inner.store.client_sources().await?)
    }

    /// What a source says, by `BLUEPRINT/IDENTIFIER` from the one behind `after`, each with that name.
    ///
    /// # Errors
    /// Where there is no such source.
    pub async fn said(&self, source: &str, after: &str, limit: usize) -> Result<Vec<(String, Entity)>> {
        let row = self.client_source(source).await?;
        let items = self.inner.store.items(row.partition, after, limit).await?;
        let read = items.into_iter().map(|item| {
            let entity = serde_json::from_slice(&item.value);
            let entity =
                entity.map_err(|e| EngineError::Internal(format!("what `{source}` says of `{}`: {e}", item.key)))?;
            Ok((item.key, entity))
        });
        read.collect()
    }

    /// What of a source's words does not fit the blueprints as they are now, newest first: it is left out or set aside until
    /// they fit, or the source says something else.
    ///
    /// # Errors
    /// Where there is no such source.
    pub async fn rejected_words(&self, source: &str, before: Option<i64>, limit: usize) -> Result<Vec<RejectedRow>> {
        let row = self.client_source(source).await?;
        Ok(self.inner.store.rejected(Some(row.integration), before, limit).await?)
    }

    async fn client_source(&self, source: &str) -> Result<ClientSourceRow> {
        let mut all = self.inner.store.client_sources().await?;
        if let Some(at) = all.iter().position(|row| row.name == source) {
            return Ok(all.swap_remove(at));
        }
        let near = seawall_domain::text::nearest(source, all.iter().map(|row| row.name.as_str()));
        Err(match near {
            Some(near) => EngineError::not_found_but("source", source, format!("did you mean `{near}`?")),
            None => EngineError::not_found("source", source),
        })
    }
}
