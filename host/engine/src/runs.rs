//! Runs: one operation of one integration, followed to its end, whatever happens to the host in between.

use crate::{Engine, EngineError, Problem, Result, replicas::OnDuty, site::Site};
use seawall_domain::{
    BlueprintId, EntityId, IntegrationName, integration,
    item::LocatedChange,
    pass::{AfterFailure, after_failure},
    run::RunState,
};
use seawall_runtime::{Invocation, LogSink, Progress};
use seawall_store::{Duty, LogLine, RunRow, StoreError};
use serde_json::Value;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// What a person asks for.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// The integration.
    pub integration: IntegrationName,
    /// One of the plugin's operations.
    pub operation: String,
    /// The entity it works on.
    pub target: Option<(BlueprintId, EntityId)>,
    /// Checked against the operation's schema.
    pub inputs: Value,
    /// Who asks.
    pub by: String,
    /// The same key gives the same run.
    pub idempotency_key: Option<String>,
    /// A random id for it.
    pub id: String,
}

impl Engine {
    /// Starts a run. True where it is new, false where its idempotency key is known.
    ///
    /// # Errors
    /// Where the integration, the operation or the target does not exist, or the inputs are wrong.
    pub async fn start_run(&self, request: RunRequest) -> Result<(RunRow, bool)> {
        let site = self.site(&request.integration).await?;
        let operations = &site.plugin.bundle().manifest.operations;
        let asked = operations
            .iter()
            .find(|(k, _)| k.as_str() == request.operation)
            .map(|(_, o)| o)
            .ok_or_else(|| {
                let known: Vec<_> = operations.keys().map(|k| k.as_str()).collect();
                EngineError::not_found_but(
                    "operation",
                    &request.operation,
                    match known.is_empty() {
                        true => "the plugin has none".to_owned(),
                        false => format!("the plugin has: {}", known.join(", ")),
                    },
                )
            })?;
        if let Err(wrong) = integration::check_config(&asked.inputs, &request.inputs) {
            let problem = |p: &integration::ConfigProblem| Problem::at(format!("/inputs{}", p.pointer), p.words());
            return Err(EngineError::Invalid(wrong.iter().map(problem).collect()));
        }
        match (&asked.target, &request.target) {
            (Some(wanted), Some((blueprint, identifier))) if wanted == blueprint => {
                self.entity(blueprint, identifier).await?;
            }
            (Some(wanted), _) => {
                return Err(EngineError::invalid(
                    "/target",
                    format!(
                        "the operation works on an entity of `{wanted}`; give `{{\"blueprint\": \"{wanted}\", \"identifier\": …}}`"
                    ),
                ));
            }
            (None, Some(_)) => {
                return Err(EngineError::invalid(
                    "/target",
                    "the operation works on no entity; leave it out",
                ));
            }
            (None, None) => {}
        }
        let now = self.now();
        let run = RunRow {
            seq: 0,
            id: request.id,
            integration: request.integration.to_string(),
            operation: request.operation,
            target: request.target.map(|(b, i)| (b.to_string(), i.to_string())),
            inputs: request.inputs,
            by: request.by,
            idempotency_key: request.idempotency_key,
            state: RunState::Requested,
            label: None,
            progress: None,
            poll_at: None,
            outputs: None,
            link: None,
            created_at: now,
            updated_at: now,
        };
        let (run, new) = self.inner.store.create_run(&run).await?;
        if new {
            self.run_moved(&run);
            self.follow(run.clone());
        }
        Ok((run, new))
    }

    pub(crate) async fn resume_runs(&self) -> Result<()> {
        for run in self.inner.store.open_runs().await? {
            self.follow(run);
        }
        Ok(())
    }

    /// Moves a run to its end, where neither this process nor another one does.
    fn follow(&self, run: RunRow) {
        let Some(working) = self.inner.under_way.begin(format!("run:{}", run.id)) else {
            return;
        };
        let engine = self.clone();
        self.spawn(async move {
            let _working = working;
            let id = run.id;
            if let Err(error) = engine.follow_to_the_end(&id).await {
                tracing::error!(
                    run = id,
                    "a run could not be followed; it goes on at the next start: {error}"
                );
            }
        });
    }
}

impl Engine {
    async fn follow_to_the_end(&self, id: &str) -> Result<()> {
        let Some(on_duty) = self.take_duty(&format!("run:{id}")).await? else {
            return Ok(());
        };
        // As it is now: another process may have moved it before this one had the duty.
        let Some(run) = self.inner.store.run(id).await? else {
            return Ok(());
        };
        let follow = Follow {
            engine: self.clone(),
            run,
            attempts: 0,
            on_duty,
        };
        match follow.follow_to_the_end().await {
            Err(EngineError::Store(StoreError::NotOnDuty(_))) => Ok(()),
            other => other,
        }
    }
}

