//! The engine, its pool, its clock of epochs, and the cache of compiled code.

use crate::{LoadError, Plugin, lane::Lane, plugin::Checked, state::State};
use seawall_domain::{
    Digest,
    bundle::{BadImport, Bundle},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::Semaphore;
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    component::{Component, Linker},
};

/// Bounds of the whole runtime.
#[derive(Debug, Clone)]
pub struct RuntimeConfig {
    /// Where compiled code is kept; none keeps none.
    pub cache: Option<PathBuf>,
    /// Calls at once. Further ones wait.
    pub concurrent_calls: u32,
    /// The most memory that any instance may be given, bytes.
    pub max_memory_bytes: usize,
    /// Whether components of WASI 0.3 are taken. wasmtime says of its own 0.3 that it is not ready for production, and mends
    /// it in no patch release. Without it none of wasmtime's code for asynchronous components is in use.
    pub wasi_0_3: bool,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            cache: None,
            concurrent_calls: 32,
            max_memory_bytes: 256 << 20,
            wasi_0_3: false,
        }
    }
}

/// Loads components and calls them. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    linker: Linker<State>,
    cache: Option<PathBuf>,
    calls: Semaphore,
    lane: Arc<Lane>,
    max_memory_bytes: usize,
    wasi_0_3: bool,
}

/// How often a running guest gives way to others, and looks whether its call has ended.
pub(crate) const EPOCH: Duration = Duration::from_millis(10);

impl Runtime {
    /// Starts an engine and the thread that ticks its epochs; the thread ends with the runtime.
    ///
    /// # Errors
    /// Where the machine does not have the address space for the pool.
    pub fn new(config: RuntimeConfig) -> Result<Self, LoadError> {
        let failed = |e: wasmtime::Error| LoadError::Invalid(format!("the sandbox cannot start: {e:#}"));
        let engine = Engine::new(&engine_config(&config)).map_err(failed)?;
        let linker = linker(&engine, config.wasi_0_3).map_err(failed)?;
        let ticking = engine.weak();
        std::thread::Builder::new()
            .name("epochs".into())
            .spawn(move || {
                while let Some(engine) = ticking.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    std::thread::sleep(EPOCH);
                }
            })
            .map_err(|e| LoadError::Invalid(format!("the sandbox cannot start: {e}")))?;
        let calls = Semaphore::new(config.concurrent_calls as usize);
        let (cache, max_memory_bytes, wasi_0_3) = (config.cache, config.max_memory_bytes, config.wasi_0_3);
        Ok(Self {
            inner: Arc::new(Inner {
                engine,
                linker,
                cache,
                calls,
                lane: Arc::new(Lane::new(std::thread::available_parallelism().map_or(2, |n| n.get()))),
                max_memory_bytes,
                wasi_0_3,
            }),
        })
    }

    /// Loads a component: checks its section, roles, imports and the types of its functions, and compiles it or takes its
    /// compiled code from the cache. Nothing of it runs. Compiling takes seconds for large components: call this off the
    /// async threads. `digest` is that of the bytes, which whoever read them has compared already.
    ///
    /// # Errors
    /// [`LoadError`], in words for the person who installs it.
    pub fn load(&self, bytes: &[u8], digest: Digest) -> Result<Plugin, LoadError> {
        let checked = Checked::new(bytes, self.inner.wasi_0_3)?;
        let code = Bundle::code_digest(bytes).map_err(|e| LoadError::Invalid(e.to_string()))?;
        let component = match self.cached_component(&code) {
            Some(component) => component,
            None => self.compile(bytes, &code)?,
        };
        Plugin::new(self.clone(), component, digest, checked)
    }

    /// Why a component does not compile. One may be asynchronous without importing anything of WASI 0.3.
    fn no_code(&self, why: &str) -> LoadError {
        if !self.inner.wasi_0_3 && why.contains("component model async") {
            return LoadError::Invalid(format!("{}: {why}", BadImport::Off(Vec::new())));
        }
        LoadError::Compile(why.to_owned())
    }

    fn cached_component(&self, digest: &Digest) -> Option<Component> {
        let path = self.cached(digest)?;
        if !path.exists() {
            return None;
        }
        #[expect(
            unsafe_code,
            reason = "loads code that this host compiled itself: the folder is the host's own (0700), and the file's name \
                      binds wasmtime's full version, its compatibility hash and the SHA-256 of the component's code"
        )]
        // SAFETY: see the reason above.
        let loaded = unsafe { Component::deserialize_file(&self.inner.engine, &path) };
        loaded
            .inspect_err(
                |e| tracing::warn!(path = %path.display(), "compiled code is not usable, compiling anew: {e:#}"),
            )
            .ok()
    }

    fn compile(&self, bytes: &[u8], digest: &Digest) -> Result<Component, LoadError> {
        let started = std::time::Instant::now();
        let component =
            Component::from_binary(&self.inner.engine, bytes).map_err(|e| self.no_code(&format!("{e:#}")))?;
        tracing::info!(
            digest = digest.short(),
            ms = started.elapsed().as_millis() as u64,
            "compiled a component"
        );
        if let Some(path) = self.cached(digest) {
            let code = component
                .serialize()
                .map_err(|e| LoadError::Compile(format!("{e:#}")))?;
            write_whole(&path, &code).map_err(|source| LoadError::Cache {
                digest: digest.to_string(),
                source,
            })?;
            // Code that is mapped from its file can leave memory while nobody calls it.
            return Ok(self.cached_component(digest).unwrap_or(component));
        }
        Ok(component)
    }

    /// The cached code's file: named by all that decides whether it fits. The digest is of the component without its bundle,
    /// so that another manifest or mapping does not compile anew.
    fn cached(&self, digest: &Digest) -> Option<PathBuf> {
        use std::hash::{Hash, Hasher};
        let mut hasher = std::collections::hash_map::DefaultHasher::new();
        self.inner.engine.precompile_compatibility_hash().hash(&mut hasher);
        let name = format!("{}-{}-{:016x}.cwasm", &digest.as_str()[7..], WASMTIME, hasher.finish());
        self.inner.cache.as_ref().map(|folder| folder.join(name))
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    pub(crate) fn linker(&self) -> &Linker<State> {
        &self.inner.linker
    }

    pub(crate) fn lane(&self) -> &Arc<Lane> {
        &self.inner.lane
    }

    pub(crate) fn calls(&self) -> &Semaphore {
        &self.inner.calls
    }

    pub(crate) fn max_memory_bytes(&self) -> u64 {
        self.inner.max_memory_bytes as u64
    }
}

