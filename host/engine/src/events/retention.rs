//! How long the change log is kept.

use crate::{Engine, EngineError, Problem, Result};
use seawall_domain::subscription::Retention;
use std::time::Duration;

const SETTING: &str = "retention";
/// How often the log is looked at.
const EVERY: Duration = Duration::from_secs(600);
/// How soon where something of it was still needed.
const SOON: Duration = Duration::from_secs(2);
/// Changes dropped in one transaction, so that pages are stored in between.
const PIECE: usize = 2_000;
const DAY_MS: i64 = 24 * 3600 * 1000;

impl Engine {
    /// How long the change log is kept.
    ///
    /// # Errors
    /// The database's.
    pub async fn retention(&self) -> Result<Retention> {
        let stored = self.inner.store.setting(SETTING).await?;
        let read = stored.map(serde_json::from_value).transpose();
        read.map(Option::unwrap_or_default)
            .map_err(|e| EngineError::Internal(format!("the stored retention cannot be read ({e}); set it again")))
    }

    /// Sets it; what is too old goes soon.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] where it would keep less of what subscriptions wait for than of what nobody does.
    pub async fn set_retention(&self, wanted: Retention) -> Result<()> {
        let wrong: Vec<_> = wanted
            .problems()
            .into_iter()
            .map(|(at, why)| Problem::at(at, why))
            .collect();
        if !wrong.is_empty() {
            return Err(EngineError::Invalid(wrong));
        }
        let value = serde_json::to_value(wanted).map_err(|e| EngineError::Internal(e.to_string()))?;
        self.inner.store.put_setting(SETTING, &value).await?;
        self.inner.events.trim.notify_one();
        Ok(())
    }

    /// Looks after the log until the host stops.
    pub(crate) fn keep_log_short(&self) {
        let engine = self.clone();
        self.spawn(async move {
            let shutdown = engine.inner.shutdown.clone();
            while !shutdown.is_cancelled() {
                let again = match engine.trim_log().await {
                    Ok(true) => EVERY,
                    Ok(false) => SOON,
                    Err(error) => {
                        tracing::warn!("the change log was not trimmed: {error}");
                        EVERY
                    }
                };
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = engine.inner.events.trim.notified() => {}
                    () = tokio::time::sleep(again) => {}
                }
            }
        });
    }

    /// False where computed values are yet to follow from some of what may go.
    async fn trim_log(&self) -> Result<bool> {
        let kept = self.retention().await?;
        let store = &self.inner.store;
        let followed = self.followed().await?;
        let rows = i64::try_from(kept.rows).unwrap_or(i64::MAX);
        let wanted = store.position().await?.saturating_sub(rows);
        let upto = wanted.min(followed);
        let told = store.subscriptions().await?.iter().map(|row| row.position).min();
        let before = |days: u32| self.now() - i64::from(days) * DAY_MS;
        self.trim_pieces(before(kept.days), told.unwrap_or(upto).min(upto))
            .await?;
        self.trim_pieces(before(kept.pending_days), upto).await?;
        Ok(wanted <= followed)
    }

    async fn trim_pieces(&self, older: i64, upto: i64) -> Result<()> {
        while !self.inner.shutdown.is_cancelled()
            && self.inner.store.trim_changes(older, upto, PIECE).await? >= PIECE as u64
        {}
        Ok(())
    }
}
