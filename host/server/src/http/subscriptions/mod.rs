//! `/subscriptions`: who is told of changes by webhook.

pub(super) mod letters;

use super::{
    App,
    extract::{Json as Body, Path},
    listing::Page,
    problem::Problem,
    time,
};
use axum::{Json, extract::State, http::StatusCode};
use ipnet::IpNet;
use seawall_domain::{
    BlueprintId, SubscriptionName,
    subscription::{Kind, Retry, SECRET_BYTES, Subscription, secret},
};
use seawall_engine::{EngineError, SubscriptionRequest, SubscriptionView as Known};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A subscription to create or to replace.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SubscriptionBody {
    /// Where messages go: `https://…`, or `http://…` to addresses that `privateRanges` names.
    url: String,
    /// Only entities of these blueprints; empty: all.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    blueprints: Vec<BlueprintId>,
    /// Only `created`, `updated` or `deleted` ones; empty: all.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    kinds: Vec<Kind>,
    /// Of updates only those that change one of these: a property, `relations.NAME`, `$title`, `$icon` or `$team`; empty: all.
    #[serde(default)]
    fields: Vec<String>,
    /// Nothing is sent; what happens meanwhile is told later.
    #[serde(default)]
    paused: bool,
    /// Further headers of each message, such as `Authorization`. They are sealed and not shown again; left out, a subscription
    /// keeps those that it has.
    headers: Option<BTreeMap<String, String>>,
    /// Ranges of private addresses that it may lead to, such as `10.2.0.0/16`; others than public ones are refused.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    private_ranges: Vec<IpNet>,
    /// Authorities that the receiver's certificate may come from, as PEM; absent: the system's.
    ca: Option<String>,
    /// `{"tries": 12, "firstSeconds": 5, "mostSeconds": 21600}`: when a message that was not taken is sent again.
    #[serde(default)]
    #[schema(value_type = Object)]
    retry: Retry,
    /// Leaves out the entity itself, so that a message says what changed and no more.
    #[serde(default)]
    thin: bool,
    /// Where a new one begins: with what comes after this change position; absent: with what comes next.
    after: Option<i64>,
}

/// A subscription and how it stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SubscriptionView {
    /// Its name.
    name: String,
    /// Where messages go.
    url: String,
    /// Of which blueprints; empty: all.
    blueprints: Vec<String>,
    /// Of which kinds; empty: all.
    #[schema(value_type = Vec<String>)]
    kinds: Vec<Kind>,
    /// Updates of which fields; empty: all.
    fields: Vec<String>,
    /// Whether nothing is sent.
    paused: bool,
    /// The names of its further headers.
    headers: Vec<String>,
    /// Private addresses that it may lead to.
    #[schema(value_type = Vec<String>)]
    private_ranges: Vec<IpNet>,
    /// Authorities that the receiver's certificate may come from.
    ca: Option<String>,
    /// When a message is sent again.
    #[schema(value_type = Object)]
    retry: Retry,
    /// Whether messages leave out the entity itself.
    thin: bool,
    /// Why the host paused it, or why messages are not taken.
    problem: Option<String>,
    /// Each change up to here was told or has a letter.
    position: i64,
    /// How many changes, fitting or not, have come behind that.
    behind: i64,
    /// Messages that were not taken and are sent again, with those behind them.
    waiting: u64,
    /// Messages that wait for a person.
    dead: u64,
    /// Messages that were taken.
    sent: u64,
    /// Tries that were not.
    failed: u64,
    /// Changes that retention took before they could be told.
    lost: u64,
    /// When a message was last taken.
    sent_at: Option<String>,
    /// Until when messages are signed with the secret before too.
    previous_secret_until: Option<String>,
    /// When it was made.
    created_at: String,
    /// When a person last changed it.
    updated_at: String,
    /// The secret, where it was just made. It is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

fn view(known: Known, secret: Option<String>) -> SubscriptionView {
    let Known {
        row,
        headers,
        previous_until,
        behind,
    } = known;
    SubscriptionView {
        name: row.name.to_string(),
        url: row.wanted.url,
        blueprints: row.wanted.blueprints.into_iter().map(String::from).collect(),
        kinds: row.wanted.kinds,
        fields: row.wanted.fields,
        paused: row.paused,
        headers,
        private_ranges: row.wanted.private_ranges,
        ca: row.wanted.ca,
        retry: row.wanted.retry,
        thin: row.wanted.thin,
        problem: row.problem,
        position: row.position,
        behind,
        waiting: row.waiting,
        dead: row.dead,
        sent: row.sent,
        failed: row.failed,
        lost: row.lost,
        sent_at: row.sent_at.map(time::show),
        previous_secret_until: previous_until.map(time::show),
        created_at: time::show(row.created_at),
        updated_at: time::show(row.updated_at),
        secret,
    }
}

