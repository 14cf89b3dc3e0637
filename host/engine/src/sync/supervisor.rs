//! The task that watches over one integration.

use super::pass::PassEnd;
use crate::{Engine, EngineError, Result, checkouts::Held, site::Site};
use seawall_domain::{Failure, IntegrationName};
use seawall_runtime::CallError;
use seawall_store::PartitionRow;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// Passes of one integration at once.
const PASSES: usize = 4;
/// The longest sleep; a schedule that another process changed is seen after it.
const LONGEST: Duration = Duration::from_secs(30);

/// The tasks of all integrations.
#[derive(Default)]
pub(crate) struct Supervisors {
    inner: Mutex<HashMap<IntegrationName, Arc<Handle>>>,
}

#[derive(Default)]
pub(crate) struct Handle {
    wake: Notify,
    state: Mutex<HandleState>,
    /// Cancelled when its task has ended.
    ended: CancellationToken,
}

#[derive(Default)]
struct HandleState {
    /// Ends running passes; replaced once it was used.
    passes: CancellationToken,
    /// Whether the passes that end by the token were cancelled by a person, not interrupted.
    cancelled: bool,
    /// Asks for the partitions anew.
    discover: bool,
    /// Passes that run may have read what has changed since: another one follows each of them.
    again: bool,
    problem: Option<String>,
    /// Nothing is to be done any more: the integration is being removed.
    over: bool,
}

impl Supervisors {
    /// Those that are watched over.
    pub(crate) fn names(&self) -> Vec<IntegrationName> {
        let all = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        all.keys().cloned().collect()
    }

