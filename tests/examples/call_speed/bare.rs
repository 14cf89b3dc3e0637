//! Bare wasmtime: the same pool and fresh instances, generated bindings, and nothing that bounds or watches a call.

use exports::seawall::plugin::ingestor;
use seawall::plugin::{catalog, log, types};
use seawall_runtime::Scope;
use wasmtime::{
    Config, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    component::{Component, HasData, InstancePre, Linker, ResourceTable},
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

wasmtime::component::bindgen!({
    inline: "
        package seawall:bare;
        world bare {
            import seawall:plugin/log@0.1.0;
            import seawall:plugin/catalog@0.1.0;
            export seawall:plugin/ingestor@0.1.0;
        }
    ",
    path: "../wit/plugin",
    world: "seawall:bare/bare",
    imports: { default: async | trappable },
    exports: { default: async },
    require_store_data_send: true,
});

struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    hooks: NoRequests,
}

struct NoRequests;

struct Own;

impl HasData for Own {
    type Data<'a> = &'a mut State;
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.hooks,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

type Io = Box<dyn Future<Output = Result<(), wasmtime_wasi_http::Error>> + Send>;
type Sent = Result<(http::Response<WasiBody>, Io), wasmtime_wasi_http::Error>;

impl WasiHttpHooks for NoRequests {
    fn send_request(
        &mut self,
        _request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _errors: Io,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        Box::new(async { Err(wasmtime_wasi_http::Error::HttpRequestDenied) })
    }
}

impl types::Host for State {}

impl log::Host for State {
    async fn write(&mut self, _level: log::Level, _message: String) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl catalog::Host for State {
    async fn get(&mut self, _id: types::EntityRef) -> wasmtime::Result<Option<types::Entity>> {
        Ok(None)
    }

    async fn related(&mut self, _id: types::EntityRef, _relation: String) -> wasmtime::Result<Vec<types::Entity>> {
        Ok(Vec::new())
    }
}

/// An engine with what components import.
pub(crate) struct Engine {
    engine: wasmtime::Engine,
    linker: Linker<State>,
}

/// A component that can be called.
pub(crate) struct Loaded<'a> {
    engine: &'a wasmtime::Engine,
    pre: InstancePre<State>,
    ingestor: ingestor::GuestIndices,
}

impl Engine {
    pub(crate) fn new() -> wasmtime::Result<Self> {
        let mut pool = PoolingAllocationConfig::default();
        // As seawall-runtime's, for 32 calls at once.
        pool.total_component_instances(32)
            .total_stacks(32)
            .total_memories(64)
            .total_tables(128)
            .total_core_instances(14 * 32)
            .max_core_instances_per_component(64)
            .max_memories_per_component(8)
            .max_tables_per_component(16)
            .max_component_instance_size(10 << 20)
            .max_core_instance_size(10 << 20)
            .table_elements(100_000)
            .max_memory_size(256 << 20);
        let mut config = Config::new();
        config
            .wasm_component_model(true)
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
            .memory_reservation(256 << 20);
        let engine = wasmtime::Engine::new(&config)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        log::add_to_linker::<_, Own>(&mut linker, |state| state)?;
        types::add_to_linker::<_, Own>(&mut linker, |state| state)?;
        catalog::add_to_linker::<_, Own>(&mut linker, |state| state)?;
        Ok(Self { engine, linker })
    }

    pub(crate) fn load(&self, bytes: &[u8]) -> wasmtime::Result<Loaded<'_>> {
        let component = Component::from_binary(&self.engine, bytes)?;
        let pre = self.linker.instantiate_pre(&component)?;
        let ingestor = ingestor::GuestIndices::new(&pre)?;
        Ok(Loaded {
            engine: &self.engine,
            pre,
            ingestor,
        })
    }
}

impl Loaded<'_> {
    /// Pulls one page in a fresh instance; how many items it has.
    pub(crate) async fn pull(&self, scope: Scope) -> wasmtime::Result<usize> {
        let state = State {
            wasi: WasiCtx::builder().build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            hooks: NoRequests,
        };
        let mut store = Store::new(self.engine, state);
        let instance = self.pre.instantiate_async(&mut store).await?;
        let guest = self.ingestor.load(&mut store, &instance)?;
        let scope = ingestor::Scope {
            config: scope.config,
            kind: scope.kind,
            selector: scope.selector,
        };
        let page = guest.call_pull(&mut store, &scope, "all", None).await?;
        let page = page.map_err(|failure| wasmtime::format_err!("the plugin failed: {failure:?}"))?;
        Ok(page.changes.len())
    }
}
