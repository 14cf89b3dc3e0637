//! Reading the catalog: lists and counts from the index, rows from the store.

use crate::{Engine, EngineError, Result, site::Site};
use async_trait::async_trait;
use seawall_domain::{
    BlueprintId, Digest, Entity, EntityId,
    query::{Field, ListQuery, Place},
};
use seawall_runtime::CatalogReader;
use seawall_store::{ChangeRow, EntityRow, SourceRow};
use serde_json::Value;
use std::sync::Arc;

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// In order.
    pub rows: Vec<EntityRow>,
    /// Where the next page goes on.
    pub next: Option<Place>,
    /// The change position that the answer reflects.
    pub position: i64,
}

/// One entity with what belongs to it.
#[derive(Debug, Clone)]
pub struct Details {
    /// The entity.
    pub row: EntityRow,
    /// Who says what of it.
    pub sources: Vec<SourceRow>,
    /// Who refers to it; none before the engine is started, when nobody knows yet.
    pub referrers: Option<Vec<Referrer>>,
}

/// A reference to an entity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Referrer {
    /// The blueprint of the one that refers.
    pub blueprint: BlueprintId,
    /// The relation.
    pub relation: String,
    /// Who refers.
    pub identifier: EntityId,
}

impl Engine {
    /// Lists entities.
    ///
    /// # Errors
    /// Where the blueprint or a field does not exist.
    pub async fn list(&self, query: &ListQuery) -> Result<Listed> {
        self.check_query(query)?;
        let page = self
            .inner
            .index
            .list(query)
            .map_err(|e| EngineError::invalid("", e.to_string()))?;
        let mut rows = self.inner.store.entities(&page.ids).await?;
        let order: std::collections::HashMap<i64, usize> =
            page.ids.iter().enumerate().map(|(i, id)| (*id, i)).collect();
        rows.sort_by_key(|r| order.get(&r.id).copied());
        Ok(Listed {
            rows,
            next: page.next,
            position: page.position,
        })
    }

    /// Counts entities.
    ///
    /// # Errors
    /// Where the blueprint or a field does not exist.
    pub fn count(&self, query: &ListQuery) -> Result<u64> {
        self.check_query(query)?;
        Ok(self.inner.index.count(&query.blueprint, &query.filters))
    }

    /// How many entities have each value of a field, most first.
    ///
    /// # Errors
    /// Where the blueprint or a field does not exist.
    pub fn facet(&self, query: &ListQuery, field: &Field, limit: usize) -> Result<Vec<(Value, u64)>> {
        self.check_query(query)?;
        self.check_field(&query.blueprint, field, "/field")?;
        Ok(self.inner.index.facet(&query.blueprint, field, &query.filters, limit))
    }

    /// How many entities each blueprint has.
    pub fn counts(&self) -> Vec<(BlueprintId, u64)> {
        self.inner.index.blueprints()
    }

    /// One entity.
    ///
    /// # Errors
    /// Where it or its blueprint does not exist.
    pub async fn entity(&self, blueprint: &BlueprintId, identifier: &EntityId) -> Result<EntityRow> {
        match self.inner.store.entity(blueprint, identifier).await? {
            Some(row) => Ok(row),
            None => {
                self.check_blueprint(blueprint)?;
                Err(EngineError::not_found("entity", format!("{blueprint}/{identifier}")))
            }
        }
    }

    /// One entity, who says what of it, and who refers to it.
    ///
    /// # Errors
    /// Where it does not exist.
    pub async fn details(&self, blueprint: &BlueprintId, identifier: &EntityId) -> Result<Details> {
        let row = self.entity(blueprint, identifier).await?;
        let sources = self.inner.store.sources(row.id).await?;
        let referrers = self.is_started().then(|| self.referrers(blueprint, identifier, 1_000));
        Ok(Details {
            row,
            sources,
            referrers,
        })
    }

    /// Who refers to an entity, by blueprint, relation and identifier: all relations that point to its blueprint, asked of
    /// the index. The entity itself need not exist.
    pub fn referrers(&self, blueprint: &BlueprintId, identifier: &EntityId, limit: usize) -> Vec<Referrer> {
        let mut all = Vec::new();
        for definition in self.all_blueprints().values() {
            let definition = definition.blueprint();
            for (relation, to) in &definition.relations {
                if to.target != *blueprint {
                    continue;
                }
                let left = limit - all.len();
                let found = self
                    .inner
                    .index
                    .referrers(&definition.identifier, relation, identifier, left);
                all.extend(found.into_iter().map(|identifier| Referrer {
                    blueprint: definition.identifier.clone(),
                    identifier,
                    relation: relation.clone(),
                }));
            }
        }
        all.sort_unstable();
        all
    }

