//! Answers as Unleash's admin API does: projects, environments, and flags that can be switched.

use super::{
    World,
    company::{Service, TEAMS, services},
};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError},
};

const ENVIRONMENTS: [(&str, &str); 3] = [
    ("development", "development"),
    ("staging", "test"),
    ("production", "production"),
];

/// A flag. Its environments are those in which it is on.
#[derive(Debug, Clone)]
pub(super) struct Flag {
    project: &'static str,
    kind: &'static str,
    about: String,
    stale: bool,
    on: BTreeSet<String>,
    age: i64,
}

/// The flags at the start: two for each service.
pub(super) fn flags() -> BTreeMap<String, Flag> {
    services()
        .enumerate()
        .flat_map(|(number, service)| pair(number, service))
        .collect()
}

fn pair(number: usize, service: Service) -> [(String, Flag); 2] {
    let on = |upto: usize| {
        ENVIRONMENTS
            .iter()
            .take(upto)
            .map(|(name, _)| (*name).to_owned())
            .collect()
    };
    let days = 24 * 3600;
    let release = Flag {
        project: service.team,
        kind: "release",
        about: format!("The next version of {}", service.name),
        stale: number % 9 == 4,
        on: on(number % 4),
        age: (number as i64 * 5 + 3) * days,
    };
    let switch = Flag {
        project: service.team,
        kind: "kill-switch",
        about: format!("Off: {} answers with what it last knew", service.name),
        stale: false,
        on: on(3),
        age: (number as i64 * 7 + 30) * days,
    };
    [
        (format!("{}.next", service.name), release),
        (format!("{}.live", service.name), switch),
    ]
}

pub(super) fn router(world: Arc<World>) -> Router {
    Router::new()
        .route("/api/admin/projects", get(projects))
        .route("/api/admin/environments", get(environments))
        .route("/api/admin/projects/{project}/features", get(features))
        .route(
            "/api/admin/projects/{project}/features/{flag}/environments/{environment}/{state}",
            post(switch),
        )
        .with_state(world)
}

async fn projects(State(world): State<Arc<World>>) -> Json<Value> {
    let flags = world.flags.lock().unwrap_or_else(PoisonError::into_inner);
    let project = |(name, about): &(&str, &str)| {
        let mine: Vec<_> = flags.values().filter(|flag| flag.project == *name).collect();
        let stale = mine.iter().filter(|flag| flag.stale).count();
        let health = (mine.len() - stale) * 100 / mine.len().max(1);
        json!({
            "id": name, "name": name, "description": about, "mode": "open", "favorite": false, "archivedAt": null,
            "featureCount": mine.len(), "memberCount": 5, "health": health, "createdAt": world.ago(400 * 24 * 3600),
            "updatedAt": world.ago(3600),
        })
    };
    Json(json!({"version": 1, "projects": TEAMS.iter().map(project).collect::<Vec<_>>()}))
}

async fn environments() -> Json<Value> {
    let environment = |(order, (name, kind)): (usize, &(&str, &str))| {
        let mut value =
            json!({"name": name, "type": kind, "enabled": true, "protected": false, "sortOrder": order * 100});
        if *kind == "production" {
            value["requiredApprovals"] = 1.into();
        }
        value
    };
    Json(json!({"version": 1, "environments": ENVIRONMENTS.iter().enumerate().map(environment).collect::<Vec<_>>()}))
}

async fn features(State(world): State<Arc<World>>, Path(project): Path<String>) -> Response {
    if !TEAMS.iter().any(|(name, _)| *name == project) {
        return no(format!("Could not find project with id {project}"));
    }
    let flags = world.flags.lock().unwrap_or_else(PoisonError::into_inner);
    let mine = flags.iter().filter(|(_, flag)| flag.project == project);
    let features: Vec<_> = mine.map(|(name, flag)| feature(&world, name, flag)).collect();
    Json(json!({"version": 2, "features": features})).into_response()
}

fn feature(world: &World, name: &str, flag: &Flag) -> Value {
    let environment = |(order, (each, kind)): (usize, &(&str, &str))| {
        json!({
            "name": each, "type": kind, "enabled": flag.on.contains(*each), "sortOrder": order * 100, "variantCount": 0,
            "hasStrategies": true, "hasEnabledStrategies": true, "lastSeenAt": null,
        })
    };
    json!({
        "name": name, "type": flag.kind, "description": flag.about, "stale": flag.stale, "impressionData": false,
        "favorite": false, "dependencyType": null, "createdAt": world.ago(flag.age), "lastSeenAt": null,
        "environments": ENVIRONMENTS.iter().enumerate().map(environment).collect::<Vec<_>>(),
        "tags": [{"type": "simple", "value": flag.project}],
    })
}

async fn switch(
    State(world): State<Arc<World>>,
    Path((project, name, environment, state)): Path<(String, String, String, String)>,
) -> Response {
    let mut flags = world.flags.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(flag) = flags.get_mut(&name).filter(|flag| flag.project == project) else {
        return no(format!("Could not find feature with name {name}"));
    };
    if !ENVIRONMENTS.iter().any(|(known, _)| *known == environment) {
        return no(format!("Could not find environment {environment}"));
    }
    match state.as_str() {
        "on" => drop(flag.on.insert(environment)),
        "off" => drop(flag.on.remove(&environment)),
        other => return no(format!("there is no {other}")),
    }
    StatusCode::OK.into_response()
}

fn no(message: String) -> Response {
    (
        StatusCode::NOT_FOUND,
        Json(json!({"id": "sample", "name": "NotFoundError", "message": message})),
    )
        .into_response()
}
