//! The HTTP API under `/api/v1`: one file a resource, thin handlers over the engine.

mod access;
mod audit;
mod blueprints;
mod credentials;
mod deliveries;
mod egress;
mod entities;
mod extract;
mod grants;
mod health;
mod install;
mod integrations;
mod listing;
mod metrics;
mod passes;
mod plugins;
mod policy;
mod problem;
mod reach;
mod rules;
mod runs;
mod time;
mod unread;

pub use access::Token;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{get, post},
};
use seawall_engine::Engine;
use std::sync::Arc;
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
}

impl App {
    /// An app over an engine; every request under `/api` must carry the token.
    pub fn new(engine: Engine, token: Token) -> Self {
        Self {
            engine,
            token: Arc::new(token),
            metrics: Arc::default(),
        }
    }
}

/// JSON bodies may not be larger.
const MAX_BODY: usize = 2 << 20;
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
        .routes(routes!(blueprints::get, blueprints::put))
        .routes(routes!(entities::list::list))
        .routes(routes!(
            entities::get::get,
            entities::write::put,
            entities::write::patch,
            entities::write::remove
        ))
        .routes(routes!(entities::write::bulk))
        .routes(routes!(entities::history::history))
        .routes(routes!(entities::list::count))
        .routes(routes!(entities::list::facet))
        .routes(routes!(plugins::get, plugins::remove))
        .routes(routes!(grants::get, grants::put, grants::revoke))
        .routes(routes!(grants::tighten))
        .routes(routes!(plugins::roll_back))
        .routes(routes!(integrations::list))
        .routes(routes!(integrations::get, integrations::put, integrations::remove))
        .routes(routes!(integrations::sync))
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
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .merge(
            OpenApiRouter::new()
                .routes(routes!(plugins::list, install::install))
                .layer(DefaultBodyLimit::max(MAX_COMPONENT)),
        )
}

fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(ApiDoc::openapi()).nest("/api/v1", resources())
}

/// The OpenAPI 3.1 document, generated from the handlers.
pub fn openapi() -> utoipa::openapi::OpenApi {
    documented().into_openapi()
}

/// All routes.
pub fn router(app: App) -> Router {
    let (api, document) = documented().split_for_parts();
    let document = Arc::new(document);
    let served = {
        let document = document.clone();
        move || async move { axum::Json((*document).clone()) }
    };
    let api = api
        .route("/api/v1/openapi.json", get(served))
        .route_layer(middleware::from_fn_with_state(app.clone(), access::require_token));
    Router::new()
        .merge(api)
        .route(
            "/hooks/{integration}",
            post(deliveries::receive).layer(DefaultBodyLimit::max(deliveries::MAX_DELIVERY)),
        )
        .route("/", get(health::home))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::expose))
        .fallback(problem::no_such_route)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(middleware::from_fn_with_state(app.clone(), metrics::count))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(middleware::from_fn(unread::drain))
        .layer(CompressionLayer::new())
        .layer(TraceLayer::new_for_http())
        .with_state(app)
}
