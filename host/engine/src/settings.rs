//! Settings that several may change at once, and work that is noted in them before it begins.

use crate::{
    Engine, EngineError, Result,
    history::{author, speaking},
    replicas::OnDuty,
};
use seawall_domain::{BlueprintId, IntegrationName, definition::Author};
use serde_json::{Map, Value, json};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// How long it is waited before work that failed is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// Of a note: who asked for the work.
const BY: &str = "by";

/// Work whose name is noted in a setting until it is done, so that a stop loses none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Noted(pub(crate) &'static str);

/// Noted work that one task at a time does.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    /// Holding what was said to a blueprint as it is now.
    Check(BlueprintId),
    /// Merging a blueprint's entities under another precedence.
    Merge(BlueprintId),
    /// Mapping an integration's items anew.
    Remap(IntegrationName),
}

impl Work {
    pub(crate) const CHECKS: Noted = Noted("check:");
    pub(crate) const MERGES: Noted = Noted("merge:");
    pub(crate) const REMAPS: Noted = Noted("remap:");

    fn noted(&self) -> Noted {
        match self {
            Self::Check(_) => Self::CHECKS,
            Self::Merge(_) => Self::MERGES,
            Self::Remap(_) => Self::REMAPS,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Check(blueprint) | Self::Merge(blueprint) => blueprint.as_str(),
            Self::Remap(integration) => integration.as_str(),
        }
    }
}

/// Says that work is not under way any more, however it ended.
struct Ends<'a> {
    engine: &'a Engine,
    work: &'a Work,
}

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        if let Work::Remap(integration) = self.work {
            self.engine.note_progress(integration, None);
        }
    }
}

impl Engine {
    /// Changes a setting, however many do so at once: `change` is called again with what another one has made of it meanwhile.
    pub(crate) async fn change_setting<T>(
        &self,
        name: &str,
        mut change: impl FnMut(&mut Value) -> Result<T>,
    ) -> Result<T> {
        loop {
            let before = self.inner.store.setting(name).await?;
            let mut after = before.clone().unwrap_or_default();
            let answer = change(&mut after)?;
            if after == before.clone().unwrap_or_default()
                || self
                    .inner
                    .store
                    .swap_setting(name, before.as_ref(), Some(&after))
                    .await?
            {
                return Ok(answer);
            }
        }
    }

    /// The same for one that holds an object, empty at first.
    pub(crate) async fn change_object<T>(
        &self,
        name: &str,
        mut change: impl FnMut(&mut Map<String, Value>) -> Result<T>,
    ) -> Result<T> {
        self.change_setting(name, |value| {
            if !value.is_object() {
                *value = Value::Object(Map::new());
            }
            match value {
                Value::Object(all) => change(all),
                _ => Err(EngineError::Internal("an object is none".into())),
            }
        })
        .await
    }

    /// A value that no process has said before.
    pub(crate) fn once(&self) -> Value {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        json!([self.inner.owner, self.now(), NEXT.fetch_add(1, Ordering::Relaxed)])
    }

    /// Notes work before it begins, with who asked for it.
    pub(crate) async fn note(&self, work: Noted, name: &str) -> Result<()> {
        let setting = format!("{}{name}", work.0);
        let note = json!({"once": self.once(), BY: author().by});
        Ok(self.inner.store.put_setting(&setting, &note).await?)
    }

    /// What is noted, with what it was noted by.
    pub(crate) async fn noted(&self, work: Noted) -> Result<Vec<(String, Value)>> {
        let all = self.inner.store.settings(work.0).await?;
        let named = all.into_iter().map(|(name, by)| (name[work.0.len()..].to_owned(), by));
        Ok(named.collect())
    }

    /// Whether it is noted, and by what.
    pub(crate) async fn is_noted(&self, work: Noted, name: &str) -> Result<Option<Value>> {
        Ok(self.inner.store.setting(&format!("{}{name}", work.0)).await?)
    }

