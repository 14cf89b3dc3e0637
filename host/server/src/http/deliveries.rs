//! `/hooks/{integration}`, where tools deliver, and `/deliveries`, where people look after what could not be taken.

use super::{
    App,
    extract::{self, Path, Query},
    listing::{Page, PageQuery, limit, newest},
    problem::Problem,
    time,
};
use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use seawall_domain::IntegrationName;
use seawall_engine::{NotTaken, Taken};
use seawall_store::{DeliveryFilter, DeliveryRow, DeliveryState};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

/// GitHub sends up to 25 MB.
pub(super) const MAX_DELIVERY: usize = 25 << 20;

/// Takes a delivery: 202 once it is stored, 200 where it was there already. Who sent it is proven by its signature, so there is
/// no token.
#[utoipa::path(post, path = "/hooks/{integration}", tag = "deliveries", security(()), request_body(content = Object, description = "As the tool sends it"),
    params(("integration" = String, Path, description = "Whose webhook it is")),
    responses((status = 200, description = "It was there already"), (status = 202, description = "It is stored"), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn receive(
    State(app): State<App>,
    Path(integration): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let nobody = || {
        let detail = "no integration of this name takes deliveries; its document names how they are signed: `webhook: {scheme: github, \
                      secret: CREDENTIAL}`";
        Problem::not_found(detail)
    };
    let name = IntegrationName::new(&integration).map_err(|_| nobody())?;
    let headers = request.headers().iter();
    let headers = headers
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let body = extract::body(request, &app, MAX_DELIVERY).await?;
    match app.engine.take_delivery(&name, headers, body.to_vec()).await {
        Ok(Taken::Stored(id)) => Ok((StatusCode::ACCEPTED, Json(json!({"delivery": id}))).into_response()),
        Ok(Taken::Duplicate) => Ok(Json(json!({"duplicate": true})).into_response()),
        Ok(Taken::Challenge(text)) => Ok(([(header::CONTENT_TYPE, "text/plain")], text).into_response()),
        Err(NotTaken::Nobody) => Err(nobody()),
        Err(NotTaken::Unproven(why)) => {
            tracing::warn!(integration = %name, "a delivery was refused: {why}");
            let title = "Nobody knows who sent this";
            Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "unproven",
                title,
                why.to_string(),
            ))
        }
        Err(NotTaken::Failed(error)) => Err(error.into()),
    }
}

/// A delivery.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryView {
    /// Rises in the order in which they came.
    id: i64,
    /// The integration.
    integration: String,
    /// `waiting`, `done`, `dead` or `dropped`.
    #[schema(value_type = String)]
    state: DeliveryState,
    /// What tells it from another; null where the tool says nothing.
    key: Option<String>,
    /// Size of its body.
    bytes: u64,
    /// Calls of the plugin so far.
    attempts: u32,
    /// Why the last one failed.
    error: Option<String>,
    /// When it came.
    received_at: String,
    /// When it is tried again; null where it does not wait.
    due_at: Option<String>,
    /// When it was done, given up or dropped.
    ended_at: Option<String>,
}

/// A delivery as it came.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryDetails {
    #[serde(flatten)]
    delivery: DeliveryView,
    /// Without those that prove who sent it. Empty once it is done or dropped.
    headers: Vec<(String, String)>,
    /// Its body where it is text; null once it is done or dropped.
    text: Option<String>,
    /// Its body in base64 where it is no text.
    base64: Option<String>,
}

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveryQuery {
    /// Of one integration.
    integration: Option<String>,
    /// Only `waiting`, `done`, `dead` or `dropped` ones.
    #[param(value_type = Option<String>)]
    state: Option<DeliveryState>,
    /// From the answer before.
    cursor: Option<String>,
    /// 1 to 1,000; 50 where absent.
    limit: Option<usize>,
}

fn show(row: DeliveryRow) -> DeliveryView {
    DeliveryView {
        due_at: (row.state == DeliveryState::Waiting).then(|| time::show(row.due)),
        id: row.id,
        integration: row.integration,
        state: row.state,
        key: row.dedupe,
        bytes: row.bytes,
        attempts: row.attempts,
        error: row.error,
        received_at: time::show(row.received_at),
        ended_at: row.ended_at.map(time::show),
    }
}

fn details(mut row: DeliveryRow) -> DeliveryDetails {
    let (headers, body) = (std::mem::take(&mut row.headers), std::mem::take(&mut row.body));
    let gone = matches!(row.state, DeliveryState::Done | DeliveryState::Dropped);
    let (text, base64) = match String::from_utf8(body) {
        _ if gone => (None, None),
        Ok(text) => (Some(text), None),
        Err(bytes) => (None, Some(STANDARD.encode(bytes.as_bytes()))),
    };
    DeliveryDetails {
        delivery: show(row),
        headers,
        text,
        base64,
    }
}

/// Deliveries, newest first. Those that were done or dropped are kept for a week, without their bodies.
#[utoipa::path(get, path = "/deliveries", tag = "deliveries", params(DeliveryQuery), responses((status = 200, body = Page<DeliveryView>)))]
pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<DeliveryQuery>,
) -> Result<Json<Page<DeliveryView>>, Problem> {
    let of = format!("deliveries:{:?}", (&query.integration, query.state));
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let (n, before) = (limit(page.limit)?, page.before(&of)?);
    let filter = DeliveryFilter {
        integration: query.integration,
        state: query.state,
    };
    let rows = app.engine.deliveries(&filter, before, n + 1).await?;
    Ok(Json(newest(&of, n, rows, |row| row.id, show)))
}

/// A delivery with its headers and its body.
#[utoipa::path(get, path = "/deliveries/{id}", tag = "deliveries", params(("id" = i64, Path, description = "The delivery")),
    responses((status = 200, body = DeliveryDetails), (status = 404, body = Problem)))]
pub(super) async fn get(State(app): State<App>, Path(id): Path<i64>) -> Result<Json<DeliveryDetails>, Problem> {
    Ok(Json(details(app.engine.delivery(id).await?)))
}

/// Lets a dead delivery be tried again.
#[utoipa::path(post, path = "/deliveries/{id}/retry", tag = "deliveries", params(("id" = i64, Path, description = "The delivery")),
    responses((status = 200, body = DeliveryDetails), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn retry(State(app): State<App>, Path(id): Path<i64>) -> Result<Json<DeliveryDetails>, Problem> {
    Ok(Json(details(app.engine.retry_delivery(id).await?)))
}

/// Gives up a delivery that is dead or waits.
#[utoipa::path(delete, path = "/deliveries/{id}", tag = "deliveries", params(("id" = i64, Path, description = "The delivery")),
    responses((status = 200, body = DeliveryDetails), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn remove(State(app): State<App>, Path(id): Path<i64>) -> Result<Json<DeliveryDetails>, Problem> {
    Ok(Json(details(app.engine.drop_delivery(id).await?)))
}
