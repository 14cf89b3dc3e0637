//! Whether the process lives, and whether it can answer.

use super::{App, opening, problem::Problem};
use axum::{extract::State, http::StatusCode, response::Html};

/// `ok` while the process lives.
#[utoipa::path(get, path = "/healthz", tag = "operation", security(()), responses((status = 200, body = String)))]
pub(super) async fn alive() -> &'static str {
    "ok"
}

/// `ready` once the index is filled and while the database answers.
#[utoipa::path(get, path = "/readyz", tag = "operation", security(()),
    responses((status = 200, body = String), (status = 503, body = Problem)))]
pub(super) async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    if !app.engine.is_started() {
        return Err(opening::not_ready());
    }
    match app.engine.ready().await {
        Ok(()) => Ok("ready"),
        Err(e) => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not-ready",
            "The database does not answer",
            e.to_string(),
        )),
    }
}

/// A page for people who open the address in a browser.
pub(super) async fn home() -> Html<&'static str> {
    Html(include_str!("home.html"))
}
