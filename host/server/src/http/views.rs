//! `/views`: questions with a name.

use super::{
    App,
    entities::list::EntityPage,
    extract::{Json as Body, Path, Query},
    listing::{self, PageQuery},
    problem::Problem,
    selection::Selection,
};
use axum::{Json, extract::State, http::StatusCode};
use seawall_domain::query::View;
use serde::Serialize;
use utoipa::ToSchema;

/// A saved view.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ViewView {
    /// Its name.
    name: String,
    /// `title`, `blueprints`, `filter` (AIP-160), `query` (Port's rules), `q` (full text), `sort` and `columns`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    view: View,
}

/// All saved views.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ViewList {
    /// By name.
    items: Vec<ViewView>,
    /// Always null: all are here.
    next: Option<String>,
}

/// All saved views, by name.
#[utoipa::path(get, path = "/views", tag = "catalog", responses((status = 200, body = ViewList)))]
pub(crate) async fn list(State(app): State<App>) -> Result<Json<ViewList>, Problem> {
    let all = app.engine.views().await?;
    let items = all.into_iter().map(|(name, view)| ViewView { name, view }).collect();
    Ok(Json(ViewList { items, next: None }))
}

/// A saved view.
#[utoipa::path(get, path = "/views/{name}", tag = "catalog", params(("name" = String, Path, description = "Its name")),
    responses((status = 200, body = ViewView), (status = 404, body = Problem)))]
pub(crate) async fn get(State(app): State<App>, Path(name): Path<String>) -> Result<Json<ViewView>, Problem> {
    let view = app.engine.saved_view(&name).await?;
    Ok(Json(ViewView { name, view }))
}

/// Saves a view, in place of one of the same name. What it asks is tried first.
#[utoipa::path(put, path = "/views/{name}", tag = "catalog", params(("name" = String, Path, description = "Its name")),
    request_body(content = Object, description = "`title`, `blueprints`, `filter` (AIP-160), `query` (Port's rules), `q` (full text), `sort` and `columns`; all may be left out"),
    responses((status = 200, body = ViewView), (status = 201, body = ViewView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn put(
    State(app): State<App>,
    Path(name): Path<String>,
    Body(view): Body<View>,
) -> Result<(StatusCode, Json<ViewView>), Problem> {
    let new = app.engine.put_view(&name, view.clone()).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(ViewView { name, view })))
}

/// Removes a view.
#[utoipa::path(delete, path = "/views/{name}", tag = "catalog", params(("name" = String, Path, description = "Its name")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn remove(State(app): State<App>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    app.engine.remove_view(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A page of the entities that a view asks for.
#[utoipa::path(get, path = "/views/{name}/entities", tag = "catalog", params(("name" = String, Path, description = "Its name"), PageQuery),
    responses((status = 200, body = EntityPage), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn entities(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<EntityPage>, Problem> {
    let limit = listing::limit(page.limit)?;
    let ask = app.engine.view_ask(&name, limit, page.cursor).await?;
    Ok(Json(
        super::entities::list::page(&app, &ask, &Selection::default(), true, "").await?,
    ))
}
