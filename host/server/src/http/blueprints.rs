//! `/blueprints`.

use super::{
    App,
    extract::{Json, Path, Query},
    listing::Page,
    owned::Speaker,
    problem::Problem,
};
use axum::{Extension, Json as Answer, extract::State, http::StatusCode};
use seawall_domain::{
    Blueprint, BlueprintId,
    definition::blueprint::{ADDED, BOOKKEEPING, OWN, PORT},
};
use seawall_engine::EngineError;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use utoipa::IntoParams;

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

/// One blueprint. `warnings` names what is probably a mistake in it, as the other blueprints are now.
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
    let shown = show(&found.blueprint, &found.source, count);
    Ok(Answer(with_warnings(shown, &app, &found.blueprint)))
}

/// Whether it is only looked at.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PutQuery {
    /// `true`: answers what it would do to the entities that are there, and changes nothing.
    dry_run: Option<bool>,
}

/// What goes with it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoveQuery {
    /// `true`: its entities go with it. Without, it is refused where there are any.
    entities: Option<bool>,
}

/// Removes a blueprint. It is refused where relations or aggregations of others lead to it.
#[utoipa::path(delete, path = "/blueprints/{blueprint}", tag = "catalog", params(("blueprint" = String, Path, description = "Its identifier"), RemoveQuery),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn remove(
    State(app): State<App>,
    Path(name): Path<BlueprintId>,
    Query(query): Query<RemoveQuery>,
) -> Result<StatusCode, Problem> {
    app.engine
        .remove_blueprint(&name, query.entities.unwrap_or(false))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Creates or replaces a blueprint, in Port's shape. Entities that are there are checked against it in the background. What is
/// probably a mistake, and can be put all the same, is told under `warnings`, each with its pointer.
#[utoipa::path(put, path = "/blueprints/{blueprint}", tag = "catalog", request_body = Value, params(("blueprint" = String, Path, description = "Its identifier"), PutQuery),
    responses((status = 200, body = Value), (status = 422, body = Problem)))]
pub(super) async fn put(
    State(app): State<App>,
    Path(name): Path<BlueprintId>,
    Query(query): Query<PutQuery>,
    Extension(Speaker(source)): Extension<Speaker>,
    Json(mut blueprint): Json<Blueprint>,
) -> Result<(StatusCode, Answer<Value>), Problem> {
    // What a GET adds may come back with it.
    blueprint.other.retain(|field, _| !ADDED.contains(&field.as_str()));
    let known = OWN.iter().chain(&PORT).chain(&BOOKKEEPING).copied();
    if let Some(field) = blueprint
        .other
        .keys()
        .find(|field| !known.clone().any(|known| known == *field))
    {
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
    if query.dry_run == Some(true) {
        let effect = app.engine.preview_blueprint(&blueprint).await?;
        let effect = serde_json::to_value(effect).map_err(|e| EngineError::Internal(e.to_string()))?;
        return Ok((StatusCode::OK, Answer(with_warnings(effect, &app, &blueprint))));
    }
    let source = source.as_deref().unwrap_or("api");
    app.engine.put_blueprint(&blueprint, source).await?;
    let shown = show(&blueprint, source, 0);
    Ok((StatusCode::OK, Answer(with_warnings(shown, &app, &blueprint))))
}

fn show(blueprint: &Blueprint, source: &str, entities: u64) -> Value {
    let mut value = serde_json::to_value(blueprint).unwrap_or_else(|_| json!({}));
    value["entities"] = entities.into();
    value["source"] = source.into();
    value
}

/// Adds what is probably a mistake; nothing, where nothing is.
fn with_warnings(mut answer: Value, app: &App, blueprint: &Blueprint) -> Value {
    let warnings = app.engine.blueprint_warnings(blueprint).unwrap_or_default();
    if !warnings.is_empty() {
        let each = warnings
            .into_iter()
            .map(|warning| json!({"pointer": warning.pointer, "detail": warning.detail}));
        answer["warnings"] = each.collect();
    }
    answer
}
