//! One call of a plugin: a fresh instance, its bounds, and an error that names the cause.

use crate::{
    CallError, Plugin, asked,
    bindings::{
        exports::seawall::plugin::{action, ingestor, rule, webhook},
        seawall::plugin::types,
    },
    catalog::CatalogReader,
    convert,
    door::{Bounds, Door},
    limiter::Limiter,
    log::{Lines, LogSink, Stdio},
    state::{Hooks, State},
};
use futures::future::BoxFuture;
use seawall_domain::{
    Entity, Failure,
    item::{LocatedChange, Page},
    limits::Limits,
    manifest::Role,
    run::RuleVerdict,
};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use wasmtime::{Store, component::Instance, component::ResourceTable};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};
use wasmtime_wasi_http::WasiHttpCtx;

/// What one call may reach, where its log goes, and its bounds.
#[derive(Clone)]
pub struct Sandbox {
    /// Its way out; none: no network.
    pub door: Option<Arc<Door>>,
    /// Read-only directories: where they are on the host, and where the guest sees them.
    pub directories: Vec<(PathBuf, String)>,
    /// The catalog, where the grant lets the plugin read it.
    pub catalog: Option<Arc<dyn CatalogReader>>,
    /// Where its lines go.
    pub log: LogSink,
    /// Its bounds.
    pub limits: Limits,
    /// Ends the call from outside.
    pub cancel: CancellationToken,
}

impl Sandbox {
    /// Nothing but memory and time: enough for a rule.
    pub fn closed() -> Self {
        Self {
            door: None,
            directories: Vec::new(),
            catalog: None,
            log: Arc::new(|_| {}),
            limits: Limits::default(),
            cancel: CancellationToken::new(),
        }
    }
}

/// What is to be listed.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The integration's config, JSON as UTF-8.
    pub config: Vec<u8>,
    /// The kind.
    pub kind: String,
    /// What the mapping says beyond `query`, JSON as UTF-8.
    pub selector: Vec<u8>,
}

/// A webhook's delivery.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// An operation that is to be done.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The manifest's operation.
    pub operation: String,
    /// The run's id: the idempotency key.
    pub run: String,
    /// The integration's config, JSON as UTF-8.
    pub config: Vec<u8>,
    /// Inputs, JSON as UTF-8.
    pub inputs: Vec<u8>,
    /// The entity it works on.
    pub target: Option<Entity>,
    /// The blueprint that each of the target's relations points to.
    pub relations: BTreeMap<String, String>,
}

/// How an operation stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// Still running.
    Running {
        /// For the next `poll`, JSON as UTF-8.
        state: Vec<u8>,
        /// When to poll.
        poll_after_ms: u32,
        /// What a person reads.
        label: Option<String>,
    },
    /// Done.
    Succeeded {
        /// JSON as UTF-8.
        outputs: Vec<u8>,
        /// Where a person can follow up.
        link: Option<String>,
        /// What the tool now holds.
        changes: Vec<LocatedChange>,
    },
    /// Failed, and why.
    Failed(String),
}

/// What a rule judges.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The entity.
    pub entity: Entity,
    /// What the rule asked to see.
    pub related: Vec<Entity>,
}

/// An instance and what its call needs until it ends.
pub(crate) struct Call {
    pub(crate) store: Store<State>,
    pub(crate) instance: Instance,
}

struct Watch {
    lines: Arc<Lines>,
    bounds: Arc<Bounds>,
    stdio: [Stdio; 2],
}

impl Plugin {
    pub(crate) async fn instantiate(&self, sandbox: &Sandbox) -> Result<Call, CallError> {
        let (mut store, _) = self.store(sandbox)?;
        let instance = self
            .inner
            .pre
            .instantiate_async(&mut store)
            .await
            .map_err(|e| host(&e))?;
        Ok(Call { store, instance })
    }

