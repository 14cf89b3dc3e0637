//! Work that one process at a time does.

use crate::{Engine, Result};
use seawall_store::Duty;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A duty that this process has. Renewed until it is dropped, and then given back.
pub(crate) struct OnDuty {
    duty: Duty,
    token: CancellationToken,
    renewing: Option<Renewing>,
}

/// The task that renews it.
struct Renewing {
    /// Ends it as it is dropped.
    until: DropGuard,
    /// Cancelled once it has given the duty back.
    gone: CancellationToken,
}

impl OnDuty {
    /// What writes have to come with.
    pub(crate) fn duty(&self) -> &Duty {
        &self.duty
    }

    /// Cancelled when the host stops, or when the duty was lost.
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Gives it back, and waits until it is: who takes it again at once must not lose it by that.
    pub(crate) async fn give_back(mut self) {
        if let Some(Renewing { until, gone }) = self.renewing.take() {
            drop(until);
            gone.cancelled().await;
        }
    }

    /// Whether the work has to end.
    pub(crate) fn is_over(&self) -> bool {
        self.token.is_cancelled()
    }
}

impl Engine {
    /// How long this process takes work for.
    pub(crate) fn lease_ms(&self) -> i64 {
        i64::try_from(self.inner.lease.as_millis()).unwrap_or(i64::MAX)
    }

    /// Takes a duty; none where another process has it.
    pub(crate) async fn take_duty(&self, name: &str) -> Result<Option<OnDuty>> {
        let taken = self.inner.store.take_duty(name, &self.inner.owner, self.lease_ms());
        let Some(duty) = taken.await? else {
            return Ok(None);
        };
        let token = self.inner.shutdown.child_token();
        let renewing = self.inner.store.is_shared().then(|| {
            let (ended, gone) = (CancellationToken::new(), CancellationToken::new());
            let renewal = self.clone().renew(duty.clone(), token.clone(), ended.clone());
            let says_so = gone.clone().drop_guard();
            self.spawn(async move {
                renewal.await;
                drop(says_so);
            });
            Renewing {
                until: ended.drop_guard(),
                gone,
            }
        });
        Ok(Some(OnDuty { duty, token, renewing }))
    }

    /// Waits until this process has a duty; none where the host stops before.
    pub(crate) async fn wait_for_duty(&self, name: &str) -> Option<OnDuty> {
        let shutdown = &self.inner.shutdown;
        while !shutdown.is_cancelled() {
            match self.take_duty(name).await {
                Ok(Some(duty)) => return Some(duty),
                Ok(None) => {}
                Err(error) => tracing::warn!(duty = name, "it cannot be said whose it is: {error}"),
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(self.inner.lease / 3) => {}
            }
        }
        None
    }

    /// Holds a duty until its work has ended.
    async fn renew(self, duty: Duty, lost: CancellationToken, ended: CancellationToken) {
        let mut renewed = tokio::time::Instant::now();
        loop {
            tokio::select! {
                biased;
                () = ended.cancelled() => break,
                () = tokio::time::sleep(self.inner.lease / 3) => {}
            }
            let again = self
                .inner
                .store
                .take_duty(&duty.name, &self.inner.owner, self.lease_ms());
            match again.await {
                Ok(Some(same)) if same == duty => renewed = tokio::time::Instant::now(),
                Ok(_) => lost.cancel(),
                // It may be had still; but not for longer than it was taken for.
                Err(_) if renewed.elapsed() < self.inner.lease => {}
                Err(_) => lost.cancel(),
            }
        }
        if let Err(error) = self.inner.store.drop_duty(&duty).await {
            tracing::debug!(duty = duty.name, "it ends by itself: {error}");
        }
    }

    /// Takes up what a process that is gone has left: runs, removals, merges, items that are being mapped anew.
    pub(super) fn adopt(&self) {
        let engine = self.clone();
        self.spawn(async move {
            let shutdown = engine.inner.shutdown.clone();
            loop {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep(engine.inner.lease / 2) => {}
                }
                if let Err(error) = engine.take_up().await {
                    tracing::warn!("what others may have left is not looked at: {error}");
                }
            }
        });
    }

    async fn take_up(&self) -> Result<()> {
        for row in self.inner.store.integrations().await? {
            if row.removing {
                self.take_up_removal(row).await?;
            }
        }
        self.resume_work().await?;
        self.resume_runs().await
    }
}
