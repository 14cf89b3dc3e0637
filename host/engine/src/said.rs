//! What each source of clients says of entities, and no other does.

use crate::{Engine, EngineError, Result};
use seawall_domain::Entity;
use seawall_store::ClientSourceRow;

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
        let all = self.inner.store.client_sources().await?;
        let Some(row) = all.iter().find(|row| row.name == source) else {
            let near = seawall_domain::text::nearest(source, all.iter().map(|row| row.name.as_str()));
            return Err(match near {
                Some(near) => EngineError::not_found_but("source", source, format!("did you mean `{near}`?")),
                None => EngineError::not_found("source", source),
            });
        };
        let items = self.inner.store.items(row.partition, after, limit).await?;
        let read = items.into_iter().map(|item| {
            let entity = serde_json::from_slice(&item.value);
            let entity =
                entity.map_err(|e| EngineError::Internal(format!("what `{source}` says of `{}`: {e}", item.key)))?;
            Ok((item.key, entity))
        });
        read.collect()
    }
}
