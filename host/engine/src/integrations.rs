//! Integrations: put, listed, paused, synced and stopped.

use crate::{Engine, EngineError, Problem, Result};
use seawall_domain::{
    IntegrationName, Millis,
    integration::{self, Integration},
    manifest::Role,
    pass::PassState,
};
use seawall_store::{IntegrationRow, PartitionRow, PassRow};

/// How an integration stands, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntegrationState {
    /// A pass is running.
    Syncing,
    /// It waits for its schedule.
    Idle,
    /// A person paused it.
    Paused,
    /// It waits for the operator.
    Stopped,
    /// Its last pass failed; the next one comes by schedule.
    Failing,
    /// A mass delete waits for a person.
    Held,
    /// It is being removed.
    Removing,
}

/// An integration with its partitions and newest passes.
#[derive(Debug, Clone)]
pub struct IntegrationView {
    /// What is stored.
    pub row: IntegrationRow,
    /// In a word.
    pub state: IntegrationState,
    /// Its partitions, those too that the tool no longer lists and that still hold items.
    pub partitions: Vec<PartitionRow>,
    /// The newest pass of each partition.
    pub passes: Vec<PassRow>,
    /// When the last of its passes ended.
    pub last_ended: Option<Millis>,
    /// Why it does not run or does not sync, if it does not.
    pub problem: Option<String>,
}

impl Engine {
    /// Creates or replaces an integration and starts it. The plugin's blueprints are put where they do not exist yet.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] with each field that is wrong; [`EngineError::Conflict`] where the plugin is not granted.
    pub async fn put_integration(&self, wanted: &Integration) -> Result<(IntegrationView, bool)> {
        let view = self.granted(&wanted.plugin, wanted.digest.as_ref()).await?;
        let bundle = &view.row.bundle;
        let mut problems: Vec<Problem> = Vec::new();
        if let Err(wrong) = integration::check_config(&bundle.manifest.config, &wanted.config) {
            problems.extend(
                wrong
                    .iter()
                    .map(|p| Problem::at(format!("/config{}", p.pointer), p.words())),
            );
        }
        for name in wanted.credentials.keys() {
            if !bundle.manifest.credentials.contains_key(name) {
                problems.push(Problem::at(
                    format!("/credentials/{name}"),
                    format!(
                        "the plugin asks for no credential `{name}`; it asks for: {}",
                        list(bundle.manifest.credentials.keys())
                    ),
                ));
            }
        }
        if !(0.0..=1.0).contains(&wanted.delete_share) {
            problems.push(Problem::at(
                "/delete_share",
                "expected a share from 0 to 1, such as 0.2",
            ));
        }
        if wanted.every_seconds == 0 {
            problems.push(Problem::at("/every_seconds", "expected at least 1"));
        }
        if let Some(limits) = &wanted.limits {
            let beyond = self.policy().await?.beyond(limits).into_iter();
            problems.extend(beyond.map(|(pointer, why)| Problem::at(pointer, why)));
            let wrong = limits.problems().into_iter();
            problems.extend(wrong.map(|(name, why)| Problem::at(format!("/limits/{name}"), why)));
        }
        if let Some(Err(why)) = wanted.ca.as_deref().map(seawall_runtime::door::authorities) {
            problems.push(Problem::at("/ca", why));
        }
        if let Some(webhook) = &wanted.webhook {
            let wrong = webhook.problems().into_iter();
            problems.extend(wrong.map(|(field, why)| Problem::at(format!("/webhook/{field}"), why)));
            if !bundle.manifest.roles.contains(&Role::Webhook) {
                let why = format!(
                    "the plugin `{}` takes no deliveries: `webhook` is not among its roles",
                    wanted.plugin
                );
                problems.push(Problem::at("/webhook", why));
            }
        }
        if !problems.is_empty() {
            return Err(EngineError::Invalid(problems));
        }
        if let Some(webhook) = &wanted.webhook {
            self.secret_text(&webhook.secret).await?;
        }
        let known: Vec<_> = self
            .blueprints()
            .await?
            .into_iter()
            .map(|b| b.blueprint.identifier)
            .collect();
        for blueprint in bundle.blueprints.iter().filter(|b| !known.contains(&b.identifier)) {
            self.put_blueprint(blueprint, &format!("plugin:{}", wanted.plugin))
                .await?;
        }
        let rows = self.inner.store.integrations().await?;
        let before = rows.into_iter().find(|r| r.integration.name == wanted.name);
        let existed = before.is_some();
        if let Some(before) = before.filter(|before| before.integration.mapping != wanted.mapping) {
            let by = crate::history::author().by;
            self.note_mapping(&before, wanted.mapping.clone(), by, None).await?;
        }
        let row = self.inner.store.put_integration(wanted, self.now()).await?;
        self.inner.store.set_stopped(&wanted.name, None).await?;
        self.forget_site(&wanted.name);
        self.forget_hook(&wanted.name);
        // Makes it ready once, so that what is wrong is said to the one who asks and not only in a log.
        self.site(&wanted.name).await?;
        if existed && let Err(error) = self.forget_checkouts().await {
            tracing::debug!("all checkouts stay: {error}");
        }
        if existed {
            // A pass that runs goes on as it began; what was changed is for the one behind it. Said before any new one can begin.
            self.inner.supervisors.sync_now(&wanted.name);
            self.inner.store.make_due(row.id, self.now()).await?;
        }
        self.supervise(wanted.name.clone());
        self.carry_deliveries(&row);
        Ok((self.integration(&wanted.name).await?, !existed))
    }

