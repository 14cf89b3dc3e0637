//! What an action may read of the catalog while it runs.

use async_trait::async_trait;
use seawall_domain::Entity;

/// Reads the catalog as it stands, for plugins whose grant says so.
#[async_trait]
pub trait CatalogReader: Send + Sync {
    /// One entity.
    async fn get(&self, blueprint: &str, identifier: &str) -> Option<Entity>;
    /// The targets of one of its relations, at most 1,000.
    async fn related(&self, blueprint: &str, identifier: &str, relation: &str) -> Vec<Entity>;
    /// The blueprint that a relation of `blueprint` points to.
    fn target_of(&self, blueprint: &str, relation: &str) -> Option<String>;
}
