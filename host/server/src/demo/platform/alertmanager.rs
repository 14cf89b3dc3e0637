//! Answers as Alertmanager's API v2 does: alerts and silences.

use super::{World, alerts::Alert};
use axum::{Json, Router, extract::State, routing::get};
use serde_json::{Value, json};
use sha2::Digest as _;
use std::sync::{Arc, PoisonError};

/// The one silence: id, service, who, why.
const SILENCE: (&str, &str, &str, &str) = (
    "5a7c1d0e-0000-4000-8000-000000000001",
    "reports",
    "data-lead",
    "The nightly backfill is slow until the new cluster is there",
);

pub(super) fn router(world: Arc<World>) -> Router {
    Router::new()
        .route("/api/v2/alerts", get(alerts))
        .route("/api/v2/silences", get(silences))
        .route("/api/v2/status", get(status))
        .with_state(world)
}

async fn alerts(State(world): State<Arc<World>>) -> Json<Value> {
    let alerts = world.alerts.lock().unwrap_or_else(PoisonError::into_inner);
    Json(alerts.iter().map(|alert| shown(&world, alert)).collect())
}

fn shown(world: &World, alert: &Alert) -> Value {
    let labels = alert.labels();
    let silenced = alert.service == SILENCE.1;
    json!({
        "annotations": alert.annotations(),
        "startsAt": world.at(alert.since),
        "updatedAt": world.at(alert.since),
        "endsAt": world.at(alert.since + 10 * 365 * 24 * 3600),
        "fingerprint": hex::encode(&sha2::Sha256::digest(labels.to_string())[..8]),
        "receivers": [{"name": alert.team}],
        "status": {
            "inhibitedBy": [],
            "silencedBy": if silenced { vec![SILENCE.0] } else { vec![] },
            "state": if silenced { "suppressed" } else { "active" },
        },
        "generatorURL": "http://prometheus.shop.example/graph",
        "labels": labels,
    })
}

async fn silences(State(world): State<Arc<World>>) -> Json<Value> {
    let (id, service, by, why) = SILENCE;
    Json(json!([{
        "id": id, "status": {"state": "active"}, "comment": why, "createdBy": by, "startsAt": world.ago(86_400),
        "updatedAt": world.ago(86_400), "endsAt": world.ago(-7 * 86_400),
        "matchers": [{"name": "service", "value": service, "isRegex": false, "isEqual": true}],
    }]))
}

async fn status() -> Json<Value> {
    Json(
        json!({"cluster": {"status": "disabled", "peers": []}, "versionInfo": {"version": "0.25.0"}, "uptime": null, "config": {"original": ""}}),
    )
}
