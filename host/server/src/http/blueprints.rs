//! `/blueprints`.

use super::{
    App,
    extract::{Json, Path},
    listing::Page,
    problem::Problem,
};
use axum::{Json as Answer, extract::State, http::StatusCode};
use seawall_domain::{Blueprint, BlueprintId};
use seawall_engine::EngineError;
use serde_json::{Value, json};
use std::collections::HashMap;

/// All blueprints, with how many entities each has.
#[utoipa::path(get, path = "/blueprints", tag = "catalog", responses((status = 200, body = Page<Value>)))]
pub(super) async fn list(State(app): State<App>) -> Result<Answer<Page<Value>>, Problem> {
    let counts: HashMap<_, _> = app.engine.counts().into_iter().collect();
    let rows = app.engine.blueprints().await?;
    let items = rows
        .into_iter()
        .map(|row| {
            let count = counts.get(&row.blueprint.identifier).copied().unwrap_or(0);
            show(&row.blueprint, &row.source, count)
        })
        .collect();
    Ok(Answer(Page { items, next: None }))
}

/// One blueprint.
#[utoipa::path(get, path = "/blueprints/{blueprint}", tag = "catalog", params(("blueprint" = String, Path, description = "Its identifier")),
    responses((status = 200, description = "The blueprint in Port's shape", body = Value), (status = 404, body = Problem)))]
pub(super) async fn get(State(app): State<App>, Path(blueprint): Path<String>) -> Result<Answer<Value>, Problem> {
    let rows = app.engine.blueprints().await?;
    let names: Vec<_> = rows.iter().map(|r| r.blueprint.identifier.to_string()).collect();
    let found = rows
        .into_iter()
        .find(|r| r.blueprint.identifier.as_str() == blueprint)
        .ok_or_else(|| {
            let near = seawall_domain::text::nearest(&blueprint, names.iter().map(String::as_str));
            let hint = near.map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
            Problem::not_found(format!("blueprint `{blueprint}` does not exist{hint}"))
        })?;
    let count = app
        .engine
        .counts()
        .into_iter()
        .find(|(b, _)| *b == found.blueprint.identifier)
        .map_or(0, |(_, n)| n);
    Ok(Answer(show(&found.blueprint, &found.source, count)))
}

/// Creates or replaces a blueprint, in Port's shape.
#[utoipa::path(put, path = "/blueprints/{blueprint}", tag = "catalog", request_body = Value, params(("blueprint" = String, Path, description = "Its identifier")),
    responses((status = 200, body = Value), (status = 422, body = Problem)))]
pub(super) async fn put(
    State(app): State<App>,
    Path(name): Path<BlueprintId>,
    Json(mut blueprint): Json<Blueprint>,
) -> Result<(StatusCode, Answer<Value>), Problem> {
    // What a GET adds may come back with it.
    blueprint.other.retain(|field, _| !ADDED.contains(&field.as_str()));
    if let Some(field) = blueprint.other.keys().find(|field| !PORT.contains(&field.as_str())) {
        let known = OWN.iter().chain(&PORT).copied();
        let hint = match seawall_domain::text::nearest(field, known.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are: {}", known.collect::<Vec<_>>().join(", ")),
        };
        return Err(Problem::invalid(
            format!("/{field}"),
            format!("a blueprint has no field `{field}`; {hint}"),
        ));
    }
    if blueprint.identifier != name {
        let detail = format!(
            "the address says `{name}`, the body `{}`; make them the same",
            blueprint.identifier
        );
        return Err(Problem::from(EngineError::Invalid(vec![seawall_engine::Problem::at(
            "/identifier",
            detail,
        )])));
    }
    app.engine.put_blueprint(&blueprint, "api").await?;
    Ok((StatusCode::OK, Answer(show(&blueprint, "api", 0))))
}

/// Fields of a blueprint that this host reads.
const OWN: [&str; 7] = [
    "identifier",
    "title",
    "description",
    "icon",
    "schema",
    "relations",
    "precedence",
];
/// Further ones of Port's, which are kept.
const PORT: [&str; 12] = [
    "aggregationProperties",
    "calculationProperties",
    "changelogDestination",
    "createdAt",
    "createdBy",
    "id",
    "mirrorProperties",
    "ownership",
    "permissions",
    "teamInheritance",
    "updatedAt",
    "updatedBy",
];
/// What [`show`] adds.
const ADDED: [&str; 2] = ["entities", "source"];

fn show(blueprint: &Blueprint, source: &str, entities: u64) -> Value {
    let mut value = serde_json::to_value(blueprint).unwrap_or_else(|_| json!({}));
    value["entities"] = entities.into();
    value["source"] = source.into();
    value
}
