//! Removing an integration: piece by piece, each in a transaction of its own, gone on with after a stop.

use crate::{
    Engine, EngineError, Result,
    history::{author, speaking},
    replicas::OnDuty,
};
use seawall_domain::{IntegrationName, cause::Cause};
use seawall_store::{IntegrationRow, StoreError};
use std::time::Duration;

/// Items removed in one transaction.
const PIECE: usize = 1_000;
/// How long another process's lease is waited for between two tries.
const WAIT: Duration = Duration::from_millis(500);

fn work(row: &IntegrationRow) -> String {
    format!("removal:{}", row.id)
}

impl Engine {
    /// Removes an integration: what only it says of entities, its partitions, passes and rejected entities. Entities that
    /// others give too stay with what those say; egress records, runs and decisions stay. Returns when nothing is left;
    /// goes on where the caller does not wait, and after a stop of the host at its next start.
    ///
    /// # Errors
    /// Where it does not exist, or the database fails.
    pub async fn remove_integration(&self, name: &IntegrationName) -> Result<()> {
        let row = self.integration_row(name).await?;
        self.inner.store.begin_removal(name).await?;
        self.remove_in_background(row)
            .await
            .map_err(|_| EngineError::Internal("the host stops; the removal goes on at its next start".into()))?
    }

    /// The answer comes when it has ended.
    pub(crate) fn remove_in_background(&self, row: IntegrationRow) -> tokio::sync::oneshot::Receiver<Result<()>> {
        self.remove_with(row, None)
    }

    /// Goes on with a removal where neither this process nor another one does.
    pub(crate) async fn take_up_removal(&self, row: IntegrationRow) -> Result<()> {
        if !self.inner.under_way.has(&work(&row))
            && let Some(on_duty) = self.take_duty(&work(&row)).await?
        {
            drop(self.remove_with(row, Some(on_duty)));
        }
        Ok(())
    }

    fn remove_with(&self, row: IntegrationRow, on_duty: Option<OnDuty>) -> tokio::sync::oneshot::Receiver<Result<()>> {
        let (done, wait) = tokio::sync::oneshot::channel();
        let engine = self.clone();
        let working = self.inner.under_way.begin(work(&row));
        self.spawn(speaking(author(), async move {
            // Where another process does it too, each piece is done by one of them.
            let (_working, _on_duty) = (working, on_duty);
            let outcome = engine.remove(&row).await;
            if let Err(error) = &outcome {
                tracing::error!(integration = %row.integration.name, "not all was removed; it goes on at the next start: {error}");
            }
            // Whoever asked may be gone.
            drop(done.send(outcome));
        }));
        wait
    }

    async fn remove(&self, row: &IntegrationRow) -> Result<()> {
        let name = &row.integration.name;
        self.inner.supervisors.end(name).await;
        self.end_site(name);
        self.forget_hook(name);
        let cause = Cause::new(&format!("integration-removed:{name}"))
            .by(author().by.as_deref())
            .to_string();
        while let Some(partition) = self.inner.store.next_to_clear(row.id).await? {
            if self.inner.shutdown.is_cancelled() {
                return Err(EngineError::Internal("the host stops".into()));
            }
            self.clear(partition, &cause).await?;
        }
        self.inner.store.remove_integration(row.id).await?;
        if let Err(error) = self.forget_checkouts().await {
            tracing::debug!("all checkouts stay: {error}");
        }
        tracing::info!(integration = %name, "removed");
        Ok(())
    }

    /// Removes one partition; a part of it where the host stops, and nothing while another process holds it.
    async fn clear(&self, partition: i64, cause: &str) -> Result<()> {
        let store = &self.inner.store;
        while !self.inner.shutdown.is_cancelled() {
            let now = self.now();
            let Some(fence) = store.lease(partition, &self.inner.owner, now, self.lease_ms()).await? else {
                // Another process holds it, or has removed it already: the caller asks what is left.
                tokio::time::sleep(WAIT).await;
                return Ok(());
            };
            match store.clear_partition(partition, fence, PIECE, cause, now).await {
                Ok(piece) => {
                    self.index(&piece.page);
                    if piece.removed_items == 0 {
                        return Ok(());
                    }
                }
                // Somebody else who removes it was quicker.
                Err(StoreError::Fenced { .. } | StoreError::Missing(_)) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