    fn store(&self, sandbox: &Sandbox) -> Result<(Store<State>, Watch), CallError> {
        let limits = &sandbox.limits;
        let lines = Lines::new(sandbox.log.clone(), limits.log_lines);
        let bounds = Arc::new(Bounds::new(limits));
        let stdio = [Stdio::new(lines.clone(), "stdout"), Stdio::new(lines.clone(), "stderr")];
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(stdio[0].clone()).stderr(stdio[1].clone());
        // No environment, no arguments, and no sockets: the context denies what it is not given, and address look-ups
        // and every socket are refused besides.
        wasi.allow_ip_name_lookup(false).allow_tcp(false).allow_udp(false);
        for (host_path, guest_path) in &sandbox.directories {
            wasi.preopened_dir(host_path, guest_path, FsPerms::ReadOnly)
                .map_err(|e| {
                    CallError::Host(format!("the directory {} cannot be opened: {e:#}", host_path.display()))
                })?;
        }
        let hooks = Hooks {
            door: sandbox.door.clone(),
            bounds: bounds.clone(),
            lines: lines.clone(),
        };
        let memory = limits.memory_bytes.min(self.inner.runtime.max_memory_bytes());
        let state = State {
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            hooks,
            limiter: Limiter::new(memory),
            lines: lines.clone(),
            catalog: sandbox.catalog.clone(),
        };
        let mut store = Store::new(self.inner.runtime.engine(), state);
        store.limiter(|s| &mut s.limiter);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store.set_hostcall_fuel(usize::try_from(limits.result_bytes).unwrap_or(usize::MAX));
        Ok((store, Watch { lines, bounds, stdio }))
    }

    /// Runs `f` in a fresh instance under the sandbox's bounds. Besides its answer: why the door refused a request, if it did.
    async fn run<T: Send>(
        &self,
        sandbox: &Sandbox,
        f: impl for<'a> FnOnce(&'a mut Store<State>, &'a Instance) -> BoxFuture<'a, wasmtime::Result<T>> + Send,
    ) -> Result<(T, Option<String>), CallError> {
        let _place = self
            .inner
            .runtime
            .calls()
            .acquire()
            .await
            .map_err(|e| CallError::Host(e.to_string()))?;
        let (mut store, watch) = self.store(sandbox)?;
        let timeout = Duration::from_millis(sandbox.limits.timeout_ms);
        let crossed = watch.bounds.crossed_token();
        let work = async {
            let instance = self.inner.pre.instantiate_async(&mut store).await?;
            f(&mut store, &instance).await
        };
        let ended = tokio::select! {
            biased;
            () = sandbox.cancel.cancelled() => return Err(CallError::Cancelled),
            () = crossed.cancelled() => None,
            ended = tokio::time::timeout(timeout, work) => Some(ended),
        };
        for stdio in &watch.stdio {
            stdio.finish();
        }
        if let Some(limit) = watch.bounds.crossed() {
            return Err(over(limit, &sandbox.limits));
        }
        match ended {
            None | Some(Err(_)) => Err(over("timeout_ms", &sandbox.limits)),
            Some(Ok(Ok(value))) => Ok((value, watch.bounds.refusal())),
            Some(Ok(Err(error))) => Err(self.account(&error, &store, &watch, &sandbox.limits)),
        }
    }

    /// The slices of a kind.
    ///
    /// # Errors
    /// [`CallError`], the plugin's own failures included.
    pub async fn partitions(&self, sandbox: &Sandbox, scope: Scope) -> Result<Vec<String>, CallError> {
        let role = self.inner.roles.ingestor.clone().ok_or(CallError::NoRole("ingestor"))?;
        let scope = ingestor::Scope {
            config: scope.config,
            kind: scope.kind,
            selector: scope.selector,
        };
        let (answer, refusal) = self
            .run(sandbox, move |store, instance| {
                Box::pin(async move { role.load(&mut *store, instance)?.call_partitions(store, &scope).await })
            })
            .await?;
        answer.map_err(|f| failed(f, refusal))
    }

    /// One page of a partition.
    ///
    /// # Errors
    /// [`CallError`], the plugin's own failures included.
    pub async fn pull(
        &self,
        sandbox: &Sandbox,
        scope: Scope,
        partition: &str,
        cursor: Option<&str>,
    ) -> Result<Page, CallError> {
        let role = self.inner.roles.ingestor.clone().ok_or(CallError::NoRole("ingestor"))?;
        let scope = ingestor::Scope {
            config: scope.config,
            kind: scope.kind,
            selector: scope.selector,
        };
        let (partition, cursor) = (partition.to_owned(), cursor.map(str::to_owned));
        let (answer, refusal) = self
            .run(sandbox, move |store, instance| {
                Box::pin(async move {
                    role.load(&mut *store, instance)?
                        .call_pull(store, &scope, &partition, cursor.as_deref())
                        .await
                })
            })
            .await?;
        Ok(convert::page(answer.map_err(|f| failed(f, refusal))?))
    }

