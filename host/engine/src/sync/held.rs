//! A pass that would remove much waits for a person.

use crate::{Engine, EngineError, Result};
use seawall_domain::{IntegrationName, pass::PassState};

impl Engine {
    /// Decides about a held pass: removes what it did not list, or keeps it.
    ///
    /// # Errors
    /// Where the pass is not held.
    pub async fn release_held(&self, name: &IntegrationName, pass: i64, remove: bool) -> Result<()> {
        let row = self.integration_row(name).await?;
        let passes = self.inner.store.passes(Some(row.id), Some(pass + 1), 1).await?;
        let held = passes
            .into_iter()
            .find(|p| p.id == pass)
            .ok_or_else(|| EngineError::not_found("pass", pass))?;
        if held.state != PassState::Held {
            return Err(EngineError::Conflict(format!(
                "pass {pass} does not wait for a decision"
            )));
        }
        let (now, ended) = (
            self.now(),
            if remove {
                PassState::Succeeded
            } else {
                PassState::Cancelled
            },
        );
        if remove {
            let fence = self
                .inner
                .store
                .lease(held.partition, &self.inner.owner, now, 120_000)
                .await?
                .ok_or_else(|| {
                    EngineError::Conflict("another process works on this partition; try again in a moment".into())
                })?;
            self.sweep(pass, fence).await?;
            self.inner.store.end_pass(pass, PassState::Succeeded, None, now).await?;
            self.inner.store.release(held.partition, fence, now).await?;
        } else {
            self.inner
                .store
                .end_pass(pass, PassState::Cancelled, Some("a person kept what was missing"), now)
                .await?;
        }
        self.pass_moved(name.as_str(), &held, ended, None);
        Ok(())
    }

    /// A newer pass that ended well leaves nothing to decide about older ones.
    pub(super) async fn supersede_held(&self, integration: i64, partition: i64, by: i64) -> Result<()> {
        for old in self.inner.store.passes(Some(integration), Some(by), 100).await? {
            if old.partition == partition && old.state == PassState::Held {
                let why = format!("pass {by} ended well after it");
                self.inner
                    .store
                    .end_pass(old.id, PassState::Cancelled, Some(&why), self.now())
                    .await?;
            }
        }
        Ok(())
    }
}
