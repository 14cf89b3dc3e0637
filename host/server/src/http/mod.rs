//! The HTTP API under `/api/v1`: one file a resource, thin handlers over the engine.

mod access;
mod audit;
mod blueprints;
mod changes;
mod credentials;
mod definitions;
mod deliveries;
mod egress;
mod entities;
mod events;
mod extract;
mod failures;
mod grants;
mod health;
mod history;
mod install;
mod integrations;
mod listing;
mod metrics;
mod opening;
mod operations;
mod owned;
mod passes;
mod plugins;
mod policy;
mod position;
mod problem;
mod reach;
mod retention;
mod rules;
mod runs;
mod search;
mod selection;
mod settings;
mod sources;
mod strict;
mod subscriptions;
mod time;
mod unread;
mod views;
mod workbench;

pub use access::Token;

use axum::{Extension, Router, extract::DefaultBodyLimit, middleware, routing::get};
use seawall_engine::Engine;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer, trace::TraceLayer};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// What handlers share.
#[derive(Clone)]
pub struct App {
    pub(crate) engine: Engine,
    pub(crate) token: Arc<Token>,
    pub(crate) metrics: Arc<metrics::Metrics>,
    pub(crate) followers: events::Followers,
    pub(crate) turns: owned::Turns,
    /// The server stops: those who wait for events are let go.
    pub(crate) closing: CancellationToken,
}

impl App {
    /// An app over an engine; every request under `/api` must carry the token.
    pub fn new(engine: Engine, token: Token) -> Self {
        Self {
            engine,
            token: Arc::new(token),
            metrics: Arc::default(),
            followers: events::Followers::default(),
            turns: owned::Turns::default(),
            closing: CancellationToken::new(),
        }
    }

    /// To be cancelled when the server is to stop: streams end, where they would hold it up.
    pub fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }
}

/// JSON bodies may not be larger.
const MAX_BODY: usize = 2 << 20;
/// Nor those of many entities: 1,000 of 10 KB, and then some.
const MAX_BULK: usize = 16 << 20;
/// Components may not be larger.
const MAX_COMPONENT: usize = 128 << 20;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Seawall",
        version = env!("CARGO_PKG_VERSION"),
        description = "The software catalog, its plugins and what they may do. Every request carries `Authorization: Bearer TOKEN`. \
                       Errors are problem+json (RFC 9457) with a stable `type`."
    ),
    modifiers(&Security),
    security(("token" = [])),
)]
struct ApiDoc;

struct Security;

impl Modify for Security {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("token", scheme);
    }
}