    /// Turns a verified delivery into changes.
    ///
    /// # Errors
    /// [`CallError`], the plugin's own failures included.
    pub async fn receive(
        &self,
        sandbox: &Sandbox,
        config: Vec<u8>,
        delivery: Delivery,
    ) -> Result<Vec<LocatedChange>, CallError> {
        let role = self.inner.roles.webhook.clone().ok_or(CallError::NoRole("webhook"))?;
        let delivery = webhook::Delivery {
            headers: delivery.headers,
            body: delivery.body,
        };
        let (answer, refusal) = self
            .run(sandbox, move |store, instance| {
                Box::pin(async move {
                    role.load(&mut *store, instance)?
                        .call_receive(store, &config, &delivery)
                        .await
                })
            })
            .await?;
        Ok(convert::located(answer.map_err(|f| failed(f, refusal))?))
    }

    /// Starts an operation.
    ///
    /// # Errors
    /// [`CallError`], the plugin's own failures included.
    pub async fn start(&self, sandbox: &Sandbox, invocation: Invocation) -> Result<Progress, CallError> {
        let role = self.inner.roles.action.clone().ok_or(CallError::NoRole("action"))?;
        let invocation = invoke(invocation);
        let (answer, refusal) = self
            .run(sandbox, move |store, instance| {
                Box::pin(async move { role.load(&mut *store, instance)?.call_start(store, &invocation).await })
            })
            .await?;
        Ok(progress(answer.map_err(|f| failed(f, refusal))?))
    }

    /// Asks how an operation stands.
    ///
    /// # Errors
    /// [`CallError`], the plugin's own failures included.
    pub async fn poll(&self, sandbox: &Sandbox, invocation: Invocation, state: Vec<u8>) -> Result<Progress, CallError> {
        let role = self.inner.roles.action.clone().ok_or(CallError::NoRole("action"))?;
        let invocation = invoke(invocation);
        let (answer, refusal) = self
            .run(sandbox, move |store, instance| {
                Box::pin(async move {
                    role.load(&mut *store, instance)?
                        .call_poll(store, &invocation, &state)
                        .await
                })
            })
            .await?;
        Ok(progress(answer.map_err(|f| failed(f, refusal))?))
    }

    /// Asks the tool to stop an operation.
    ///
    /// # Errors
    /// [`CallError`], the plugin's own failures included.
    pub async fn cancel(&self, sandbox: &Sandbox, invocation: Invocation, state: Vec<u8>) -> Result<(), CallError> {
        let role = self.inner.roles.action.clone().ok_or(CallError::NoRole("action"))?;
        let invocation = invoke(invocation);
        let (answer, refusal) = self
            .run(sandbox, move |store, instance| {
                Box::pin(async move {
                    role.load(&mut *store, instance)?
                        .call_cancel(store, &invocation, &state)
                        .await
                })
            })
            .await?;
        answer.map_err(|f| failed(f, refusal))
    }

    /// Judges entities: one verdict for each subject, in order. `now` is in milliseconds since 1970, and `target_of`
    /// gives the blueprint that a relation points to.
    ///
    /// # Errors
    /// [`CallError`]; also where the number of verdicts is not that of the subjects.
    pub async fn evaluate(
        &self,
        sandbox: &Sandbox,
        name: &str,
        params: Vec<u8>,
        subjects: &[Subject],
        now: u64,
        target_of: &(dyn Fn(&str, &str) -> Option<String> + Sync),
    ) -> Result<Vec<RuleVerdict>, CallError> {
        let role = self.inner.roles.rule.clone().ok_or(CallError::NoRole("rule"))?;
        let given: Vec<rule::Subject> = subjects
            .iter()
            .map(|s| rule::Subject {
                entity: convert::entity(&s.entity, target_of),
                related: s.related.iter().map(|e| convert::entity(e, target_of)).collect(),
                now,
            })
            .collect();
        let name = name.to_owned();
        let (answer, refusal) = self
            .run(sandbox, move |store, instance| {
                Box::pin(async move {
                    role.load(&mut *store, instance)?
                        .call_evaluate(store, &name, &params, &given)
                        .await
                })
            })
            .await?;
        let verdicts = answer.map_err(|said| {
            let why = match refusal {
                Some(_) => format!("{} ({said})", asked::explain("the network", true)),
                None => said,
            };
            CallError::Failure(Failure::Failed(why))
        })?;
        if verdicts.len() == subjects.len() {
            Ok(verdicts.into_iter().map(convert::verdict).collect())
        } else {
            Err(CallError::BadAnswer(format!(
                "{} verdicts for {} subjects",
                verdicts.len(),
                subjects.len()
            )))
        }
    }
}