fn fresh() -> Result<String, Problem> {
    let mut random = [0; SECRET_BYTES];
    getrandom::fill(&mut random).map_err(|e| EngineError::Internal(format!("the system has no randomness: {e}")))?;
    Ok(secret(random))
}

/// All subscriptions, by name.
#[utoipa::path(get, path = "/subscriptions", tag = "events", responses((status = 200, body = Page<SubscriptionView>)))]
pub(super) async fn list(State(app): State<App>) -> Result<Json<Page<SubscriptionView>>, Problem> {
    let all = app.engine.subscriptions().await?;
    let items = all.into_iter().map(|known| view(known, None)).collect();
    Ok(Json(Page { items, next: None }))
}

/// One subscription.
#[utoipa::path(get, path = "/subscriptions/{subscription}", tag = "events", params(("subscription" = String, Path, description = "Its name")),
    responses((status = 200, body = SubscriptionView), (status = 404, body = Problem)))]
pub(super) async fn get(
    State(app): State<App>,
    Path(name): Path<SubscriptionName>,
) -> Result<Json<SubscriptionView>, Problem> {
    Ok(Json(view(app.engine.subscription(&name).await?, None)))
}

/// Creates or replaces a subscription. The answer to the first one holds the secret that messages are signed with, once; one that is
/// there keeps its secret and its place.
#[utoipa::path(put, path = "/subscriptions/{subscription}", tag = "events", params(("subscription" = String, Path, description = "Its name")),
    request_body = SubscriptionBody,
    responses((status = 200, body = SubscriptionView), (status = 201, body = SubscriptionView), (status = 410, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn put(
    State(app): State<App>,
    Path(name): Path<SubscriptionName>,
    Body(body): Body<SubscriptionBody>,
) -> Result<(StatusCode, Json<SubscriptionView>), Problem> {
    let secret = fresh()?;
    let request = SubscriptionRequest {
        name,
        wanted: Subscription {
            url: body.url,
            blueprints: body.blueprints,
            kinds: body.kinds,
            fields: body.fields,
            private_ranges: body.private_ranges,
            ca: body.ca,
            retry: body.retry,
            thin: body.thin,
        },
        paused: body.paused,
        headers: body.headers,
        after: body.after,
        secret: secret.clone(),
    };
    let (known, new) = app.engine.put_subscription(request).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(view(known, new.then_some(secret)))))
}

/// Removes a subscription with its letters.
#[utoipa::path(delete, path = "/subscriptions/{subscription}", tag = "events", params(("subscription" = String, Path, description = "Its name")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn remove(State(app): State<App>, Path(name): Path<SubscriptionName>) -> Result<StatusCode, Problem> {
    app.engine.remove_subscription(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a new secret, which the answer holds, once. Messages are signed with the one before too for 24 hours.
#[utoipa::path(post, path = "/subscriptions/{subscription}/rotate", tag = "events", params(("subscription" = String, Path, description = "Its name")),
    responses((status = 200, body = SubscriptionView), (status = 404, body = Problem)))]
pub(super) async fn rotate(
    State(app): State<App>,
    Path(name): Path<SubscriptionName>,
) -> Result<Json<SubscriptionView>, Problem> {
    let secret = fresh()?;
    let known = app.engine.rotate_subscription(&name, secret.clone()).await?;
    Ok(Json(view(known, Some(secret))))
}

/// Sends nothing until it is resumed. What happens meanwhile is told then.
#[utoipa::path(post, path = "/subscriptions/{subscription}/pause", tag = "events", params(("subscription" = String, Path, description = "Its name")),
    responses((status = 200, body = SubscriptionView), (status = 404, body = Problem)))]
pub(super) async fn pause(
    State(app): State<App>,
    Path(name): Path<SubscriptionName>,
) -> Result<Json<SubscriptionView>, Problem> {
    Ok(Json(view(app.engine.pause_subscription(&name, true).await?, None)))
}

/// Goes on where it was paused.
#[utoipa::path(post, path = "/subscriptions/{subscription}/resume", tag = "events", params(("subscription" = String, Path, description = "Its name")),
    responses((status = 200, body = SubscriptionView), (status = 404, body = Problem)))]
pub(super) async fn resume(
    State(app): State<App>,
    Path(name): Path<SubscriptionName>,
) -> Result<Json<SubscriptionView>, Problem> {
    Ok(Json(view(app.engine.pause_subscription(&name, false).await?, None)))
}