/// Moves one run to its end.
struct Follow {
    engine: Engine,
    run: RunRow,
    attempts: u32,
    on_duty: OnDuty,
}

impl Follow {
    async fn follow_to_the_end(mut self) -> Result<()> {
        let shutdown = self.on_duty.token().clone();
        while !self.run.state.is_final() && !shutdown.is_cancelled() {
            let now = self.engine.now();
            if let Some(wait) = self.run.poll_at.map(|at| at - now).filter(|ms| *ms > 0) {
                tokio::select! {
                    () = shutdown.cancelled() => return Ok(()),
                    () = tokio::time::sleep(Duration::from_millis(u64::try_from(wait).unwrap_or(0))) => {}
                }
            }
            self.step(&shutdown).await?;
        }
        Ok(())
    }

    async fn step(&mut self, shutdown: &CancellationToken) -> Result<()> {
        let lines: Arc<Mutex<Vec<LogLine>>> = Arc::default();
        match self.call(&lines, shutdown).await {
            Ok(Progress::Running {
                state,
                poll_after_ms,
                label,
            }) => {
                self.attempts = 0;
                self.run.state = RunState::Running;
                self.run.progress = Some(state);
                self.run.poll_at = Some(self.engine.now() + i64::from(poll_after_ms.max(50)));
                if label.is_some() && label != self.run.label {
                    say(&lines, self.engine.now(), "info", label.as_deref().unwrap_or_default());
                }
                self.run.label = label;
            }
            Ok(Progress::Succeeded { outputs, link, changes }) => {
                self.store_changes(changes, &lines).await;
                self.run.state = RunState::Succeeded;
                self.run.outputs = serde_json::from_slice(&outputs).ok();
                self.run.link = link;
                self.run.label = None;
                say(&lines, self.engine.now(), "info", "succeeded");
            }
            Ok(Progress::Failed(why)) => self.fail(why, &lines),
            Err(EngineError::Plugin(seawall_runtime::CallError::Cancelled)) => return Ok(()),
            Err(EngineError::Plugin(error)) => {
                self.attempts += 1;
                match after_failure(&error.as_failure(), self.attempts, 0.5) {
                    AfterFailure::RetryIn(ms) => {
                        self.run.poll_at = Some(self.engine.now() + ms);
                        say(
                            &lines,
                            self.engine.now(),
                            "warn",
                            &format!("{error}; tried again in {ms} ms"),
                        );
                    }
                    _ => self.fail(error.to_string(), &lines),
                }
            }
            Err(error @ EngineError::Store(_)) => return Err(error),
            Err(error) => self.fail(error.to_string(), &lines),
        }
        self.save(&lines).await
    }

    /// What is done is recorded before and after. A run that was started and has no answer (the host died in between) is
    /// polled with `null` as its state: the run's id is the idempotency key by which the plugin finds what it did.
    async fn call(&mut self, lines: &Arc<Mutex<Vec<LogLine>>>, shutdown: &CancellationToken) -> Result<Progress> {
        let name = IntegrationName::new(&self.run.integration).map_err(|e| EngineError::Internal(e.to_string()))?;
        let site = self.engine.site(&name).await?;
        let target = self
            .run
            .target
            .as_ref()
            .map(|(b, i)| (BlueprintId::new(b), EntityId::new(i)));
        let target = match target {
            Some((Ok(b), Ok(i))) => Some(self.engine.entity(&b, &i).await?.entity),
            _ => None,
        };
        let invocation = Invocation {
            operation: self.run.operation.clone(),
            run: self.run.id.clone(),
            config: site.config.clone(),
            inputs: self.run.inputs.to_string().into_bytes(),
            relations: target
                .as_ref()
                .map(|t| self.engine.relations(&t.blueprint))
                .unwrap_or_default(),
            target,
        };
        let held = self.engine.newest_checkouts(&site, shutdown).await?;
        let sandbox = site.sandbox(&self.engine, &held, sink(lines, &self.engine), shutdown.clone());
        if self.run.state == RunState::Requested {
            self.run.state = RunState::Running;
            say(
                lines,
                self.engine.now(),
                "info",
                &format!("starting {} in {}", self.run.operation, name),
            );
            self.save(lines).await?;
            return Ok(site.plugin.start(&sandbox, invocation).await?);
        }
        if self.run.progress.is_none() && self.attempts > 0 {
            // `start` itself failed in a way that says that nothing was begun.
            return Ok(site.plugin.start(&sandbox, invocation).await?);
        }
        let state = self.run.progress.clone().unwrap_or_else(|| b"null".to_vec());
        Ok(site.plugin.poll(&sandbox, invocation, state).await?)
    }

