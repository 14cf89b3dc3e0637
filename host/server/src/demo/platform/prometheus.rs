//! Answers as Prometheus's HTTP API v1 does: scrape targets, alerting rules and alerts.

use super::{
    World,
    alerts::{Alert, RULES},
    company::{TEAMS, services},
};
use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use serde_json::{Value, json};
use std::sync::{Arc, PoisonError};

pub(super) fn router(world: Arc<World>) -> Router {
    Router::new()
        .route("/api/v1/targets", get(targets))
        .route("/api/v1/rules", get(rules))
        .route("/api/v1/alerts", get(alerts))
        .route("/api/v1/status/buildinfo", get(build))
        .route(
            "/sample/fire/{service}",
            post(super::alerts::fire).delete(super::alerts::resolve),
        )
        .with_state(world)
}

fn success(data: Value) -> Json<Value> {
    Json(json!({"status": "success", "data": data}))
}

async fn build() -> Json<Value> {
    success(
        json!({"version": "2.42.0", "revision": "sample", "branch": "", "buildUser": "", "buildDate": "", "goVersion": ""}),
    )
}

/// Three instances of what is in tier 1, two of everything else. An instance is down where its service has an alert that says so.
async fn targets(State(world): State<Arc<World>>) -> Json<Value> {
    let alerts = world.alerts.lock().unwrap_or_else(PoisonError::into_inner);
    let mut all = Vec::new();
    for (number, service) in services().enumerate() {
        let is_down = alerts
            .iter()
            .any(|alert| alert.service == service.name && alert.rule == 0);
        for instance in 0..if service.tier == 1 { 3 } else { 2 } {
            let down = is_down && instance == 0;
            let address = format!("10.20.{number}.{}:8080", instance + 10);
            let labels =
                json!({"instance": address, "job": service.name, "namespace": service.team, "service": service.name});
            all.push(json!({
                "discoveredLabels": {"__address__": address, "__metrics_path__": "/metrics", "__scheme__": "http", "job": service.name},
                "labels": labels,
                "scrapePool": service.name,
                "scrapeUrl": format!("http://{address}/metrics"),
                "globalUrl": format!("http://{address}/metrics"),
                "lastError": if down { "connection refused" } else { "" },
                "lastScrape": world.now(),
                "lastScrapeDuration": 0.0042,
                "health": if down { "down" } else { "up" },
                "scrapeInterval": "15s",
                "scrapeTimeout": "10s",
            }));
        }
    }
    success(json!({"activeTargets": all, "droppedTargets": []}))
}

async fn alerts(State(world): State<Arc<World>>) -> Json<Value> {
    let alerts = world.alerts.lock().unwrap_or_else(PoisonError::into_inner);
    success(json!({"alerts": alerts.iter().map(|alert| shown(&world, alert)).collect::<Vec<_>>()}))
}

fn shown(world: &World, alert: &Alert) -> Value {
    json!({
        "labels": alert.labels(), "annotations": alert.annotations(), "state": "firing",
        "activeAt": world.at(alert.since), "value": "1e+00",
    })
}

/// A group for each team, three rules for each of its services.
async fn rules(State(world): State<Arc<World>>) -> Json<Value> {
    let alerts = world.alerts.lock().unwrap_or_else(PoisonError::into_inner);
    let rule = |service: &'static str, team: &str, number: usize| {
        let (name, severity, query, duration, summary) = RULES[number];
        let firing: Vec<_> = alerts
            .iter()
            .filter(|a| a.service == service && a.rule == number)
            .map(|a| shown(&world, a))
            .collect();
        json!({
            "state": if firing.is_empty() { "inactive" } else { "firing" },
            "name": name, "query": query.replace("SERVICE", service), "duration": duration, "keepFiringFor": 0,
            "labels": {"severity": severity, "service": service, "team": team},
            "annotations": {"summary": summary.replace("SERVICE", service)},
            "alerts": firing, "health": "ok", "evaluationTime": 0.0003, "lastEvaluation": world.now(), "type": "alerting",
        })
    };
    let group = |(team, _): &(&str, &str)| {
        let rules: Vec<_> = services()
            .filter(|service| service.team == *team)
            .flat_map(|service| (0..RULES.len()).map(move |number| (service, number)))
            .map(|(service, number)| rule(service.name, team, number))
            .collect();
        json!({
            "name": team, "file": format!("/etc/prometheus/rules/{team}.yaml"), "rules": rules, "interval": 15, "limit": 0,
            "evaluationTime": 0.004, "lastEvaluation": world.now(),
        })
    };
    success(json!({"groups": TEAMS.iter().map(group).collect::<Vec<_>>()}))
}
