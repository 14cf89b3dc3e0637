//! What one call's store holds, and the interfaces of `seawall:plugin` that the host offers.

use crate::{
    bindings::seawall::plugin::{catalog, log, types},
    catalog::CatalogReader,
    convert,
    door::{Bounds, Door, Unread},
    limiter::Limiter,
    log::Lines,
};
use std::sync::Arc;
use wasmtime::component::{HasData, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

pub(crate) struct State {
    pub(crate) wasi: WasiCtx,
    pub(crate) http: WasiHttpCtx,
    pub(crate) table: ResourceTable,
    pub(crate) hooks: Hooks,
    pub(crate) limiter: Limiter,
    pub(crate) lines: Arc<Lines>,
    pub(crate) catalog: Option<Arc<dyn CatalogReader>>,
    /// Epochs that have passed while it computed.
    pub(crate) epochs: u32,
}

/// Says that the interfaces below are served by [`State`] itself.
pub(crate) struct Own;

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

/// The one door: every request of the guest comes here.
pub(crate) struct Hooks {
    pub(crate) door: Option<Arc<Door>>,
    pub(crate) bounds: Arc<Bounds>,
    pub(crate) lines: Arc<Lines>,
}

type Io = Box<dyn Future<Output = Result<(), wasmtime_wasi_http::Error>> + Send>;
type Sent = Result<(http::Response<WasiBody>, Io), wasmtime_wasi_http::Error>;

impl WasiHttpHooks for Hooks {
    fn set_host_header(&mut self) -> bool {
        // The client sets it from the normalised address.
        false
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _response_errors: Io,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let request = request.map(Unread::wrap);
        let (door, bounds, lines) = (self.door.clone(), self.bounds.clone(), self.lines.clone());
        Box::new(async move {
            let Some(door) = door else {
                const WHY: &str = "this plugin has no network in this call";
                lines.push("warn", &format!("a request was refused: {WHY}"));
                bounds.refuse(WHY);
                return Err(wasmtime_wasi_http::Error::HttpRequestDenied);
            };
            let response = door.send(request, options.unwrap_or_default(), &bounds, &lines).await?;
            Ok((response, Box::new(async { Ok(()) }) as Io))
        })
    }
}

impl types::Host for State {}

impl log::Host for State {
    async fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            log::Level::Debug => "debug",
            log::Level::Info => "info",
            log::Level::Warn => "warn",
            log::Level::Error => "error",
        };
        if self.lines.push(level, &message) {
            Ok(())
        } else {
            Err(wasmtime::format_err!("too many log lines"))
        }
    }
}

impl catalog::Host for State {
    async fn get(&mut self, id: types::EntityRef) -> wasmtime::Result<Option<types::Entity>> {
        let Some(catalog) = &self.catalog else {
            return Err(no_catalog());
        };
        let found = catalog.get(&id.blueprint, &id.identifier).await;
        Ok(found.map(|e| convert::entity(&e, |b, r| catalog.target_of(b, r))))
    }

    async fn related(&mut self, id: types::EntityRef, relation: String) -> wasmtime::Result<Vec<types::Entity>> {
        let Some(catalog) = &self.catalog else {
            return Err(no_catalog());
        };
        let found = catalog.related(&id.blueprint, &id.identifier, &relation).await;
        Ok(found
            .iter()
            .map(|e| convert::entity(e, |b, r| catalog.target_of(b, r)))
            .collect())
    }
}

fn no_catalog() -> wasmtime::Error {
    wasmtime::format_err!(
        "the plugin read the catalog without the capability; its manifest needs `capabilities: {{ catalog: true }}`, and a grant of it"
    )
}