    /// An entity's changes, newest first; also of one that is gone.
    ///
    /// # Errors
    /// Where it never was.
    pub async fn history(
        &self,
        blueprint: &BlueprintId,
        identifier: &EntityId,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ChangeRow>> {
        let rows = self.inner.store.history(blueprint, identifier, before, limit).await?;
        // What is left of an entity that stands may have no change any more: see `Engine::retention`.
        let gone =
            rows.is_empty() && before.is_none() && self.inner.store.entity(blueprint, identifier).await?.is_none();
        if gone {
            return Err(EngineError::not_found("entity", format!("{blueprint}/{identifier}")));
        }
        Ok(rows)
    }

    fn check_query(&self, query: &ListQuery) -> Result<()> {
        self.check_blueprint(&query.blueprint)?;
        for (field, _) in &query.filters {
            self.check_field(&query.blueprint, field, "/filter")?;
        }
        self.check_field(&query.blueprint, &query.sort, "sort")
    }

    pub(crate) fn check_blueprint(&self, blueprint: &BlueprintId) -> Result<()> {
        let all = self.all_blueprints();
        if all.contains_key(blueprint) {
            return Ok(());
        }
        let names = all.keys().map(BlueprintId::as_str);
        Err(match seawall_domain::text::nearest(blueprint.as_str(), names) {
            Some(near) => EngineError::not_found_but("blueprint", blueprint, format!("did you mean `{near}`?")),
            None => EngineError::not_found_but("blueprint", blueprint, "`seawall catalog list` shows those that exist"),
        })
    }

    /// A field that no entity can have is a mistake, and an empty answer would hide it.
    fn check_field(&self, blueprint: &BlueprintId, field: &Field, pointer: &str) -> Result<()> {
        let all = self.all_blueprints();
        let Some(compiled) = all.get(blueprint) else {
            return Ok(());
        };
        let blueprint = compiled.blueprint();
        let (what, name, known): (_, _, Vec<&str>) = match field {
            Field::Property(name) => (
                "property",
                name,
                blueprint
                    .schema
                    .properties
                    .keys()
                    .map(String::as_str)
                    .chain(compiled.computed().names())
                    .collect(),
            ),
            Field::Relation(name) => (
                "relation",
                name,
                blueprint.relations.keys().map(String::as_str).collect(),
            ),
            _ => return Ok(()),
        };
        if known.contains(&name.as_str()) {
            return Ok(());
        }
        let near = seawall_domain::text::nearest(name, known.iter().copied()).map_or_else(
            || format!("it has: {}", known.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        Err(EngineError::invalid(
            pointer,
            format!("`{}` has no {what} `{name}`; {near}", blueprint.identifier),
        ))
    }

    /// The catalog as an integration's plugin reads it.
    pub(crate) fn reader(&self, site: &Site) -> Arc<dyn CatalogReader> {
        Arc::new(Reader {
            engine: self.clone(),
            integration: site.integration().name.to_string(),
            digest: site.plugin.digest().clone(),
        })
    }
}

/// The catalog as plugins read it; each reading is counted.
struct Reader {
    engine: Engine,
    integration: String,
    digest: Digest,
}

impl Reader {
    fn count(&self) {
        self.engine
            .inner
            .recorder
            .used(&self.integration, &self.digest, "catalog");
    }

    async fn find(&self, blueprint: &str, identifier: &str) -> Option<Entity> {
        let (blueprint, identifier) = (BlueprintId::new(blueprint).ok()?, EntityId::new(identifier).ok()?);
        Some(self.engine.entity(&blueprint, &identifier).await.ok()?.entity)
    }
}

#[async_trait]
impl CatalogReader for Reader {
    async fn get(&self, blueprint: &str, identifier: &str) -> Option<Entity> {
        self.count();
        self.find(blueprint, identifier).await
    }

    async fn related(&self, blueprint: &str, identifier: &str, relation: &str) -> Vec<Entity> {
        self.count();
        let Some(entity) = self.find(blueprint, identifier).await else {
            return Vec::new();
        };
        self.engine.related(&entity, &[relation.to_owned()]).await
    }

    fn target_of(&self, blueprint: &str, relation: &str) -> Option<String> {
        self.engine.target_of(blueprint, relation)
    }
}

impl Engine {
    /// The targets of some of an entity's relations, as far as they exist.
    pub(crate) async fn related(&self, entity: &Entity, relations: &[String]) -> Vec<Entity> {
        let mut ids = Vec::new();
        for relation in relations {
            let Some(target) = entity.relations.get(relation) else {
                continue;
            };
            let Some(blueprint) = self.target_of(entity.blueprint.as_str(), relation) else {
                continue;
            };
            let Ok(blueprint) = BlueprintId::new(blueprint) else {
                continue;
            };
            ids.extend(
                target
                    .targets()
                    .iter()
                    .take(1_000)
                    .filter_map(|t| self.inner.index.get(&blueprint, t)),
            );
        }
        match self.inner.store.entities(&ids).await {
            Ok(rows) => rows.into_iter().map(|r| r.entity).collect(),
            Err(e) => {
                tracing::error!("related entities could not be read: {e}");
                Vec::new()
            }
        }
    }
}
