//! What a client takes back.

use super::{Removed, Speaker, check_source};
use crate::{Engine, EngineError, Result};
use seawall_domain::{BlueprintId, EntityId};
use seawall_store::{Expect, StoreError};

impl Engine {
    /// Takes back what a source says of an entity.
    ///
    /// # Errors
    /// Where there is no such entity, or the source says nothing of it.
    pub async fn remove_entity(
        &self,
        speaker: &Speaker,
        blueprint: &BlueprintId,
        identifier: &EntityId,
        version: Option<i64>,
    ) -> Result<Removed> {
        check_source(&speaker.source)?;
        let _one_at_a_time = self.inner.clients.lock().await;
        let key = format!("{blueprint}/{identifier}");
        let row = match self.entity(blueprint, identifier).await {
            Err(EngineError::NotFound { .. }) if self.take_back_set_aside(speaker, &key).await? => {
                return Ok(Removed { left: Vec::new() });
            }
            found => found?,
        };
        let changed = || {
            EngineError::Precondition(format!(
                "`{blueprint}/{identifier}` has changed since you read it; read it again"
            ))
        };
        if version.is_some_and(|version| version != row.version) {
            return Err(changed());
        }
        let partition = self.inner.store.client_partition(&speaker.source, self.now()).await?;
        let sources = self.inner.store.sources(row.id).await?;
        let own = |source: &seawall_store::SourceRow| source.client && source.integration == speaker.source;
        let mut left: Vec<String> = sources
            .iter()
            .filter(|s| !own(s))
            .map(|s| s.integration.clone())
            .collect();
        left.sort();
        left.dedup();
        if !sources.iter().any(own) {
            return Err(EngineError::Conflict(format!(
                "`{}` says nothing of `{key}`: it comes from {}, where it has to be removed, or left out by the mapping",
                speaker.source,
                left.join(", ")
            )));
        }
        let expect = version.map(|version| Expect::Entity {
            blueprint: blueprint.clone(),
            identifier: identifier.clone(),
            version: Some(version),
        });
        let expect = expect.into_iter().collect();
        match self.put_words(speaker, partition, Vec::new(), vec![key], expect).await {
            Err(EngineError::Store(StoreError::Changed(_))) => Err(changed()),
            done => done.map(|()| Removed { left }),
        }
    }

    /// Takes back words that stand in no entity, since they do not fit their blueprint; whether there were any.
    async fn take_back_set_aside(&self, speaker: &Speaker, key: &str) -> Result<bool> {
        let sources = self.inner.store.client_sources().await?;
        let Some(source) = sources.iter().find(|source| source.name == speaker.source) else {
            return Ok(false);
        };
        let known = self.inner.store.item_states(source.partition, &[key]).await? != [None];
        if known {
            self.put_words(speaker, source.partition, Vec::new(), vec![key.to_owned()], Vec::new())
                .await?;
        }
        Ok(known)
    }
}
