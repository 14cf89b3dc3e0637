//! While the index is filled after a start: what is asked of it waits, and one entity by its name is read from the database
//! already.

use super::{App, problem::Problem};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// What needs no index.
const BY_NAME: &str = "/api/v1/blueprints/{blueprint}/entities/{identifier}";

/// Holds a request until the index is filled, unless it needs none.
pub(super) async fn wait(State(app): State<App>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let route = request.extensions().get::<MatchedPath>();
    let by_name = reads && route.is_some_and(|route| route.as_str() == BY_NAME);
    if !(by_name || app.engine.is_started()) {
        tokio::select! {
            () = app.engine.started() => {}
            () = app.closing.cancelled() => return not_ready().into_response(),
        }
    }
    next.run(request).await
}

/// What is answered where nobody is to wait.
pub(super) fn not_ready() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "not-ready",
        "The index is being filled",
        "the server was started just now and reads the catalog; ask again in some seconds",
    )
}
