//! Definitions as code: documents that are only kept, whose each definition is, and whether that binds others.

use crate::{Engine, EngineError, Result};
use seawall_domain::definition::{GIT, Kind, LOCKED, Owner};
use serde_json::{Map, Value};

/// The setting that holds whose each definition is.
const OWNERS: &str = "definition-owners";

/// The setting that holds the documents of a kind, by name.
fn kept(kind: Kind) -> String {
    format!("definitions:{kind}")
}

impl Engine {
    /// Documents of a kind that are only kept, by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn kept_definitions(&self, kind: Kind) -> Result<Map<String, Value>> {
        self.object(&kept(kind)).await
    }

    /// Keeps a document; true where there was none of this name.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] for a kind that has a place of its own.
    pub async fn keep_definition(&self, kind: Kind, name: &str, value: Value) -> Result<bool> {
        self.may_keep(kind)?;
        self.change_object(&kept(kind), |all| {
            Ok(all.insert(name.to_owned(), value.clone()).is_none())
        })
        .await
    }

    /// Removes a document that was only kept.
    ///
    /// # Errors
    /// Where there is none.
    pub async fn drop_definition(&self, kind: Kind, name: &str) -> Result<()> {
        self.may_keep(kind)?;
        self.change_object(&kept(kind), |all| {
            let gone = all.remove(name).map(drop);
            gone.ok_or_else(|| EngineError::not_found("definition", format!("{kind} {name}")))
        })
        .await
    }

    fn may_keep(&self, kind: Kind) -> Result<()> {
        if kind.is_kept() {
            return Ok(());
        }
        Err(EngineError::Conflict(format!(
            "a {} is not only kept: it has a resource of its own, see /api/v1/openapi.json",
            kind.word()
        )))
    }

    /// Whose each definition is, as far as somebody said so.
    ///
    /// # Errors
    /// The database's.
    pub async fn owners(&self) -> Result<Vec<Owner>> {
        let all = self.object(OWNERS).await?;
        Ok(all
            .into_iter()
            .filter_map(|(_, owner)| serde_json::from_value(owner).ok())
            .collect())
    }

    /// Whose a definition is.
    ///
    /// # Errors
    /// The database's.
    pub async fn owner(&self, kind: Kind, name: &str) -> Result<Option<Owner>> {
        let mut all = self.object(OWNERS).await?;
        Ok(all
            .remove(&key(kind, name))
            .and_then(|owner| serde_json::from_value(owner).ok()))
    }

    /// Notes whose a definition is.
    ///
    /// # Errors
    /// The database's.
    pub async fn own(&self, owner: Owner) -> Result<()> {
        let value = serde_json::to_value(&owner).map_err(|e| EngineError::Internal(e.to_string()))?;
        self.change_object(OWNERS, |all| {
            all.insert(key(owner.kind, &owner.name), value.clone());
            Ok(())
        })
        .await
    }

    /// Forgets whose a definition is; nothing happens to the definition.
    ///
    /// # Errors
    /// The database's.
    pub async fn disown(&self, kind: Kind, name: &str) -> Result<()> {
        self.change_object(OWNERS, |all| {
            all.remove(&key(kind, name));
            Ok(())
        })
        .await
    }

    /// Who keeps others from changing a definition, where somebody does: a source in git, unless the setting says otherwise
    /// or `source` is that one.
    ///
    /// # Errors
    /// The database's.
    pub async fn locked_by(&self, kind: Kind, name: &str, source: Option<&str>) -> Result<Option<Owner>> {
        let Some(owner) = self.owner(kind, name).await? else {
            return Ok(None);
        };
        let others = owner.source.starts_with(GIT) && source != Some(&owner.source);
        Ok((others && self.definitions_locked().await?).then_some(owner))
    }

    /// Whether what comes from git is read-only elsewhere.
    ///
    /// # Errors
    /// The database's.
    pub async fn definitions_locked(&self) -> Result<bool> {
        let set = self.inner.store.setting(LOCKED).await?;
        Ok(set.and_then(|set| set.as_bool()).unwrap_or(true))
    }

    /// Sets it.
    ///
    /// # Errors
    /// The database's.
    pub async fn lock_definitions(&self, locked: bool) -> Result<()> {
        Ok(self.inner.store.put_setting(LOCKED, &locked.into()).await?)
    }

    async fn object(&self, setting: &str) -> Result<Map<String, Value>> {
        match self.inner.store.setting(setting).await? {
            Some(Value::Object(all)) => Ok(all),
            _ => Ok(Map::new()),
        }
    }
}

fn key(kind: Kind, name: &str) -> String {
    format!("{kind}/{name}")
}
