//! Changes of definitions that have begun, so that a stop between a change and its note loses neither.
//!
//! A request changes one definition in one of many places, and only behind it is known what it changed. So what was before is
//! written down first, in a setting of its own; the note takes its place in one transaction. Whoever finds one whose process is
//! gone notes what has become of the definition since. What becomes of blueprints and grants is kept with them and needs none of this.

use crate::{Engine, EngineError, Result, Said};
use seawall_domain::{
    Millis,
    definition::{Author, Kind},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

/// What the settings begin with.
const BEGUN: &str = "definition-begun:";
/// No request takes so long: what another process has begun before is nobody's any more.
const LEFT: Millis = 120_000;

/// The settings of what this process has begun.
pub(crate) type Open = Mutex<HashSet<String>>;

/// A change of a definition that has begun.
#[derive(Debug)]
#[must_use = "it is noted by `end_change`"]
pub struct Begun {
    setting: String,
    was: Was,
}

/// What was before, and who changes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Was {
    kind: Kind,
    name: String,
    before: Option<Value>,
    sealed: Option<Millis>,
    author: Author,
    /// Which process, and when.
    owner: String,
    at: Millis,
}

impl Engine {
    fn changing(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.inner.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down what a definition is, before it is changed. None for what is noted elsewhere.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin_change(&self, kind: Kind, name: &str, author: &Author) -> Result<Option<Begun>> {
        // Views, subscriptions and integrations are judged by what blueprints are.
        self.newest_blueprints().await?;
        if matches!(kind, Kind::Blueprint | Kind::Grant | Kind::Entity) {
            return Ok(None);
        }
        let before = self.definition(kind, name).await?;
        let was = Was {
            kind,
            name: name.to_owned(),
            sealed: before.as_ref().and_then(|said| said.sealed),
            before: before.map(|said| said.value),
            author: author.clone(),
            owner: self.inner.owner.clone(),
            at: self.now(),
        };
        let value = serde_json::to_value(&was).map_err(|e| EngineError::Internal(e.to_string()))?;
        let setting = format!("{BEGUN}{}", self.once());
        self.changing().insert(setting.clone());
        let put = self.inner.store.put_setting(&setting, &value).await;
        if put.is_err() {
            self.changing().remove(&setting);
        }
        put?;
        Ok(Some(Begun { setting, was }))
    }

    /// Notes what has become of a definition since its change began.
    ///
    /// # Errors
    /// The database's; then it is noted later.
    pub async fn end_change(&self, begun: Begun) -> Result<()> {
        let noted = self.note_begun(&begun).await;
        // Where that failed, whoever looks for what was left notes it.
        self.changing().remove(&begun.setting);
        noted
    }

    async fn note_begun(&self, Begun { setting, was }: &Begun) -> Result<()> {
        let after = self.definition(was.kind, &was.name).await?;
        let was = was.clone();
        let before = was.before.map(|value| Said {
            value,
            sealed: was.sealed,
            decided: None,
        });
        let store = &self.inner.store;
        match self.became(was.kind, &was.name, before, after, was.author) {
            Some(change) => drop(store.put_definition_change(&change, Some(setting)).await?),
            None => {
                let stored = store.setting(setting).await?;
                store.swap_setting(setting, stored.as_ref(), None).await?;
            }
        }
        Ok(())
    }

    /// Notes what became of definitions whose change a stop cut off.
    pub(crate) async fn note_what_was_begun(&self) -> Result<()> {
        for (setting, value) in self.inner.store.settings(BEGUN).await? {
            let Ok(was) = serde_json::from_value::<Was>(value) else {
                tracing::error!(setting, "what was written down of a change cannot be read");
                continue;
            };
            let is_left = match was.owner == self.inner.owner {
                true => !self.changing().contains(&setting),
                false => was.at < self.now() - LEFT,
            };
            if is_left {
                self.note_begun(&Begun { setting, was }).await?;
            }
        }
        Ok(())
    }
}
