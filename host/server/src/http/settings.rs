//! `/settings`: what holds for the whole server.

use super::{
    App,
    extract::{Json as Body, Path},
    problem::Problem,
};
use axum::{Json, extract::State};
use seawall_domain::definition::LOCKED;
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