    pub(crate) async fn integration_row(&self, name: &IntegrationName) -> Result<IntegrationRow> {
        let all = self.inner.store.integrations().await?;
        let names: Vec<String> = all.iter().map(|r| r.integration.name.to_string()).collect();
        all.into_iter().find(|r| r.integration.name == *name).ok_or_else(|| {
            match seawall_domain::text::nearest(name.as_str(), names.iter().map(String::as_str)) {
                Some(near) => EngineError::not_found_but("integration", name, format!("did you mean `{near}`?")),
                None => EngineError::not_found("integration", name),
            }
        })
    }

    /// One integration and how it stands.
    ///
    /// # Errors
    /// Where it does not exist.
    pub async fn integration(&self, name: &IntegrationName) -> Result<IntegrationView> {
        let row = self.integration_row(name).await?;
        self.view(row).await
    }

    /// All integrations.
    ///
    /// # Errors
    /// The database's.
    pub async fn integrations(&self) -> Result<Vec<IntegrationView>> {
        let mut out = Vec::new();
        for row in self.inner.store.integrations().await? {
            out.push(self.view(row).await?);
        }
        Ok(out)
    }

    async fn view(&self, row: IntegrationRow) -> Result<IntegrationView> {
        let partitions = self.inner.store.partitions(row.id).await?;
        let passes = self.inner.store.newest_passes(row.id).await?;
        let last_ended = self.inner.store.last_ended(row.id).await?;
        let problem = row
            .stopped
            .clone()
            .or_else(|| self.inner.supervisors.problem(&row.integration.name));
        let any = |s: PassState| passes.iter().any(|p| p.state == s);
        let state = if row.removing {
            IntegrationState::Removing
        } else if row.paused {
            IntegrationState::Paused
        } else if row.stopped.is_some() {
            IntegrationState::Stopped
        } else if any(PassState::Held) {
            IntegrationState::Held
        } else if any(PassState::Failed) || problem.is_some() {
            IntegrationState::Failing
        } else if any(PassState::Running) {
            IntegrationState::Syncing
        } else {
            IntegrationState::Idle
        };
        let problem = problem.or_else(|| {
            passes
                .iter()
                .find(|p| p.state == PassState::Failed)
                .and_then(|p| p.error.clone())
        });
        Ok(IntegrationView {
            row,
            state,
            partitions,
            passes,
            last_ended,
            problem,
        })
    }

    /// Pauses or resumes. A running pass ends at its next page and goes on from its cursor.
    ///
    /// # Errors
    /// Where it does not exist.
    pub async fn pause(&self, name: &IntegrationName, paused: bool) -> Result<()> {
        self.integration_row(name).await?;
        self.inner.store.set_paused(name, paused).await?;
        if paused {
            self.inner.supervisors.interrupt(name);
        }
        self.inner.supervisors.wake(name);
        self.wake_deliveries();
        Ok(())
    }

    /// Makes all partitions due now, and clears what stopped it.
    ///
    /// # Errors
    /// Where it does not exist or is paused.
    pub async fn sync_now(&self, name: &IntegrationName) -> Result<()> {
        let row = self.integration_row(name).await?;
        if row.removing {
            return Err(EngineError::Conflict(format!("`{name}` is being removed")));
        }
        if row.paused {
            return Err(EngineError::Conflict(format!(
                "`{name}` is paused; resume it: `seawall integration resume {name}`"
            )));
        }
        self.inner.store.set_stopped(name, None).await?;
        self.forget_site(name);
        self.inner.supervisors.sync_now(name);
        self.inner.store.make_due(row.id, self.now()).await?;
        self.supervise(name.clone());
        Ok(())
    }

    /// Cancels the running passes. What their pages brought stays; the next pass starts by schedule.
    ///
    /// # Errors
    /// Where it does not exist.
    pub async fn cancel_sync(&self, name: &IntegrationName) -> Result<()> {
        self.integration_row(name).await?;
        self.inner.supervisors.cancel(name);
        self.cancel_elsewhere(name).await
    }

    /// Passes, newest first.
    ///
    /// # Errors
    /// Where the integration does not exist.
    pub async fn passes(
        &self,
        name: Option<&IntegrationName>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<PassRow>> {
        let id = match name {
            Some(name) => Some(self.integration_row(name).await?.id),
            None => None,
        };
        Ok(self.inner.store.passes(id, before, limit).await?)
    }

    /// What was left out or set aside, newest first.
    ///
    /// # Errors
    /// Where the integration does not exist.
    pub async fn rejected(
        &self,
        name: Option<&IntegrationName>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<seawall_store::RejectedRow>> {
        let id = match name {
            Some(name) => Some(self.integration_row(name).await?.id),
            None => None,
        };
        Ok(self.inner.store.rejected(id, before, limit).await?)
    }
}

fn list(names: impl Iterator<Item = impl ToString>) -> String {
    let names: Vec<String> = names.map(|n| n.to_string()).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
