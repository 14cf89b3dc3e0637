//! `/subscriptions/{subscription}/letters`: messages that were not taken.

use crate::http::{
    App,
    extract::{Path, Query},
    listing::{Page, PageQuery, limit, newest},
    problem::Problem,
    time,
};
use axum::{Json, extract::State, http::StatusCode};
use seawall_domain::SubscriptionName;
use seawall_store::{LetterRow, LetterState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// A message that was not taken at once.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LetterView {
    /// Its number.
    id: i64,
    /// The change that it tells of.
    position: i64,
    /// The entity, as `BLUEPRINT/IDENTIFIER`.
    entity: String,
    /// `waiting`: it is sent again, or waits for one before it of the same entity. `dead`: it waits for a person.
    #[schema(value_type = String)]
    state: LetterState,
    /// Tries so far.
    attempts: u32,
    /// HTTP status of the last answer; none where there was no answer.
    status: Option<u16>,
    /// Why it was not taken.
    error: Option<String>,
    /// When it is sent again.
    due_at: Option<String>,
    /// When it was last tried.
    tried_at: Option<String>,
    /// When it was to be sent first.
    created_at: String,
}

/// A letter with its body.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LetterDetails {
    #[serde(flatten)]
    letter: LetterView,
    /// What is sent.
    #[schema(value_type = Object)]
    payload: Value,
}

/// Which letters.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LetterQuery {
    /// Only `waiting` or `dead` ones.
    #[param(value_type = Option<String>)]
    state: Option<LetterState>,
    /// From the answer before.
    cursor: Option<String>,
    /// 1 to 1,000; 50 where absent.
    limit: Option<usize>,
}

fn show(row: LetterRow) -> LetterView {
    LetterView {
        id: row.id,
        position: row.position,
        entity: row.entity,
        state: row.state,
        attempts: row.attempts,
        status: row.status,
        error: row.error,
        due_at: (row.state == LetterState::Waiting).then(|| time::show(row.due)),
        tried_at: row.tried_at.map(time::show),
        created_at: time::show(row.created_at),
    }
}

fn details(row: LetterRow) -> LetterDetails {
    LetterDetails {
        payload: serde_json::from_str(&row.payload).unwrap_or_default(),
        letter: show(row),
    }
}

/// Messages that were not taken, newest first.
#[utoipa::path(get, path = "/subscriptions/{subscription}/letters", tag = "events",
    params(("subscription" = String, Path, description = "The subscription"), LetterQuery),
    responses((status = 200, body = Page<LetterView>), (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Path(name): Path<SubscriptionName>,
    Query(query): Query<LetterQuery>,
) -> Result<Json<Page<LetterView>>, Problem> {
    let of = format!("letters:{name}:{:?}", query.state);
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let (n, before) = (limit(page.limit)?, page.before(&of)?);
    let rows = app.engine.letters(&name, query.state, before, n + 1).await?;
    Ok(Json(newest(&of, n, rows, |row| row.id, show)))
}

/// One message with its body.
#[utoipa::path(get, path = "/subscriptions/{subscription}/letters/{letter}", tag = "events",
    params(("subscription" = String, Path, description = "The subscription"), ("letter" = i64, Path, description = "Its number")),
    responses((status = 200, body = LetterDetails), (status = 404, body = Problem)))]
pub(crate) async fn get(
    State(app): State<App>,
    Path((name, letter)): Path<(SubscriptionName, i64)>,
) -> Result<Json<LetterDetails>, Problem> {
    Ok(Json(details(app.engine.letter(&name, letter).await?)))
}

/// Lets a dead message be sent again, from its first try.
#[utoipa::path(post, path = "/subscriptions/{subscription}/letters/{letter}/retry", tag = "events",
    params(("subscription" = String, Path, description = "The subscription"), ("letter" = i64, Path, description = "Its number")),
    responses((status = 200, body = LetterDetails), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn retry(
    State(app): State<App>,
    Path((name, letter)): Path<(SubscriptionName, i64)>,
) -> Result<Json<LetterDetails>, Problem> {
    Ok(Json(details(app.engine.retry_letter(&name, letter).await?)))
}

/// Drops a dead message.
#[utoipa::path(delete, path = "/subscriptions/{subscription}/letters/{letter}", tag = "events",
    params(("subscription" = String, Path, description = "The subscription"), ("letter" = i64, Path, description = "Its number")),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn remove(
    State(app): State<App>,
    Path((name, letter)): Path<(SubscriptionName, i64)>,
) -> Result<StatusCode, Problem> {
    app.engine.drop_letter(&name, letter).await?;
    Ok(StatusCode::NO_CONTENT)
}