    /// Notes that it is done; false where it was noted again since, and so has to be done again.
    pub(crate) async fn done(&self, work: Noted, name: &str, by: &Value) -> Result<bool> {
        let setting = format!("{}{name}", work.0);
        Ok(self.inner.store.swap_setting(&setting, Some(by), None).await?)
    }

    /// Notes work, to be begun by [`Engine::begin`] or [`Engine::work_off`] once what it follows from is stored.
    pub(crate) async fn note_work(&self, work: &Work) -> Result<()> {
        self.note(work.noted(), work.name()).await
    }

    /// Notes work once more and does it in the background: a task that was at it already may have seen the first note, and done
    /// all by what held before.
    pub(crate) async fn begin_anew(&self, work: Work) -> Result<()> {
        self.note_work(&work).await?;
        self.begin(work);
        Ok(())
    }

    /// Does noted work in the background.
    pub(crate) fn begin(&self, work: Work) {
        let engine = self.clone();
        self.spawn(async move {
            while let Err(error) = engine.work_off(&work).await {
                // An integration that cannot run now may not do so for long; among several processes, each looks for work by itself.
                if matches!(work, Work::Remap(_)) || engine.inner.store.is_shared() {
                    tracing::error!(?work, "it could not be done, and is taken up later: {error}");
                    return;
                }
                tracing::error!(?work, "it could not be done, and is tried again: {error}");
                tokio::select! {
                    () = engine.inner.shutdown.cancelled() => return,
                    () = tokio::time::sleep(AGAIN) => {}
                }
            }
        });
    }

    /// Takes up what a stop cut off.
    pub(crate) async fn resume_work(&self) -> Result<()> {
        for (name, _) in self.noted(Work::CHECKS).await? {
            if let Ok(blueprint) = BlueprintId::new(&name) {
                self.begin(Work::Check(blueprint));
            }
        }
        for (name, _) in self.noted(Work::MERGES).await? {
            if let Ok(blueprint) = BlueprintId::new(&name) {
                self.begin(Work::Merge(blueprint));
            }
        }
        for (name, _) in self.noted(Work::REMAPS).await? {
            if let Ok(integration) = IntegrationName::new(&name) {
                self.begin(Work::Remap(integration));
            }
        }
        Ok(())
    }

    /// Does work until it is not noted any more. Where this process or another one does it already, that one sees the note.
    pub(crate) async fn work_off(&self, work: &Work) -> Result<()> {
        let name = format!("{}{}", work.noted().0, work.name());
        loop {
            let Some(working) = self.inner.under_way.begin(name.clone()) else {
                return Ok(());
            };
            let ends = Ends { engine: self, work };
            let Some(on_duty) = self.take_duty(&name).await? else {
                return Ok(());
            };
            while let Some(by) = self.is_noted(work.noted(), work.name()).await? {
                self.once_through(work, by[BY].as_str(), &on_duty).await?;
                if on_duty.is_over() {
                    return Ok(());
                }
                self.done(work.noted(), work.name(), &by).await?;
                if let Work::Check(blueprint) | Work::Merge(blueprint) = work {
                    self.may_rest(blueprint).await?;
                }
            }
            on_duty.give_back().await;
            drop((ends, working));
            // Who noted it in between has found it under way.
            if self.is_noted(work.noted(), work.name()).await?.is_none() {
                return Ok(());
            }
        }
    }

    async fn once_through(&self, work: &Work, by: Option<&str>, on_duty: &OnDuty) -> Result<()> {
        match work {
            Work::Check(blueprint) => {
                // It notes work of its own, for whoever asked for this.
                let author = Author {
                    by: by.map(str::to_owned),
                    ..Author::default()
                };
                Box::pin(speaking(author, self.check_again(blueprint, on_duty))).await
            }
            Work::Merge(blueprint) => self.merge_all_again(blueprint, by, on_duty).await,
            Work::Remap(integration) => self.remap(integration, by, on_duty).await,
        }
    }
}