fn invoke(invocation: Invocation) -> action::Invocation {
    let relations = invocation.relations;
    let target_of = |_: &str, relation: &str| relations.get(relation).cloned();
    action::Invocation {
        operation: invocation.operation,
        run: invocation.run,
        config: invocation.config,
        inputs: invocation.inputs,
        target: invocation.target.as_ref().map(|e| convert::entity(e, target_of)),
    }
}

fn progress(progress: action::Progress) -> Progress {
    match progress {
        action::Progress::Running(r) => Progress::Running {
            state: r.state,
            poll_after_ms: r.poll_after_ms,
            label: r.label,
        },
        action::Progress::Succeeded(o) => Progress::Succeeded {
            outputs: o.outputs,
            link: o.link,
            changes: convert::located(o.changes),
        },
        action::Progress::Failed(why) => Progress::Failed(why),
    }
}

/// A guest in JavaScript cannot tell a refusal by the door from a tool that is down. The host can, and trying again would
/// not help.
fn failed(failure: types::Failure, refusal: Option<String>) -> CallError {
    CallError::Failure(match (convert::failure(failure), refusal) {
        (Failure::Unavailable(said), Some(why)) => {
            Failure::Failed(format!("{said}; the host refused a request: {why}"))
        }
        (failure, _) => failure,
    })
}

fn host(error: &wasmtime::Error) -> CallError {
    CallError::Host(format!("{error:#}"))
}

impl Plugin {
    /// Tells a limit, and what is not given, from a trap: the guest itself only shows `unreachable`.
    fn account(&self, error: &wasmtime::Error, store: &Store<State>, watch: &Watch, limits: &Limits) -> CallError {
        if let Some(limit) = store.data().limiter.refused() {
            return over(limit, limits);
        }
        if watch.lines.overrun() {
            return over("log_lines", limits);
        }
        let detail = format!("{error:#}");
        if detail.contains("fuel allocated for hostcalls") {
            return over("result_bytes", limits);
        }
        let tail = watch.lines.tail();
        let detail = if let Some(what) = asked::asked_for(error) {
            let is_rule = self.bundle().manifest.roles == [Role::Rule];
            format!("{} ({})", asked::explain(what, is_rule), error.root_cause())
        } else if tail.is_empty() {
            detail
        } else {
            format!("{tail} ({})", error.root_cause())
        };
        CallError::Trap {
            detail: seawall_domain::text::cut(&detail, 4000).into_owned(),
        }
    }
}

fn over(limit: &'static str, limits: &Limits) -> CallError {
    let (bound, hint) = match limit {
        "timeout_ms" => (
            format!("{} ms", limits.timeout_ms),
            "answer smaller pages, or raise the integration's limit",
        ),
        "memory_bytes" => (
            format!("{} bytes", limits.memory_bytes),
            "pull smaller pages, or raise the integration's limit",
        ),
        "response_bytes" => (
            format!("{} bytes", limits.response_bytes),
            "ask the tool for smaller pages, or raise the limit",
        ),
        "request_bytes" => (
            format!("{} bytes", limits.request_bytes),
            "send less in one request, or raise the limit",
        ),
        "requests_in_flight" => (
            format!("{} requests", limits.requests_in_flight),
            "wait for answers before sending more",
        ),
        "requests" => (
            format!("{} requests", limits.requests),
            "spread the work over more pages",
        ),
        "log_lines" => (format!("{} lines", limits.log_lines), "log less"),
        "result_bytes" => (
            format!("{} bytes", limits.result_bytes),
            "answer smaller pages (aim for 1,000 items)",
        ),
        _ => ("200,000".to_owned(), "use fewer or smaller tables"),
    };
    CallError::Limit { limit, bound, hint }
}
