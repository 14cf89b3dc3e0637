//! What this process made of what is configured is made anew where another one has changed it.

use crate::{Engine, Result};
use seawall_domain::{IntegrationName, grant::Verdict};
use seawall_store::Part;
use serde_json::Value;
use std::collections::HashMap;

/// The settings that say that an integration's passes are to end; another value says it again.
const CANCEL: &str = "cancel:";

impl Engine {
    pub(super) async fn refresh(&self, changed: &[Part]) -> Result<()> {
        for part in changed {
            match part {
                Part::Blueprints => self.reload_blueprints().await?,
                Part::Grants => self.refresh_grants().await?,
                Part::Integrations => self.refresh_integrations().await?,
                Part::Credentials => self.refresh_credentials().await?,
                Part::Settings => self.refresh_settings().await?,
                Part::Subscriptions => self.inner.couriers.wake(),
            }
        }
        Ok(())
    }

    /// Calls in flight end where their grant was taken back or has other terms by now, as they do where it was decided.
    async fn refresh_grants(&self) -> Result<()> {
        let decisions = self.inner.store.decisions(None).await?;
        self.inner.sites.end(|site| {
            let newest = decisions.iter().rev().find(|d| d.digest == *site.plugin.digest());
            let same = newest.is_some_and(|d| d.verdict == Verdict::Approved && d.grant.as_ref() == Some(&site.grant));
            !same
        });
        self.inner.sites.forget(|_, _| true);
        for row in self.inner.store.integrations().await? {
            self.inner.supervisors.wake(&row.integration.name);
        }
        self.wake_deliveries();
        Ok(())
    }

    async fn refresh_integrations(&self) -> Result<()> {
        let rows = self.inner.store.integrations().await?;
        let rows: HashMap<_, _> = rows
            .into_iter()
            .map(|row| (row.integration.name.clone(), row))
            .collect();
        let here = self.inner.supervisors.names();
        let before = std::mem::replace(&mut self.inner.others.seen().integrations, rows.clone());
        for name in here.iter().filter(|name| !rows.contains_key(*name)) {
            self.end_elsewhere(name).await;
        }
        self.inner.sites.forget(|name, site| {
            rows.get(name)
                .is_none_or(|row| row.id != site.row.id || row.integration != site.row.integration)
        });
        let moved = rows.into_iter().filter(|(name, row)| before.get(name) != Some(row));
        for (name, row) in moved {
            self.forget_hook(&name);
            if row.removing {
                self.end_elsewhere(&name).await;
                continue;
            }
            if row.paused {
                self.inner.supervisors.interrupt(&name);
            }
            self.supervise(name);
            self.carry_deliveries(&row);
        }
        self.wake_deliveries();
        Ok(())
    }

    /// Ends what this process does for an integration that another one removes.
    async fn end_elsewhere(&self, name: &IntegrationName) {
        self.inner.supervisors.end(name).await;
        self.end_site(name);
        self.forget_hook(name);
    }

    async fn refresh_credentials(&self) -> Result<()> {
        let all = self.inner.store.credentials().await?;
        self.inner
            .minters
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clear();
        self.inner
            .logins
            .retain(|address, role| all.iter().any(|row| row.source.logs_in(address, role)));
        self.inner
            .hooks
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clear();
        self.inner
            .sites
            .forget(|_, site| !site.integration().credentials.is_empty());
        for row in self.inner.store.integrations().await? {
            self.inner.supervisors.wake(&row.integration.name);
        }
        Ok(())
    }

    async fn refresh_settings(&self) -> Result<()> {
        // Another version may be in force.
        for (name, integration, digest) in self.inner.sites.versions() {
            if let Ok(view) = self.granted(&integration.plugin, integration.digest.as_ref()).await
                && view.row.digest != digest
            {
                self.forget_site_of_others(&name, &view.row.digest);
                self.inner.supervisors.wake(&name);
            }
        }
        self.look_for_computed();
        let cancelled = self.cancellations().await?;
        let before = std::mem::replace(&mut self.inner.others.seen().cancelled, cancelled.clone());
        for (name, said) in &cancelled {
            if before.get(name) != Some(said)
                && let Ok(name) = IntegrationName::new(name)
            {
                self.inner.supervisors.cancel(&name);
            }
        }
        Ok(())
    }

    /// Says to other processes that an integration's passes are to end.
    pub(crate) async fn cancel_elsewhere(&self, name: &IntegrationName) -> Result<()> {
        if !self.inner.store.is_shared() {
            return Ok(());
        }
        let said = self.once();
        // What this process has said itself is no news to it.
        self.inner
            .others
            .seen()
            .cancelled
            .insert(name.to_string(), said.clone());
        Ok(self.inner.store.put_setting(&format!("{CANCEL}{name}"), &said).await?)
    }

    pub(super) async fn cancellations(&self) -> Result<HashMap<String, Value>> {
        let all = self.inner.store.settings(CANCEL).await?;
        let named = all
            .into_iter()
            .map(|(name, said)| (name[CANCEL.len()..].to_owned(), said));
        Ok(named.collect())
    }
}