    fn get(&self, name: &IntegrationName) -> Option<Arc<Handle>> {
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    fn with(&self, name: &IntegrationName, f: impl FnOnce(&mut HandleState)) {
        if let Some(handle) = self.get(name) {
            f(&mut handle.state.lock().unwrap_or_else(PoisonError::into_inner));
            handle.wake.notify_one();
        }
    }

    pub(crate) fn wake(&self, name: &IntegrationName) {
        self.with(name, |s| s.discover = true);
    }

    /// Another pass follows each one that runs, and what is due begins.
    pub(crate) fn sync_now(&self, name: &IntegrationName) {
        self.with(name, |s| {
            s.discover = true;
            s.again = true;
        });
    }

    /// Ends running passes where they stand: they go on from their cursors later.
    pub(crate) fn interrupt(&self, name: &IntegrationName) {
        self.with(name, |s| s.passes.cancel());
    }

    /// Ends running passes for good.
    pub(crate) fn cancel(&self, name: &IntegrationName) {
        self.with(name, |s| {
            s.cancelled = true;
            s.passes.cancel();
        });
    }

    /// Forgets a task that ends, where no newer one has its place.
    fn forget(&self, name: &IntegrationName, handle: &Arc<Handle>) {
        let mut all = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get(name).is_some_and(|known| Arc::ptr_eq(known, handle)) {
            all.remove(name);
        }
    }

    /// Ends the integration's task, its passes too, and waits for it.
    pub(crate) async fn end(&self, name: &IntegrationName) {
        let handle = self.inner.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        let Some(handle) = handle else { return };
        {
            let mut state = handle.state();
            state.over = true;
            state.passes.cancel();
        }
        handle.wake.notify_one();
        handle.ended.cancelled().await;
    }

    pub(crate) fn problem(&self, name: &IntegrationName) -> Option<String> {
        let handle = self.get(name)?;
        let state = handle.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.problem.clone()
    }
}

impl Handle {
    fn state(&self) -> std::sync::MutexGuard<'_, HandleState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token for passes that start now, child of `shutdown`.
    fn token(&self, shutdown: &CancellationToken) -> CancellationToken {
        let mut state = self.state();
        if state.over {
            return state.passes.clone();
        }
        if state.passes.is_cancelled() || shutdown.is_cancelled() {
            state.cancelled = false;
        }
        state.passes = shutdown.child_token();
        state.passes.clone()
    }
}

impl Engine {
    /// Watches over an integration, if nobody does yet; wakes its task otherwise.
    pub(crate) fn supervise(&self, name: IntegrationName) {
        let mut all = self
            .inner
            .supervisors
            .inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = all.get(&name) {
            handle.state().discover = true;
            handle.wake.notify_one();
            return;
        }
        let handle = Arc::new(Handle::default());
        handle.state().discover = true;
        all.insert(name.clone(), handle.clone());
        drop(all);
        let engine = self.clone();
        self.spawn(async move {
            Watch {
                engine,
                name,
                handle,
                running: HashSet::new(),
                again: HashSet::new(),
                elsewhere: HashMap::new(),
                tasks: JoinSet::new(),
                discovered: 0,
            }
            .run()
            .await
        });
    }
}

/// One integration's task.
struct Watch {
    engine: Engine,
    name: IntegrationName,
    handle: Arc<Handle>,
    running: HashSet<i64>,
    /// Partitions whose next pass is wanted as soon as they have none.
    again: HashSet<i64>,
    /// Partitions that another process works on, and when they are looked at again.
    elsewhere: HashMap<i64, i64>,
    tasks: JoinSet<(i64, Result<PassEnd>)>,
    /// When the partitions were last asked for.
    discovered: i64,
}

impl Watch {
    async fn run(mut self) {
        let _says_so = self.handle.ended.clone().drop_guard();
        let shutdown = self.engine.inner.shutdown.clone();
        let mut token = self.handle.token(&shutdown);
        while !shutdown.is_cancelled() && !self.handle.state().over {
            if token.is_cancelled() && self.tasks.is_empty() {
                token = self.handle.token(&shutdown);
            }
            let sleep = match self.turn(&token).await {
                Ok(sleep) => sleep,
                // It was removed in between.
                Err(EngineError::NotFound {
                    what: "integration", ..
                }) => break,
                Err(error) => {
                    self.trouble(error).await;
                    LONGEST
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.handle.wake.notified() => {}
                Some(ended) = self.tasks.join_next() => self.ended(ended).await,
                () = tokio::time::sleep(sleep) => {}
            }
        }
        while let Some(ended) = self.tasks.join_next().await {
            self.ended(ended).await;
        }
        self.engine.inner.supervisors.forget(&self.name, &self.handle);
    }

    /// Starts what is due, and says how long nothing will be.
    async fn turn(&mut self, token: &CancellationToken) -> Result<Duration> {
        let row = self.engine.integration_row(&self.name).await?;
        if row.paused || row.removing || row.stopped.is_some() || token.is_cancelled() {
            return Ok(LONGEST);
        }
        let site = self.engine.site(&self.name).await?;
        let now = self.engine.now();
        let every = i64::from(site.integration().every_seconds) * 1000;
        if std::mem::take(&mut self.handle.state().again) {
            self.again.extend(&self.running);
        }
        let asked = std::mem::take(&mut self.handle.state().discover);
        // Passes that begin along with it read the same checkouts.
        let mut fresh = None;
        if asked || now - self.discovered >= every {
            match self.discover(&site, token).await {
                Ok(held) => fresh = held,
                Err(error) => {
                    self.handle.state().discover = true;
                    return Err(error);
                }
            }
            self.discovered = now;
        }
        self.handle.state().problem = None;
        let mut next = now + LONGEST.as_millis() as i64;
        let partitions = self.engine.inner.store.partitions(row.id).await?;
        // What made them due may have changed the integration since this turn began.
        let site = self.engine.site(&self.name).await?;
        for partition in partitions {
            if self.running.contains(&partition.id) {
                continue;
            }
            let ready = match self.again.contains(&partition.id) {
                true => 0,
                false => partition.due,
            };
            let ready = ready.max(self.elsewhere.get(&partition.id).copied().unwrap_or(0));
            if ready > now {
                next = next.min(ready);
            } else if self.running.len() < PASSES {
                self.again.remove(&partition.id);
                self.elsewhere.remove(&partition.id);
                self.begin(site.clone(), partition, fresh.clone(), token.clone());
            }
        }
        next = next.min(self.discovered + every);
        // At the end of the grant the integration says so, and not only when it is due again.
        next = next.min(site.door.expires_at().unwrap_or(next));
        Ok(Duration::from_millis(u64::try_from(next - now).unwrap_or(0).max(10)))
    }

    /// Asks for the partitions of every kind. Where the plugin fails, those of that kind and of further ones stay as they
    /// are. Gives the checkouts that were brought up to date for it.
    async fn discover(&self, site: &Arc<Site>, token: &CancellationToken) -> Result<Option<Held>> {
        let (held, is_fresh) = self.check_out(site, token).await?;
        let store = &self.engine.inner.store;
        let declared = &site.plugin.bundle().manifest.kinds;
        let kinds = site.mapping.as_ref().map(|mapping| mapping.kinds()).unwrap_or_default();
        for kind in &kinds {
            if !declared.keys().any(|k| k.as_str() == *kind) {
                return Err(EngineError::invalid(
                    "/mapping",
                    format!(
                        "the mapping names the kind `{kind}`, which the plugin does not list; it lists: {}",
                        declared.keys().map(|k| k.as_str()).collect::<Vec<_>>().join(", ")
                    ),
                ));
            }
            let names = self.names(site, &held, kind, token).await?;
            store
                .put_partitions(site.row.id, kind, &names, self.engine.now())
                .await?;
        }
        // What the mapping no longer names has no partitions any more.
        for kind in store.kinds(site.row.id).await? {
            if !kinds.contains(&kind.as_str()) {
                store.put_partitions(site.row.id, &kind, &[], self.engine.now()).await?;
            }
        }
        Ok(is_fresh.then_some(held))
    }

    /// The newest checkouts. Where they cannot be brought up to date, those that are here: then it is the passes that say why, and
    /// try it again.
    async fn check_out(&self, site: &Site, token: &CancellationToken) -> Result<(Held, bool)> {
        match self.engine.update_checkouts(site, token).await {
            Ok(held) => Ok((held, true)),
            Err(CallError::Cancelled) => Err(CallError::Cancelled.into()),
            Err(error) => match self.engine.kept_checkouts(site).await {
                Some(held) => Ok((held, false)),
                None => Err(error.into()),
            },
        }
    }

    /// The partitions of a kind under each of its selectors.
    async fn names(&self, site: &Site, held: &Held, kind: &str, token: &CancellationToken) -> Result<Vec<String>> {
        let Some(mapping) = &site.mapping else {
            return Ok(Vec::new());
        };
        let mut names = Vec::new();
        for selector in 0..mapping.selectors(kind).len() {
            let sandbox = site.sandbox(&self.engine, held, pass_log(&self.name, kind), token.clone());
            let listed = site.plugin.partitions(&sandbox, site.scope(kind, selector)).await;
            for name in listed.map_err(|error| site.explain(error))? {
                if mapping.partition_of(kind, &name).0 != 0 {
                    let why =
                        format!("the partition `{name}` ends with one of the mapping's selectors; name it otherwise");
                    return Err(CallError::BadAnswer(why).into());
                }
                names.push(mapping.partition_name(kind, selector, &name));
            }
        }
        Ok(names)
    }

    fn begin(&mut self, site: Arc<Site>, partition: PartitionRow, fresh: Option<Held>, token: CancellationToken) {
        self.running.insert(partition.id);
        let engine = self.engine.clone();
        self.tasks.spawn(async move {
            let outcome = if partition.gone {
                super::closing::drive(&engine, &site, &partition).await
            } else {
                super::pass::drive(&engine, &site, &partition, fresh.as_ref(), &token).await
            };
            (partition.id, outcome)
        });
    }

    async fn ended(&mut self, ended: std::result::Result<(i64, Result<PassEnd>), tokio::task::JoinError>) {
        match ended {
            Ok((partition, outcome)) => {
                self.running.remove(&partition);
                match outcome {
                    Ok(PassEnd::Stop(failure)) => self.stop(&failure.to_string()).await,
                    Ok(PassEnd::Cancelled | PassEnd::Done) => {}
                    Ok(PassEnd::Elsewhere) => {
                        let again = self.engine.now() + self.engine.lease_ms() / 2;
                        self.elsewhere.insert(partition, again);
                    }
                    Err(error) => tracing::error!(integration = %self.name, "a pass ended early: {error}"),
                }
            }
            Err(error) => {
                // A pass that panicked does not say which it was: let all be started anew; leases keep them apart.
                self.running.clear();
                tracing::error!(integration = %self.name, "a pass ended early: {error}");
            }
        }
    }

    async fn trouble(&self, error: EngineError) {
        self.handle.state().problem = Some(error.to_string());
        if let EngineError::Plugin(CallError::Failure(failure)) = &error
            && matches!(failure, Failure::InvalidConfig(_) | Failure::Unauthorized(_))
        {
            self.stop(&failure.to_string()).await;
            return;
        }
        tracing::warn!(integration = %self.name, "{error}");
    }

    /// Waits for the operator.
    async fn stop(&self, reason: &str) {
        tracing::warn!(integration = %self.name, "stopped until the operator acts: {reason}");
        if let Err(e) = self.engine.inner.store.set_stopped(&self.name, Some(reason)).await {
            tracing::error!(integration = %self.name, "{e}");
        }
    }
}

impl Handle {
    /// Whether a person cancelled the passes.
    pub(super) fn cancelled(&self) -> bool {
        self.state().cancelled
    }
}

impl Engine {
    pub(super) fn was_cancelled(&self, name: &IntegrationName) -> bool {
        self.inner.supervisors.get(name).is_some_and(|h| h.cancelled())
    }
}

/// A plugin's lines go to the host's log, with where they come from.
pub(crate) fn pass_log(name: &IntegrationName, kind: &str) -> seawall_runtime::LogSink {
    let (name, kind) = (name.clone(), kind.to_owned());
    Arc::new(move |line| match line.level {
        "error" => tracing::error!(target: "plugin", integration = %name, kind, "{}", line.message),
        "warn" | "stderr" => tracing::warn!(target: "plugin", integration = %name, kind, "{}", line.message),
        "debug" => tracing::debug!(target: "plugin", integration = %name, kind, "{}", line.message),
        _ => tracing::info!(target: "plugin", integration = %name, kind, "{}", line.message),
    })
}
