//! Who changed which definition, when and how; kept for ever.
//!
//! Who speaks goes along with a request's task rather than through every function between the door and what it changes: it is of no
//! matter to what is done, and only to what is written down of it. Work that goes on behind a request takes it along with
//! [`speaking`].

use crate::{Engine, EngineError, PluginView, Result};
use seawall_domain::{
    Blueprint, BlueprintId, Millis,
    definition::{Author, Decided, DefinitionChange, Happened, Kind, Settings, SubscriptionDefinition, differences},
    grant::Decision,
};
use seawall_store::DefinitionFilter;
use serde_json::{Value, json};

tokio::task_local! {
    static AUTHOR: Author;
}

/// Does something on behalf of somebody.
pub async fn speaking<T>(author: Author, work: impl Future<Output = T>) -> T {
    AUTHOR.scope(author, work).await
}

/// On whose behalf this task works; nobody's where nobody said.
pub(crate) fn author() -> Author {
    AUTHOR.try_with(Clone::clone).unwrap_or_default()
}

/// A definition as it stands, without anything secret.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// In the form in which its changes are told.
    pub value: Value,
    /// Changes when what is secret of it does.
    pub sealed: Option<Millis>,
    /// Who decided it and why, where that is kept with it.
    pub decided: Option<(String, Option<String>)>,
}

impl Said {
    fn of(value: Value) -> Self {
        Self {
            value,
            sealed: None,
            decided: None,
        }
    }
}

impl Engine {
    /// A definition as it stands; none where there is none. What entities say is in their own history.
    ///
    /// # Errors
    /// The database's.
    pub async fn definition(&self, kind: Kind, name: &str) -> Result<Option<Said>> {
        let store = &self.inner.store;
        Ok(match kind {
            Kind::Policy => self.policies().await?.pop().map(|change| Said {
                decided: Some((change.by, change.reason)),
                ..Said::of(json!(change.policy))
            }),
            Kind::Settings => Some(Said::of(json!(self.definition_settings().await?))),
            Kind::Blueprint => {
                let all = store.blueprints().await?;
                let found = all.into_iter().find(|row| row.blueprint.identifier.as_str() == name);
                found.map(|row| Said::of(json!(row.blueprint)))
            }
            Kind::Credential => {
                let all = store.credentials().await?;
                let found = all.into_iter().find(|row| row.name.as_str() == name);
                found.map(|row| Said {
                    sealed: Some(row.updated_at),
                    ..Said::of(json!(row.document()))
                })
            }
            Kind::Grant => self.grant_said(name).await?,
            Kind::Integration => {
                let all = store.integrations().await?;
                let found = all.into_iter().find(|row| row.integration.name.as_str() == name);
                found.map(|row| Said::of(json!(row.integration)))
            }
            Kind::View => self.views().await?.remove(name).map(|view| Said::of(json!(view))),
            Kind::Subscription => {
                let all = self.subscriptions().await?;
                let found = all.into_iter().find(|view| view.row.name.as_str() == name);
                found.map(|view| Said {
                    sealed: view.previous_until,
                    ..Said::of(
                        SubscriptionDefinition {
                            name: view.row.name,
                            wanted: view.row.wanted,
                            paused: view.row.paused,
                            headers: view.headers,
                        }
                        .document(),
                    )
                })
            }
            Kind::Entity => None,
            kept => self.kept_definitions(kept).await?.remove(name).map(Said::of),
        })
    }

    async fn grant_said(&self, plugin: &str) -> Result<Option<Said>> {
        let view = match self.known_plugin(plugin).await {
            Ok(view) => view,
            Err(error @ EngineError::Store(_)) => return Err(error),
            // Whoever asks for it is told what is wrong with the name.
            Err(_) => return Ok(None),
        };
        Ok(view.decision.map(|decision| Said {
            value: json!(decision.grant),
            sealed: None,
            decided: Some((decision.by, decision.reason)),
        }))
    }

