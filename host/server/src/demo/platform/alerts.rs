//! The sample's alerts, which Prometheus and Alertmanager both show; one can be fired by hand.

use super::{World, company::services};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde_json::{Value, json};
use std::{
    sync::{Arc, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

/// Name, severity, query, seconds before it fires, summary.
pub(super) const RULES: [(&str, &str, &str, u32, &str); 3] = [
    (
        "InstanceDown",
        "critical",
        "up{job=\"SERVICE\"} == 0",
        60,
        "An instance of SERVICE does not answer",
    ),
    (
        "HighErrorRate",
        "critical",
        "sum(rate(http_requests_total{job=\"SERVICE\",code=~\"5..\"}[5m])) / sum(rate(http_requests_total{job=\"SERVICE\"}[5m])) > 0.02",
        300,
        "SERVICE answers more than 2% of its requests with an error",
    ),
    (
        "SlowResponses",
        "warning",
        "histogram_quantile(0.99, rate(http_request_duration_seconds_bucket{job=\"SERVICE\"}[5m])) > 1",
        600,
        "1% of SERVICE's answers take longer than a second",
    ),
];

/// An alert that fires.
#[derive(Debug, Clone)]
pub(super) struct Alert {
    pub(super) service: &'static str,
    pub(super) team: &'static str,
    /// Its place in [`RULES`].
    pub(super) rule: usize,
    /// Seconds since 1970.
    pub(super) since: i64,
}

impl Alert {
    pub(super) fn labels(&self) -> Value {
        let (name, severity, ..) = RULES[self.rule];
        json!({"alertname": name, "severity": severity, "service": self.service, "team": self.team, "job": self.service})
    }

    pub(super) fn annotations(&self) -> Value {
        json!({"summary": RULES[self.rule].4.replace("SERVICE", self.service)})
    }
}

/// What fires at the start.
pub(super) fn at_start(now: i64) -> Vec<Alert> {
    let firing = [
        ("label-printer", 0, 7_200),
        ("recommendations", 2, 5_400),
        ("payment-gateway", 1, 600),
        ("reports", 2, 86_400),
    ];
    firing
        .iter()
        .filter_map(|(service, rule, age)| alert(service, *rule, now - age))
        .collect()
}

fn alert(name: &str, rule: usize, since: i64) -> Option<Alert> {
    let service = services().find(|service| service.name == name)?;
    Some(Alert {
        service: service.name,
        team: service.team,
        rule,
        since,
    })
}

/// Lets a service's error rate rise: `curl -X POST …/sample/fire/cart`.
pub(super) async fn fire(State(world): State<Arc<World>>, Path(service): Path<String>) -> (StatusCode, Json<Value>) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |age| age.as_secs() as i64);
    let Some(new) = alert(&service, 1, now) else {
        return (
            StatusCode::NOT_FOUND,
            Json(json!({"errors": [format!("there is no service {service}")]})),
        );
    };
    let labels = new.labels();
    let mut alerts = world.alerts.lock().unwrap_or_else(PoisonError::into_inner);
    if !alerts
        .iter()
        .any(|alert| alert.service == new.service && alert.rule == new.rule)
    {
        alerts.push(new);
    }
    (StatusCode::OK, Json(json!({"firing": labels})))
}

/// Ends all alerts of a service.
pub(super) async fn resolve(State(world): State<Arc<World>>, Path(service): Path<String>) -> StatusCode {
    world
        .alerts
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .retain(|alert| alert.service != service);
    StatusCode::NO_CONTENT
}