    fn fail(&mut self, why: String, lines: &Arc<Mutex<Vec<LogLine>>>) {
        say(lines, self.engine.now(), "error", &why);
        self.run.state = RunState::Failed;
        self.run.label = Some(why);
    }

    async fn save(&mut self, lines: &Arc<Mutex<Vec<LogLine>>>) -> Result<()> {
        self.run.updated_at = self.engine.now();
        let log = std::mem::take(&mut *lines.lock().unwrap_or_else(PoisonError::into_inner));
        let store = &self.engine.inner.store;
        store.update_run(&self.run, &log, self.on_duty.duty()).await?;
        self.engine.run_moved(&self.run);
        Ok(())
    }

    /// What the tool now holds is in the catalog before the run is said to have ended.
    async fn store_changes(&self, changes: Vec<LocatedChange>, lines: &Arc<Mutex<Vec<LogLine>>>) {
        if changes.is_empty() {
            return;
        }
        let stored = async {
            let name = IntegrationName::new(&self.run.integration).map_err(|e| EngineError::Internal(e.to_string()))?;
            let site = self.engine.site(&name).await?;
            self.engine
                .store_located(
                    &site,
                    changes,
                    &format!("run:{}", self.run.id),
                    self.on_duty.duty(),
                    None,
                )
                .await
        };
        if let Err(error) = stored.await {
            // The operation itself succeeded; the next pass brings what this could not.
            say(
                lines,
                self.engine.now(),
                "warn",
                &format!("the catalog was not updated at once: {error}"),
            );
        }
    }
}

impl Engine {
    /// Stores changes from outside a pass, partition by partition; the last of them says that `delivery` is done.
    pub(crate) async fn store_located(
        &self,
        site: &Arc<Site>,
        changes: Vec<LocatedChange>,
        cause: &str,
        duty: &Duty,
        delivery: Option<(i64, u32)>,
    ) -> Result<()> {
        let known = self.inner.store.partitions(site.row.id).await?;
        let mut changes = changes.into_iter().peekable();
        while let Some(located) = changes.next() {
            let kind = match &located.change {
                seawall_domain::item::Change::Upsert { kind, .. }
                | seawall_domain::item::Change::Delete { kind, .. } => kind,
            };
            let fits =
                |p: &&seawall_store::PartitionRow| !p.gone && p.kind == *kind && site.slice(p).1 == located.partition;
            let all: Vec<_> = known.iter().filter(fits).collect();
            if all.is_empty() {
                return Err(EngineError::Conflict(format!(
                    "the partition `{}` of kind `{kind}` is not known yet",
                    located.partition
                )));
            }
            let mut having = self.that_have(&all, &located.change).await?.into_iter().peekable();
            while let Some(partition) = having.next() {
                let done = delivery.filter(|_| changes.peek().is_none() && having.peek().is_none());
                self.store_outside(site, partition, located.change.clone(), cause, duty, done)
                    .await?;
            }
        }
        Ok(())
    }

    /// Those of one partition's selectors that have the item already; all of them where none has it. The next pass of
    /// each removes it again where its selector does not choose it.
    async fn that_have<'p>(
        &self,
        all: &[&'p seawall_store::PartitionRow],
        change: &seawall_domain::item::Change,
    ) -> Result<Vec<&'p seawall_store::PartitionRow>> {
        use seawall_domain::item::Change;
        if all.len() < 2 {
            return Ok(all.to_vec());
        }
        let (Change::Upsert { key, .. } | Change::Delete { key, .. }) = change;
        let mut having = Vec::new();
        for partition in all {
            if self.inner.store.item_states(partition.id, &[key]).await?[0].is_some() {
                having.push(*partition);
            }
        }
        Ok(if having.is_empty() { all.to_vec() } else { having })
    }
}

fn say(lines: &Arc<Mutex<Vec<LogLine>>>, at: i64, level: &str, message: &str) {
    let line = LogLine {
        line: 0,
        at,
        level: level.to_owned(),
        message: message.to_owned(),
    };
    lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
}

fn sink(lines: &Arc<Mutex<Vec<LogLine>>>, engine: &Engine) -> LogSink {
    let (lines, clock) = (lines.clone(), engine.inner.clock);
    Arc::new(move |line| say(&lines, clock(), line.level, &line.message))
}
