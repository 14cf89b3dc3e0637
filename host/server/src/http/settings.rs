//! `/settings`: what holds for the whole server.

use super::{
    App,
    extract::{Json as Body, Path},
    problem::Problem,
};
use axum::{Json, extract::State};
use seawall_domain::definition::{LOCKED, Settings};
use serde_json::{Value, json};

/// The setting of a name, where there is one.
fn known(name: &str) -> Result<(), Problem> {
    if name == LOCKED {
        return Ok(());
    }
    Err(Problem::not_found(format!(
        "setting `{name}` does not exist; there is: {LOCKED}"
    )))
}

/// All that definitions may set: `{"definitions": {"locked": true}, "retention": {"days": 90, "rows": 100000, "pendingDays": 120}}`.
#[utoipa::path(get, path = "/settings", tag = "settings", operation_id = "get_settings", responses((status = 200, body = Value)))]
pub(super) async fn all(State(app): State<App>) -> Result<Json<Settings>, Problem> {
    Ok(Json(app.engine.definition_settings().await?))
}

/// Sets all of it; what is left out gets its default.
#[utoipa::path(put, path = "/settings", tag = "settings", operation_id = "put_settings", request_body = Value,
    responses((status = 200, body = Value), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn put_all(State(app): State<App>, Body(wanted): Body<Settings>) -> Result<Json<Settings>, Problem> {
    app.engine.put_definition_settings(wanted).await?;
    Ok(Json(wanted))
}

/// A setting. `definitions.locked`: whether what comes from git is read-only elsewhere.
#[utoipa::path(get, path = "/settings/{setting}", tag = "settings", params(("setting" = String, Path, description = "Its name")),
    responses((status = 200, description = "Its name and value", body = Value), (status = 404, body = Problem)))]
pub(super) async fn get(State(app): State<App>, Path(name): Path<String>) -> Result<Json<Value>, Problem> {
    known(&name)?;
    let value = app.engine.definitions_locked().await?;
    Ok(Json(json!({"name": name, "value": value})))
}

/// Sets one: `{"value": false}`.
#[utoipa::path(put, path = "/settings/{setting}", tag = "settings", params(("setting" = String, Path, description = "Its name")),
    request_body = Value, responses((status = 200, body = Value), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn put(
    State(app): State<App>,
    Path(name): Path<String>,
    Body(body): Body<Value>,
) -> Result<Json<Value>, Problem> {
    known(&name)?;
    let Some(locked) = body["value"].as_bool() else {
        return Err(Problem::invalid(
            "/value",
            "expected true or false, such as `{\"value\": false}`",
        ));
    };
    app.engine.lock_definitions(locked).await?;
    Ok(Json(json!({"name": name, "value": locked})))
}
