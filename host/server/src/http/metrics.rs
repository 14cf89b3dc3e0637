//! Prometheus metrics.

use super::{App, problem::Problem};
use axum::{
    extract::{MatchedPath, Request, State},
    http::header,
    middleware::Next,
    response::{IntoResponse, Response},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use seawall_engine::EngineError;
use std::{sync::atomic::AtomicU64, time::Instant};

/// What is counted as it happens; everything else is read when it is asked for.
pub(crate) struct Metrics {
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram>,
}

impl Default for Metrics {
    fn default() -> Self {
        let buckets = || Histogram::new([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0]);
        Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(buckets),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BlueprintLabels {
    blueprint: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct IntegrationLabels {
    integration: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SubscriptionLabels {
    subscription: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EgressLabels {
    integration: String,
    host: String,
    allowed: String,
}

/// Counts a request by its route, never by its path: paths are without number.
pub(super) async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("other", MatchedPath::as_str)
        .to_owned();
    let (method, started) = (request.method().to_string(), Instant::now());
    let response = next.run(request).await;
    app.metrics
        .seconds
        .get_or_create(&RouteLabels { route: route.clone() })
        .observe(started.elapsed().as_secs_f64());
    let labels = RequestLabels {
        method,
        route,
        status: response.status().as_u16(),
    };
    app.metrics.requests.get_or_create(&labels).inc();
    response
}

/// All metrics in the text format of OpenMetrics.
#[utoipa::path(get, path = "/metrics", tag = "operation", security(()), responses((status = 200, body = String, content_type = "application/openmetrics-text")))]
pub(super) async fn expose(State(app): State<App>) -> Result<Response, Problem> {
    let mut registry = Registry::with_prefix("seawall");
    registry.register("http_requests", "Requests to the API", app.metrics.requests.clone());
    registry.register(
        "http_request_seconds",
        "Seconds until a response began",
        app.metrics.seconds.clone(),
    );
    let entities = Family::<BlueprintLabels, Gauge>::default();
    for (blueprint, n) in app.engine.counts() {
        entities
            .get_or_create(&BlueprintLabels {
                blueprint: blueprint.to_string(),
            })
            .set(i64::try_from(n).unwrap_or(i64::MAX));
    }
    registry.register("entities", "Entities of a blueprint", entities);
    let (items, failing) = (
        Family::<IntegrationLabels, Gauge>::default(),
        Family::<IntegrationLabels, Gauge>::default(),
    );
    for view in app.engine.integrations().await? {
        let labels = IntegrationLabels {
            integration: view.row.integration.name.to_string(),
        };
        let total: u64 = view.partitions.iter().map(|p| p.items).sum();
        items
            .get_or_create(&labels)
            .set(i64::try_from(total).unwrap_or(i64::MAX));
        failing.get_or_create(&labels).set(i64::from(view.problem.is_some()));
    }
    registry.register("integration_items", "Items that an integration holds", items);
    registry.register("integration_failing", "1 while an integration does not sync", failing);
    let egress = Family::<EgressLabels, Counter<u64, AtomicU64>>::default();
    let unchanged = Family::<EgressLabels, Counter<u64, AtomicU64>>::default();
    for usage in app.engine.store().egress_usage().await.map_err(EngineError::from)? {
        let labels = EgressLabels {
            integration: usage.integration,
            host: usage.host,
            allowed: usage.allowed.to_string(),
        };
        unchanged.get_or_create(&labels).inc_by(usage.unchanged);
        egress.get_or_create(&labels).inc_by(usage.count);
    }
    registry.register(
        "egress_unchanged",
        "Requests of plugins that the tool answered with 304: they cost no quota",
        unchanged,
    );
    registry.register("egress_requests", "Requests of plugins, refused ones too", egress);
    let followers = Gauge::<i64>::default();
    followers.set(i64::try_from(app.followers.count()).unwrap_or(i64::MAX));
    registry.register("followers", "Connections that wait for events", followers);
    subscriptions(&app, &mut registry).await?;
    let mut out = String::new();
    text::encode(&mut out, &registry).map_err(|e| EngineError::Internal(e.to_string()))?;
    Ok((
        [(
            header::CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )],
        out,
    )
        .into_response())
}

/// Outgoing webhooks.
async fn subscriptions(app: &App, registry: &mut Registry) -> Result<(), Problem> {
    let (sent, failed, lost) = (
        Family::<SubscriptionLabels, Counter<u64, AtomicU64>>::default(),
        Family::<SubscriptionLabels, Counter<u64, AtomicU64>>::default(),
        Family::<SubscriptionLabels, Counter<u64, AtomicU64>>::default(),
    );
    let (waiting, dead, behind) = (
        Family::<SubscriptionLabels, Gauge>::default(),
        Family::<SubscriptionLabels, Gauge>::default(),
        Family::<SubscriptionLabels, Gauge>::default(),
    );
    let position = app.engine.position();
    for row in app.engine.store().subscriptions().await.map_err(EngineError::from)? {
        let labels = SubscriptionLabels {
            subscription: row.name.to_string(),
        };
        let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        sent.get_or_create(&labels).inc_by(row.sent);
        failed.get_or_create(&labels).inc_by(row.failed);
        lost.get_or_create(&labels).inc_by(row.lost);
        waiting.get_or_create(&labels).set(signed(row.waiting));
        dead.get_or_create(&labels).set(signed(row.dead));
        behind.get_or_create(&labels).set((position - row.position).max(0));
    }
    registry.register(
        "subscription_sent",
        "Messages that a subscription's receiver took",
        sent,
    );
    registry.register("subscription_failed", "Tries of messages that it did not take", failed);
    registry.register(
        "subscription_lost",
        "Changes that retention took before they were told",
        lost,
    );
    registry.register("subscription_waiting", "Messages that are sent again", waiting);
    registry.register("subscription_dead", "Messages that wait for a person", dead);
    registry.register("subscription_behind", "Changes that were not looked at yet", behind);
    Ok(())
}
