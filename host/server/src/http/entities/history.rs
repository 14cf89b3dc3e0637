//! What happened to an entity.

use crate::http::{
    App,
    extract::{Path, Query},
    listing::{Page, PageQuery, limit, newest},
    problem::Problem,
    time,
};
use axum::{Json, extract::State};
use seawall_domain::{BlueprintId, EntityId};
use seawall_store::{ChangeKind, ChangeRow};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// One change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangeView {
    /// Rising; the change feed's cursor.
    position: i64,
    /// `created`, `updated` or `deleted`.
    #[schema(value_type = String)]
    kind: ChangeKind,
    /// `{"properties.tier": [old, new]}` of an update.
    #[schema(value_type = Object)]
    diff: Map<String, Value>,
    /// `pass:12`, `run:…`.
    cause: String,
    /// When.
    at: String,
}

/// An entity's changes, newest first; also of one that is gone.
#[utoipa::path(get, path = "/blueprints/{blueprint}/entities/{identifier}/history", tag = "catalog",
    params(("blueprint" = String, Path, description = "Its blueprint"), ("identifier" = String, Path, description = "Its identifier, percent-encoded"), PageQuery),
    responses((status = 200, body = Page<ChangeView>), (status = 404, body = Problem)))]
pub(crate) async fn history(
    State(app): State<App>,
    Path((blueprint, identifier)): Path<(BlueprintId, EntityId)>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ChangeView>>, Problem> {
    let of = format!("history:{blueprint}/{identifier}");
    let (n, before) = (limit(page.limit)?, page.before(&of)?);
    let rows = app.engine.history(&blueprint, &identifier, before, n + 1).await?;
    let show = |r: ChangeRow| ChangeView {
        position: r.position,
        kind: r.kind,
        diff: r.diff,
        cause: r.cause,
        at: time::show(r.at),
    };
    Ok(Json(newest(&of, n, rows, |r| r.position, show)))
}