    /// What became of a definition, where anything did.
    pub(crate) fn became(
        &self,
        kind: Kind,
        name: &str,
        before: Option<Said>,
        after: Option<Said>,
        author: Author,
    ) -> Option<DefinitionChange> {
        // A decision that grants nothing is one, and leaves no grant.
        let value = |said: &Option<Said>| {
            said.as_ref()
                .map(|said| said.value.clone())
                .filter(|value| !value.is_null())
        };
        let sealed = |said: &Option<Said>| said.as_ref().and_then(|said| said.sealed);
        let (old, new) = (value(&before), value(&after));
        let (was, is) = (old.is_some(), new.is_some());
        let fields = differences(&old.unwrap_or_else(|| json!({})), &new.unwrap_or_else(|| json!({})));
        let change = match (was, is) {
            (false, false) => return None,
            (false, true) => Happened::Created,
            (true, false) => Happened::Deleted,
            (true, true) if !fields.is_empty() => Happened::Updated,
            (true, true) if sealed(&before) != sealed(&after) => Happened::Resealed,
            (true, true) => return None,
        };
        let (by, reason) = after.and_then(|said| said.decided).unzip();
        Some(DefinitionChange {
            kind,
            name: name.to_owned(),
            change,
            at: self.now(),
            author: Author {
                by: by.or(author.by),
                reason: reason.flatten().or(author.reason),
                ..author
            },
            fields,
            decided: None,
        })
    }

    /// What becomes of a blueprint that `source` puts or removes: kept in the transaction that does so.
    pub(crate) fn blueprint_change(
        &self,
        name: &BlueprintId,
        before: Option<&Blueprint>,
        after: Option<&Blueprint>,
        source: &str,
    ) -> Option<DefinitionChange> {
        let said = |blueprint: Option<&Blueprint>| blueprint.map(|blueprint| Said::of(json!(blueprint)));
        let mut author = author();
        // What an integration brings along is its plugin's, and in no file.
        if source != "api" && author.source.as_deref() != Some(source) {
            author.source = Some(source.to_owned());
            author.file = None;
        }
        self.became(Kind::Blueprint, name.as_str(), said(before), said(after), author)
    }

    /// What a decision about a version makes of its plugin's grant: kept in the transaction that keeps the decision, under the plugin's
    /// name, however the version was named. `replaces` is the version in whose place this one is in force from then on. `word` says
    /// what was decided, since the same terms once more are a decision too.
    pub(crate) fn grant_change(
        &self,
        plugin: &PluginView,
        replaces: Option<&PluginView>,
        decision: &Decision,
        word: &str,
    ) -> DefinitionChange {
        let said = |view: &PluginView, decision: &Decision| {
            let mut value = json!(decision.grant.as_ref()?);
            value["version"] = json!(view.row.bundle.manifest.version);
            Some(value)
        };
        let before = replaces.unwrap_or(plugin);
        let old = before.decision.as_ref().and_then(|decision| said(before, decision));
        let new = said(plugin, decision);
        let change = match (&old, &new) {
            (_, None) => Happened::Deleted,
            (None, Some(_)) => Happened::Created,
            (Some(_), Some(_)) => Happened::Updated,
        };
        let manifest = &plugin.row.bundle.manifest;
        let author = author();
        DefinitionChange {
            kind: Kind::Grant,
            name: manifest.name.to_string(),
            change,
            at: decision.at,
            fields: differences(&old.unwrap_or_else(|| json!({})), &new.unwrap_or_else(|| json!({}))),
            author: Author {
                by: Some(decision.by.clone()),
                reason: decision.reason.clone().or(author.reason),
                ..author
            },
            decided: Some(Decided {
                decision: word.to_owned(),
                version: manifest.version.to_string(),
                digest: plugin.row.digest.clone(),
            }),
        }
    }

    /// Changes of definitions with their ids, newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn definition_changes(
        &self,
        filter: &DefinitionFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<(i64, DefinitionChange)>> {
        Ok(self.inner.store.definition_changes(filter, before, limit).await?)
    }

    /// What holds for the whole server.
    ///
    /// # Errors
    /// The database's.
    pub async fn definition_settings(&self) -> Result<Settings> {
        let mut settings = Settings {
            retention: self.retention().await?,
            ..Settings::default()
        };
        settings.definitions.locked = self.definitions_locked().await?;
        Ok(settings)
    }

    /// Sets all of it.
    ///
    /// # Errors
    /// What is wrong with it, by its place.
    pub async fn put_definition_settings(&self, wanted: Settings) -> Result<()> {
        let wrong = wanted.problems().into_iter();
        let wrong: Vec<_> = wrong.map(|(at, why)| crate::Problem::at(at, why)).collect();
        if !wrong.is_empty() {
            return Err(EngineError::Invalid(wrong));
        }
        self.set_retention(wanted.retention).await?;
        self.lock_definitions(wanted.definitions.locked).await
    }
}
