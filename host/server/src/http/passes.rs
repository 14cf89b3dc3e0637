//! `/passes`, and what they left out or set aside.

use super::{
    App,
    extract::{Json as Body, Path, Query},
    listing::{Page, PageQuery, limit, newest},
    problem::Problem,
    time,
};
use axum::{Json, extract::State, http::StatusCode};
use seawall_domain::{
    IntegrationName, Millis, Report,
    pass::{Counts, PassState},
};
use seawall_store::{PassRow, RejectedRow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

/// What a pass did so far.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CountsView {
    /// Pages stored.
    pages: u64,
    /// Items listed.
    items: u64,
    /// Items that had not changed.
    unchanged: u64,
    /// Entities created.
    created: u64,
    /// Entities changed.
    updated: u64,
    /// Entities removed.
    deleted: u64,
    /// Values converted without loss.
    converted: u64,
    /// Properties and relations left out.
    left_out: u64,
    /// Entities set aside whole.
    set_aside: u64,
}

impl CountsView {
    fn new(counts: &Counts) -> Self {
        let Counts {
            pages,
            items,
            unchanged,
            created,
            updated,
            deleted,
            converted,
            left_out,
            set_aside,
        } = *counts;
        Self {
            pages,
            items,
            unchanged,
            created,
            updated,
            deleted,
            converted,
            left_out,
            set_aside,
        }
    }
}

/// One walk over a partition.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PassView {
    /// Rising.
    id: i64,
    /// Its integration.
    integration: String,
    /// Its kind.
    kind: String,
    /// Its partition.
    partition: String,
    /// `running`, `held`, `succeeded`, `failed` or `cancelled`.
    #[schema(value_type = String)]
    state: PassState,
    /// What it did so far.
    counts: CountsView,
    /// Entities that it created, changed or removed so far.
    entities: u64,
    /// Items a second since it began.
    rate: f64,
    /// While it runs: how many items the last pass of its partition that ended well had listed. Plugins give no total.
    expected: Option<u64>,
    /// Whether it lists nothing and removes all, since the tool no longer lists the partition.
    closing: bool,
    /// The error that ended it, or that it goes on from.
    error: Option<String>,
    /// When it began.
    started_at: String,
    /// When it ended.
    ended_at: Option<String>,
}

impl PassView {
    pub(super) fn new(row: PassRow, integration: &str, now: Millis) -> Self {
        let ms = (row.ended_at.unwrap_or(now) - row.started_at).max(1);
        Self {
            id: row.id,
            integration: integration.to_owned(),
            kind: row.kind,
            partition: row.partition_name,
            state: row.state,
            rate: (row.counts.items as f64 * 1000.0 / ms as f64 * 10.0).round() / 10.0,
            entities: row.counts.created + row.counts.updated + row.counts.deleted,
            expected: row.expected,
            closing: row.closing,
            counts: CountsView::new(&row.counts),
            error: row.error,
            started_at: time::show(row.started_at),
            ended_at: row.ended_at.map(time::show),
        }
    }
}

/// Something that was left out or set aside.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RejectedView {
    /// Its integration.
    integration: String,
    /// Its partition.
    partition: String,
    /// What and why.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    report: Report,
    /// When.
    at: String,
}

/// Whose passes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PassesQuery {
    /// Of one integration.
    #[param(value_type = Option<String>)]
    integration: Option<IntegrationName>,
    /// From the answer before.
    cursor: Option<String>,
    /// 1 to 1,000; 50 where absent.
    limit: Option<usize>,
}

/// Passes, newest first.
#[utoipa::path(get, path = "/passes", tag = "integrations", params(PassesQuery), responses((status = 200, body = Page<PassView>)))]
pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<PassesQuery>,
) -> Result<Json<Page<PassView>>, Problem> {
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let (n, before) = (limit(page.limit)?, page.before("passes")?);
    let rows = app.engine.passes(query.integration.as_ref(), before, n + 1).await?;
    let names: std::collections::HashMap<i64, String> = app
        .engine
        .integrations()
        .await?
        .into_iter()
        .map(|i| (i.row.id, i.row.integration.name.to_string()))
        .collect();
    let now = app.engine.now();
    let show = |row: PassRow| {
        let name = names.get(&row.integration).cloned().unwrap_or_default();
        PassView::new(row, &name, now)
    };
    Ok(Json(newest("passes", n, rows, |r| r.id, show)))
}

/// What an integration's items could not be taken as they were, newest first.
#[utoipa::path(get, path = "/integrations/{integration}/rejected", tag = "integrations", params(("integration" = String, Path, description = "Its name"), PageQuery),
    responses((status = 200, body = Page<RejectedView>), (status = 404, body = Problem)))]
pub(super) async fn rejected(
    State(app): State<App>,
    Path(name): Path<IntegrationName>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<RejectedView>>, Problem> {
    let n = limit(page.limit)?;
    let of = format!("rejected:{name}");
    let rows = app.engine.rejected(Some(&name), page.before(&of)?, n + 1).await?;
    let show = |r: RejectedRow| RejectedView {
        integration: r.integration,
        partition: r.partition,
        report: r.report,
        at: time::show(r.at),
    };
    Ok(Json(newest(&of, n, rows, |r| r.id, show)))
}

/// A decision about a held pass.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Release {
    /// `true` removes what the pass did not list; `false` keeps it.
    remove: bool,
}

/// Decides about a pass that would remove much.
#[utoipa::path(post, path = "/integrations/{integration}/passes/{pass}/release", tag = "integrations",
    params(("integration" = String, Path, description = "Its name"), ("pass" = i64, Path, description = "The held pass")),
    request_body = Release, responses((status = 200, body = Value), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn release(
    State(app): State<App>,
    Path((name, pass)): Path<(IntegrationName, i64)>,
    Body(body): Body<Release>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    app.engine.release_held(&name, pass, body.remove).await?;
    Ok((StatusCode::OK, Json(json!({"pass": pass, "removed": body.remove}))))
}