/// wasmtime's full version: its compiled code's own header holds only the major one. A build script reads it from the lock.
const WASMTIME: &str = env!("SEAWALL_WASMTIME_VERSION");

fn engine_config(config: &RuntimeConfig) -> Config {
    let n = config.concurrent_calls;
    // What one component may need at once: Python was measured with 38 core instances.
    // There is room for as many of each as all calls at once may take, so that none takes another one's.
    const INSTANCES: u32 = 64;
    const MEMORIES: u32 = 4;
    const TABLES: u32 = 16;
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(n)
        // An asynchronous call may hold a stack for each of its tasks that is suspended in the middle.
        .total_stacks(if config.wasi_0_3 { 4 * n } else { n })
        .total_memories(MEMORIES * n)
        .total_tables(TABLES * n)
        .total_core_instances(INSTANCES * n)
        .max_core_instances_per_component(INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_component_instance_size(10 << 20)
        .max_core_instance_size(10 << 20)
        .table_elements(100_000)
        .max_memory_size(config.max_memory_bytes);
    let mut engine = Config::new();
    engine
        .epoch_interruption(true)
        .wasm_component_model(true)
        .concurrency_support(config.wasi_0_3)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .memory_reservation(config.max_memory_bytes as u64)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(20));
    engine
}

fn linker(engine: &Engine, wasi_0_3: bool) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    if wasi_0_3 {
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    }
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    crate::bindings::seawall::plugin::log::add_to_linker::<_, crate::state::Own>(&mut linker, |s| s)?;
    crate::bindings::seawall::plugin::types::add_to_linker::<_, crate::state::Own>(&mut linker, |s| s)?;
    crate::bindings::seawall::plugin::catalog::add_to_linker::<_, crate::state::Own>(&mut linker, |s| s)?;
    Ok(linker)
}

/// Writes a file so that a reader sees all of it or none.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(builder.recursive(true), 0o700);
    builder.create(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}
