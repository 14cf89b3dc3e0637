//! One call of a plugin: a fresh instance, its bounds, and an error that names the cause.

mod account;
mod roles;
mod still;
mod types;

pub use types::{Delivery, Invocation, Progress, Scope, Subject};

use crate::{
    CallError, Plugin,
    catalog::CatalogReader,
    door::{Bounds, Door},
    limiter::Limiter,
    log::{Lines, LogSink, Stdio},
    state::{Hooks, State},
};
use account::over;
use futures::future::BoxFuture;
use seawall_domain::limits::Limits;
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;
use wasmtime::{Store, UpdateDeadline, component::Instance, component::ResourceTable};
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

/// Handles that one call may hold at once: headers, requests, bodies, streams, timers. They live in the host's memory, which
/// the bound of the guest's does not count.
const MAX_RESOURCES: usize = 10_000;
/// What wasmtime itself may keep for them at most: a stream or a future has a few entries for its two handles.
const MAX_CONCURRENT: usize = 4 * MAX_RESOURCES;
/// Bytes of one set of headers that a guest makes. With [`MAX_RESOURCES`] the most that one call can make the host hold.
const MAX_FIELDS_BYTES: usize = 32 << 10;

struct Watch {
    lines: Arc<Lines>,
    bounds: Arc<Bounds>,
    stdio: [Stdio; 2],
}

/// What a call was refused, whatever it answered then.
struct Refused {
    /// Why the first request that the door refused was.
    request: Option<String>,
    /// The limit of memory or tables that it ran into: languages with errors of their own say no more than `MemoryError`.
    limit: Option<CallError>,
}

impl Plugin {
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
        if let Some(at) = sandbox.door.as_ref().and_then(|door| door.moment()) {
            still::stand(&mut wasi, at);
        }
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
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(MAX_FIELDS_BYTES);
        let state = State {
            wasi: wasi.build(),
            http,
            table,
            hooks,
            limiter: Limiter::new(memory),
            lines: lines.clone(),
            catalog: sandbox.catalog.clone(),
            epochs: 0,
        };
        let mut store = Store::new(self.inner.runtime.engine(), state);
        store.limiter(|s| &mut s.limiter);
        store.set_epoch_deadline(1);
        let lane = self.inner.runtime.lane().clone();
        store.epoch_deadline_callback(move |mut store| {
            let epochs = &mut store.data_mut().epochs;
            *epochs = epochs.saturating_add(1);
            Ok(match lane.turn(*epochs, Instant::now()) {
                None => UpdateDeadline::Yield(1),
                Some(at) => UpdateDeadline::YieldCustom(1, Box::pin(tokio::time::sleep_until(at.into()))),
            })
        });
        // What WASI 0.3 hands out (streams, futures, tasks) is counted by wasmtime itself, in a table of its own.
        store.set_max_component_handles(MAX_RESOURCES);
        if let Some(table) = store.concurrent_resource_table() {
            table.set_max_capacity(MAX_CONCURRENT);
        }
        store.set_hostcall_fuel(usize::try_from(limits.result_bytes).unwrap_or(usize::MAX));
        Ok((store, Watch { lines, bounds, stdio }))
    }

    /// Runs `f` in a fresh instance under the sandbox's bounds. Besides its answer: what it was refused meanwhile.
    async fn run<T: Send>(
        &self,
        sandbox: &Sandbox,
        f: impl for<'a> FnOnce(&'a mut Store<State>, &'a Instance) -> BoxFuture<'a, wasmtime::Result<T>> + Send,
    ) -> Result<(T, Refused), CallError> {
        let _place = self
            .inner
            .runtime
            .calls()
            .acquire()
            .await
            .map_err(|e| CallError::Host(e.to_string()))?;
        let _busy = self.inner.rest.busy();
        let (mut store, watch) = self.store(sandbox)?;
        let timeout = Duration::from_millis(sandbox.limits.timeout_ms);
        let crossed = watch.bounds.crossed_token();
        let grant_ends = async {
            match &sandbox.door {
                Some(door) => door.ends().await,
                None => std::future::pending().await,
            }
        };
        let work = async {
            let instance = self.inner.pre.instantiate_async(&mut store).await?;
            f(&mut store, &instance).await
        };
        let ended = tokio::select! {
            biased;
            () = sandbox.cancel.cancelled() => return Err(CallError::Cancelled),
            () = crossed.cancelled() => None,
            () = grant_ends => None,
            ended = tokio::time::timeout(timeout, work) => Some(ended),
        };
        self.inner.runtime.lane().ended(store.data().epochs, Instant::now());
        for stdio in &watch.stdio {
            stdio.finish();
        }
        if let Some(limit) = watch.bounds.crossed() {
            return Err(over(limit, &sandbox.limits));
        }
        // Also where it has answered: a guest that is told that its request was ended may go on all the same.
        if let Some(why) = sandbox.door.as_ref().and_then(|door| door.ended()) {
            return Err(CallError::GrantEnded(why));
        }
        match ended {
            None | Some(Err(_)) => Err(over("timeout_ms", &sandbox.limits)),
            Some(Ok(Ok(value))) => {
                let refused = Refused {
                    request: watch.bounds.refusal(),
                    limit: store.data().limiter.refused().map(|limit| over(limit, &sandbox.limits)),
                };
                Ok((value, refused))
            }
            Some(Ok(Err(error))) => Err(self.account(&error, &store, &watch, &sandbox.limits)),
        }
    }
}