fn resources() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(blueprints::list))
        .routes(routes!(blueprints::get, blueprints::put, blueprints::remove))
        .routes(routes!(entities::list::list))
        .routes(routes!(
            entities::get::get,
            entities::write::put,
            entities::write::patch,
            entities::write::remove
        ))
        .routes(routes!(entities::history::history))
        .routes(routes!(entities::list::count))
        .routes(routes!(entities::list::facet))
        .routes(routes!(entities::graph::graph))
        .routes(routes!(search::search))
        .routes(routes!(views::list))
        .routes(routes!(views::get, views::put, views::remove))
        .routes(routes!(views::entities))
        .routes(routes!(plugins::get, plugins::remove))
        .routes(routes!(grants::get, grants::put, grants::revoke))
        .routes(routes!(grants::tighten))
        .routes(routes!(plugins::roll_back))
        .routes(routes!(integrations::list))
        .routes(routes!(integrations::get, integrations::put, integrations::remove))
        .routes(routes!(integrations::sync))
        .routes(routes!(workbench::items))
        .routes(routes!(workbench::get, workbench::put))
        .routes(routes!(workbench::preview))
        .routes(routes!(workbench::roll_back))
        .routes(routes!(integrations::pause))
        .routes(routes!(integrations::resume))
        .routes(routes!(integrations::cancel))
        .routes(routes!(passes::rejected))
        .routes(routes!(passes::release))
        .routes(routes!(passes::list))
        .routes(routes!(credentials::list))
        .routes(routes!(credentials::put, credentials::remove))
        .routes(routes!(credentials::check))
        .routes(routes!(credentials::rotate_master_key))
        .routes(routes!(definitions::list))
        .routes(routes!(definitions::get, definitions::put, definitions::remove))
        .routes(routes!(definitions::owners))
        .routes(routes!(history::list))
        .routes(routes!(definitions::own, definitions::disown))
        .routes(routes!(settings::all, settings::put_all))
        .routes(routes!(settings::get, settings::put))
        .routes(routes!(operations::document))
        .routes(routes!(sources::list))
        .routes(routes!(sources::entities))
        .routes(routes!(sources::rejected))
        .routes(routes!(egress::list))
        .routes(routes!(audit::list))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::get, deliveries::remove))
        .routes(routes!(deliveries::retry))
        .routes(routes!(reach::list))
        .routes(routes!(policy::get, policy::put))
        .routes(routes!(runs::list, runs::start))
        .routes(routes!(runs::get))
        .routes(routes!(runs::log))
        .routes(routes!(rules::evaluate))
        .routes(routes!(rules::verdicts))
        .routes(routes!(changes::list))
        .routes(routes!(events::follow))
        .routes(routes!(retention::get, retention::put))
        .routes(routes!(subscriptions::list))
        .routes(routes!(subscriptions::get, subscriptions::put, subscriptions::remove))
        .routes(routes!(subscriptions::rotate))
        .routes(routes!(subscriptions::pause))
        .routes(routes!(subscriptions::resume))
        .routes(routes!(subscriptions::letters::list))
        .routes(routes!(subscriptions::letters::get, subscriptions::letters::remove))
        .routes(routes!(subscriptions::letters::retry))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .merge(
            OpenApiRouter::new()
                .routes(routes!(entities::write::bulk))
                .layer(DefaultBodyLimit::max(MAX_BULK)),
        )
        .merge(
            OpenApiRouter::new()
                .routes(routes!(plugins::list, install::install))
                .layer(DefaultBodyLimit::max(MAX_COMPONENT)),
        )
}

/// What asks for no token under `/api`: tools and scrapers come here.
fn others() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(deliveries::receive))
        .layer(DefaultBodyLimit::max(deliveries::MAX_DELIVERY))
        .routes(routes!(metrics::expose))
}

/// What answers also while the server gets ready.
fn health() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
}

fn documented() -> OpenApiRouter<App> {
    let mut router = OpenApiRouter::with_openapi(ApiDoc::openapi()).nest("/api/v1", resources());
    position::document(router.get_openapi_mut());
    owned::document(router.get_openapi_mut());
    router
}

/// The OpenAPI 3.1 document, generated from the handlers.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut openapi = documented().into_openapi();
    openapi.merge(others().into_openapi());
    openapi.merge(health().into_openapi());
    operations::name(&mut openapi);
    openapi
}

/// All routes.
pub fn router(app: App) -> Router {
    let api: Router<App> = documented().into();
    let api = api
        .layer(Extension(operations::Document(Arc::new(openapi()))))
        .route_layer(middleware::from_fn_with_state(app.clone(), owned::guard))
        .route_layer(middleware::from_fn_with_state(app.clone(), position::reflect))
        .route_layer(middleware::from_fn_with_state(app.clone(), opening::wait))
        .route_layer(middleware::from_fn_with_state(app.clone(), access::require_token));
    let others: Router<App> = others().into();
    let others = others.route_layer(middleware::from_fn_with_state(app.clone(), opening::wait));
    let health: Router<App> = health().into();
    Router::new()
        .merge(api)
        .merge(others)
        .merge(health)
        .route("/", get(health::home))
        .fallback(problem::no_such_route)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(middleware::from_fn_with_state(app.clone(), metrics::count))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(middleware::from_fn(unread::drain))
        .layer(CompressionLayer::new())
        .layer(TraceLayer::new_for_http().on_failure(failures::log))
        .with_state(app)
}
