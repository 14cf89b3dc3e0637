//! `/integrations`.

use super::{
    App,
    extract::{Json as Body, Path},
    listing::Page,
    passes::PassView,
    problem::Problem,
    time,
};
use axum::{Json, extract::State, http::StatusCode};
use seawall_domain::{IntegrationName, integration::Integration};
use seawall_engine::{IntegrationState, IntegrationView};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// An integration and how it stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IntegrationSummary {
    /// Names it.
    name: String,
    /// The plugin that it puts to work.
    plugin: String,
    /// `syncing`, `idle`, `paused`, `stopped`, `failing`, `held` or `removing`.
    state: &'static str,
    /// Why it does not sync, if it does not.
    problem: Option<String>,
    /// Whether a person paused it.
    paused: bool,
    /// Slices that are pulled on their own.
    partitions: usize,
    /// Items that it holds.
    items: u64,
    /// Seconds between passes of a partition.
    every_seconds: u32,
    /// When a pass last ended.
    last_pass_at: Option<String>,
}

/// An integration with its definition, its partitions and their newest passes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IntegrationDetails {
    #[serde(flatten)]
    summary: IntegrationSummary,
    /// What was asked for.
    #[schema(value_type = Object)]
    definition: Value,
    /// Its slices.
    slices: Vec<PartitionView>,
    /// The newest pass of each slice, newest first.
    passes: Vec<PassView>,
    /// Creation.
    created_at: String,
    /// Last change.
    updated_at: String,
}

/// A slice of one kind.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartitionView {
    /// Its kind.
    kind: String,
    /// Its name.
    name: String,
    /// Items it holds.
    items: u64,
    /// When its next pass is due.
    due: String,
    /// Whether the tool no longer lists it. What it holds goes with a closing pass, or waits for a person.
    gone: bool,
}

fn summary(view: &IntegrationView) -> IntegrationSummary {
    let integration = &view.row.integration;
    IntegrationSummary {
        name: integration.name.to_string(),
        plugin: integration.plugin.to_string(),
        state: match view.state {
            IntegrationState::Syncing => "syncing",
            IntegrationState::Idle => "idle",
            IntegrationState::Paused => "paused",
            IntegrationState::Stopped => "stopped",
            IntegrationState::Failing => "failing",
            IntegrationState::Held => "held",
            IntegrationState::Removing => "removing",
        },
        problem: view.problem.clone(),
        paused: view.row.paused,
        partitions: view.partitions.len(),
        items: view.partitions.iter().map(|p| p.items).sum(),
        every_seconds: integration.every_seconds,
        last_pass_at: view.last_ended.map(time::show),
    }
}

fn details(app: &App, view: IntegrationView) -> IntegrationDetails {
    let now = app.engine.now();
    IntegrationDetails {
        summary: summary(&view),
        definition: serde_json::to_value(&view.row.integration).unwrap_or(Value::Null),
        slices: view
            .partitions
            .into_iter()
            .map(|p| PartitionView {
                kind: p.kind,
                name: p.name,
                items: p.items,
                due: time::show(p.due),
                gone: p.gone,
            })
            .collect(),
        passes: view
            .passes
            .into_iter()
            .map(|p| PassView::new(p, view.row.integration.name.as_str(), now))
            .collect(),
        created_at: time::show(view.row.created_at),
        updated_at: time::show(view.row.updated_at),
    }
}

/// All integrations, by name.
#[utoipa::path(get, path = "/integrations", tag = "integrations", responses((status = 200, body = Page<IntegrationSummary>)))]
pub(super) async fn list(State(app): State<App>) -> Result<Json<Page<IntegrationSummary>>, Problem> {
    let items = app.engine.integrations().await?.iter().map(summary).collect();
    Ok(Json(Page { items, next: None }))
}

/// One integration.
#[utoipa::path(get, path = "/integrations/{integration}", tag = "integrations", params(("integration" = String, Path, description = "Its name")),
    responses((status = 200, body = IntegrationDetails), (status = 404, body = Problem)))]
pub(super) async fn get(
    State(app): State<App>,
    Path(name): Path<IntegrationName>,
) -> Result<Json<IntegrationDetails>, Problem> {
    let view = app.engine.integration(&name).await?;
    Ok(Json(details(&app, view)))
}

/// Creates or replaces an integration, and starts its first pass. 201 where it is new.
#[utoipa::path(put, path = "/integrations/{integration}", tag = "integrations", params(("integration" = String, Path, description = "Its name")),
    request_body = Value, responses((status = 201, body = IntegrationDetails), (status = 200, body = IntegrationDetails), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn put(
    State(app): State<App>,
    Path(name): Path<IntegrationName>,
    Body(wanted): Body<Integration>,
) -> Result<(StatusCode, Json<IntegrationDetails>), Problem> {
    if wanted.name != name {
        return Err(Problem::invalid(
            "/name",
            format!(
                "the address says `{name}`, the body `{}`; make them the same",
                wanted.name
            ),
        ));
    }
    let (view, new) = app.engine.put_integration(&wanted).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(details(&app, view))))
}

/// Starts a pass of every partition now. One that runs already goes on, and another one follows it.
#[utoipa::path(post, path = "/integrations/{integration}/sync", tag = "integrations", params(("integration" = String, Path, description = "Its name")),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn sync(State(app): State<App>, Path(name): Path<IntegrationName>) -> Result<StatusCode, Problem> {
    app.engine.sync_now(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pauses it. A running pass ends at its next page and goes on from its cursor.
#[utoipa::path(post, path = "/integrations/{integration}/pause", tag = "integrations", params(("integration" = String, Path, description = "Its name")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn pause(State(app): State<App>, Path(name): Path<IntegrationName>) -> Result<StatusCode, Problem> {
    app.engine.pause(&name, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Resumes it.
#[utoipa::path(post, path = "/integrations/{integration}/resume", tag = "integrations", params(("integration" = String, Path, description = "Its name")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn resume(State(app): State<App>, Path(name): Path<IntegrationName>) -> Result<StatusCode, Problem> {
    app.engine.pause(&name, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Cancels its running passes. What their pages brought stays.
#[utoipa::path(post, path = "/integrations/{integration}/cancel", tag = "integrations", params(("integration" = String, Path, description = "Its name")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn cancel(State(app): State<App>, Path(name): Path<IntegrationName>) -> Result<StatusCode, Problem> {
    app.engine.cancel_sync(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes it with its partitions, its passes and what they rejected. Entities that only it gave go, with a change whose
/// cause is `integration-removed:NAME`; those that others give too stay. Egress records, runs, decisions and credentials
/// stay. The answer comes when all is gone; the removal goes on where nobody waits for it, and after a restart.
#[utoipa::path(delete, path = "/integrations/{integration}", tag = "integrations", params(("integration" = String, Path, description = "Its name")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn remove(State(app): State<App>, Path(name): Path<IntegrationName>) -> Result<StatusCode, Problem> {
    app.engine.remove_integration(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}
