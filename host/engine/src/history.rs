//! Who changed which definition, when and how; kept for ever.
//!
//! Who speaks goes along with a request's task rather than through every function between the door and what it changes: it is of no
//! matter to what is done, and only to what is written down of it. Work that goes on behind a request takes it along with
//! [`speaking`].

use crate::{Engine, EngineError, PluginView, Result};
use seawall_domain::{
    Blueprint, BlueprintId, Millis,
    definition::{Author, DefinitionChange, Happened, Kind, Settings, SubscriptionDefinition, differences},
    grant::Decision,
};
use seawall_store::{DefinitionFilter, PluginRow};
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

    /// Notes what became of a definition, where anything did.
    async fn note_definition(
        &self,
        kind: Kind,
        name: &str,
        before: Option<Said>,
        after: Option<Said>,
        author: Author,
    ) -> Result<()> {
        if let Some(change) = self.became(kind, name, before, after, author) {
            self.inner.store.put_definition_change(&change, None).await?;
        }
        Ok(())
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

    /// Notes which version of a plugin is in force from now on, by a decision: its grant is the one that counts.
    pub(crate) async fn note_in_force(
        &self,
        before: Option<&PluginRow>,
        after: &PluginRow,
        decision: Decision,
    ) -> Result<()> {
        let said = |row: &PluginRow| {
            let version = json!(row.bundle.manifest.version);
            Said::of(json!({"version": version, "digest": row.digest}))
        };
        let author = Author {
            by: Some(decision.by),
            reason: decision.reason,
            ..author()
        };
        let (name, before) = (&after.bundle.manifest.name, before.map(said));
        self.note_definition(Kind::Grant, name.as_str(), before, Some(said(after)), author)
            .await
    }

    /// Notes that a version of a plugin was removed, and its grant with it.
    pub(crate) async fn note_removed(&self, plugin: &PluginView, decision: Decision) -> Result<()> {
        let manifest = &plugin.row.bundle.manifest;
        let before = plugin.decision.as_ref().map(|decision| Said::of(json!(decision.grant)));
        let author = Author {
            by: Some(decision.by),
            reason: decision.reason,
            ..author()
        };
        let name = format!("{}@{}", manifest.name, manifest.version);
        self.note_definition(Kind::Grant, &name, before, None, author).await
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
