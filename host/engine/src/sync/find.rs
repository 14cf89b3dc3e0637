//! Searches of mappings, answered from the catalog as it is when an item is mapped.

use crate::{Engine, EngineError};
use seawall_domain::{
    BlueprintId, EntityId,
    mapping::{Find, FindError, MOST_FOUND},
    query::{Field, Search, Sort},
};
use serde_json::Value;
use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};
use tokio::runtime::Handle;

/// What was found already, by blueprint and rules.
type Known = HashMap<(BlueprintId, String), Result<Vec<EntityId>, FindError>>;

/// Answers the searches of one piece of work: many items ask the same, and it is looked for once. It waits for answers, so only
/// threads that may block ask it.
pub(crate) struct Finder {
    engine: Engine,
    runtime: Handle,
    known: Mutex<Known>,
}

impl Engine {
    /// Answers searches for one piece of work.
    pub(crate) fn finder(&self) -> Finder {
        Finder {
            engine: self.clone(),
            runtime: Handle::current(),
            known: Mutex::default(),
        }
    }

    async fn found(&self, blueprint: &BlueprintId, rules: &Value) -> crate::Result<Vec<EntityId>> {
        let blueprints = vec![blueprint.clone()];
        let search = Search {
            rules: self.rules_of(rules, &blueprints, "")?,
            blueprints: Some(blueprints),
            words: None,
            sort: Sort::By {
                field: Field::Identifier,
                descending: false,
            },
            after: None,
            limit: MOST_FOUND + 1,
        };
        let found = self.search(&search).await?.rows;
        Ok(found.into_iter().map(|row| row.entity.identifier).collect())
    }
}

impl Find for Finder {
    fn find(&self, blueprint: &BlueprintId, rules: &Value) -> Result<Vec<EntityId>, FindError> {
        let asked = (blueprint.clone(), rules.to_string());
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known().get(&asked) {
            return found.clone();
        }
        let found = self.runtime.block_on(self.engine.found(blueprint, rules));
        let found = found.map_err(|error| match error {
            EngineError::Invalid(_) | EngineError::NotFound { .. } => FindError::Rules(error.to_string()),
            error => FindError::Unanswered(error.to_string()),
        });
        known().insert(asked, found.clone());
        found
    }
}

impl fmt::Debug for Finder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finder").finish_non_exhaustive()
    }
}
