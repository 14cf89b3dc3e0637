//! What happened to an entity.

use crate::http::{
    App,
    extract::{Path, Query},
    listing::{Page, PageQuery, limit, newest},
    problem::Problem,
    time,
};
use axum::{Json, extract::State};
use seawall_domain::{BlueprintId, EntityId, cause::Cause};
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
    /// `pass:12`, `run:…`, `write:people:jane`.
    cause: String,
    /// Whose pass, run, delivery or mapping it was.
    integration: Option<String>,
    /// Who did it, where anybody said so.
    by: Option<String>,
    /// When.
    at: String,
}

/// A page of an entity's changes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct History {
    /// Newest first.
    items: Vec<ChangeView>,
    /// Hand it back as `cursor` for the next page; null at the end.
    next: Option<String>,
    /// Whether what came before the last item is no longer kept.
    cut_off: bool,
}

/// An entity's changes, newest first; also of one that is gone.
#[utoipa::path(get, path = "/blueprints/{blueprint}/entities/{identifier}/history", tag = "catalog",
    params(("blueprint" = String, Path, description = "Its blueprint"), ("identifier" = String, Path, description = "Its identifier, percent-encoded"), PageQuery),
    responses((status = 200, body = History), (status = 404, body = Problem)))]
pub(crate) async fn history(
    State(app): State<App>,
    Path((blueprint, identifier)): Path<(BlueprintId, EntityId)>,
    Query(page): Query<PageQuery>,
) -> Result<Json<History>, Problem> {
    let of = format!("history:{blueprint}/{identifier}");
    let (n, before) = (limit(page.limit)?, page.before(&of)?);
    let rows = app.engine.history(&blueprint, &identifier, before, n + 1).await?;
    let show = |r: ChangeRow| {
        let cause = Cause::read(&r.cause);
        ChangeView {
            position: r.position,
            kind: r.kind,
            diff: r.diff,
            at: time::show(r.at),
            cause: cause.what.to_owned(),
            integration: cause.integration.map(str::to_owned),
            by: cause.by.map(str::to_owned),
        }
    };
    let begins = rows.last().is_some_and(|row| row.kind == ChangeKind::Created);
    // The first page of an entity without any says so; a later one has said it already.
    let cut_off = rows.len() <= n && !begins && (before.is_none() || !rows.is_empty());
    let Page { items, next } = newest(&of, n, rows, |r| r.position, show);
    Ok(Json(History { items, next, cut_off }))
}
