//! `/runs`.

use super::{
    App,
    extract::{Json as Body, Path, Query},
    listing::{Page, PageQuery, limit, newest},
    problem::Problem,
    time,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use seawall_domain::{BlueprintId, EntityId, IntegrationName, run::RunState};
use seawall_engine::{EngineError, RunRequest};
use seawall_store::{LogLine, RunRow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

/// An execution of an operation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunView {
    /// Random.
    id: String,
    /// The integration.
    integration: String,
    /// The operation.
    operation: String,
    /// The entity it works on.
    target: Option<Target>,
    /// What was given.
    #[schema(value_type = Object)]
    inputs: Value,
    /// `requested`, `running`, `succeeded`, `failed` or `cancelled`.
    #[schema(value_type = String)]
    state: RunState,
    /// What it does now, or why it failed.
    label: Option<String>,
    /// What came of it.
    #[schema(value_type = Object)]
    outputs: Option<Value>,
    /// Where to follow up in the tool.
    link: Option<String>,
    /// Who asked.
    by: String,
    /// When.
    created_at: String,
    /// Last change.
    updated_at: String,
}

/// An entity.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    /// Its blueprint.
    #[schema(value_type = String)]
    blueprint: BlueprintId,
    /// Its identifier.
    #[schema(value_type = String)]
    identifier: EntityId,
}

/// What to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunBody {
    /// The integration.
    #[schema(value_type = String)]
    integration: IntegrationName,
    /// One of its plugin's operations.
    operation: String,
    /// The entity it works on.
    target: Option<Target>,
    /// Checked against the operation's schema.
    #[serde(default)]
    #[schema(value_type = Object)]
    inputs: Option<Value>,
}

/// A line of a run's log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogView {
    /// Rising.
    line: i64,
    /// When.
    at: String,
    /// `debug`, `info`, `warn`, `error`, `stdout` or `stderr`.
    level: String,
    /// The line.
    message: String,
}

/// From where on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogQuery {
    /// Lines after this one.
    after: Option<i64>,
}

fn show(r: RunRow) -> RunView {
    let target = r.target.and_then(|(b, i)| {
        Some(Target {
            blueprint: BlueprintId::new(b).ok()?,
            identifier: EntityId::new(i).ok()?,
        })
    });
    RunView {
        id: r.id,
        integration: r.integration,
        operation: r.operation,
        target,
        inputs: r.inputs,
        state: r.state,
        label: r.label,
        outputs: r.outputs,
        link: r.link,
        by: r.by,
        created_at: time::show(r.created_at),
        updated_at: time::show(r.updated_at),
    }
}

/// Starts a run. With an `Idempotency-Key` that is known, answers 200 with the run that has it.
#[utoipa::path(post, path = "/runs", tag = "runs", request_body = RunBody, params(("Idempotency-Key" = Option<String>, Header, description = "The same key gives the same run")),
    responses((status = 201, body = RunView), (status = 200, body = RunView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn start(
    State(app): State<App>,
    headers: HeaderMap,
    Body(body): Body<RunBody>,
) -> Result<(StatusCode, Json<RunView>), Problem> {
    let key = headers.get("idempotency-key").and_then(|v| v.to_str().ok());
    if key.is_some_and(|k| k.is_empty() || k.len() > 255) {
        return Err(Problem::invalid("Idempotency-Key", "expected 1 to 255 characters"));
    }
    let mut random = [0u8; 16];
    getrandom::fill(&mut random).map_err(|e| EngineError::Internal(e.to_string()))?;
    let request = RunRequest {
        integration: body.integration,
        operation: body.operation,
        target: body.target.map(|t| (t.blueprint, t.identifier)),
        inputs: body.inputs.unwrap_or_else(|| json!({})),
        by: "token".to_owned(),
        idempotency_key: key.map(str::to_owned),
        id: hex::encode(random),
    };
    let (run, new) = app.engine.start_run(request).await?;
    Ok((if new { StatusCode::CREATED } else { StatusCode::OK }, Json(show(run))))
}

/// Runs, newest first.
#[utoipa::path(get, path = "/runs", tag = "runs", params(PageQuery), responses((status = 200, body = Page<RunView>)))]
pub(super) async fn list(
    State(app): State<App>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<RunView>>, Problem> {
    let n = limit(page.limit)?;
    let rows = app
        .engine
        .store()
        .runs(page.before("runs")?, n + 1)
        .await
        .map_err(EngineError::from)?;
    Ok(Json(newest("runs", n, rows, |r| r.seq, show)))
}

/// One run.
#[utoipa::path(get, path = "/runs/{run}", tag = "runs", params(("run" = String, Path, description = "Its id")),
    responses((status = 200, body = RunView), (status = 404, body = Problem)))]
pub(super) async fn get(State(app): State<App>, Path(id): Path<String>) -> Result<Json<RunView>, Problem> {
    Ok(Json(show(find(&app, &id).await?)))
}

/// A run's log.
#[utoipa::path(get, path = "/runs/{run}/log", tag = "runs", params(("run" = String, Path, description = "Its id"), LogQuery),
    responses((status = 200, body = Page<LogView>), (status = 404, body = Problem)))]
pub(super) async fn log(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<LogQuery>,
) -> Result<Json<Page<LogView>>, Problem> {
    find(&app, &id).await?;
    let lines = app
        .engine
        .store()
        .run_log(&id, query.after.unwrap_or(0))
        .await
        .map_err(EngineError::from)?;
    let show = |l: LogLine| LogView {
        line: l.line,
        at: time::show(l.at),
        level: l.level,
        message: l.message,
    };
    Ok(Json(Page {
        items: lines.into_iter().map(show).collect(),
        next: None,
    }))
}

async fn find(app: &App, id: &str) -> Result<RunRow, Problem> {
    let run = app.engine.store().run(id).await.map_err(EngineError::from)?;
    run.ok_or_else(|| {
        Problem::not_found(format!(
            "run `{id}` does not exist; `seawall run list` shows those that do"
        ))
    })
}
