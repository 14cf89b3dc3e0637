//! `/sources`: who says what of entities, beside integrations.

use super::{
    App,
    extract::{Path, Query},
    listing::{Page, PageQuery, decode, encode, limit, newest},
    problem::Problem,
    time,
};
use axum::{Json, extract::State};
use seawall_domain::Report;
use seawall_store::RejectedRow;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A source of clients.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceView {
    /// Its name: `people`, `git:platform`, `ci:deploy`.
    name: String,
    /// Entities that it speaks of.
    entities: u64,
}

/// All sources under which clients have written entities, by name.
#[utoipa::path(get, path = "/sources", tag = "catalog", responses((status = 200, body = Page<SourceView>)))]
pub(super) async fn list(State(app): State<App>) -> Result<Json<Page<SourceView>>, Problem> {
    let rows = app.engine.client_sources().await?.into_iter();
    let items = rows.map(|row| SourceView {
        name: row.name,
        entities: row.items,
    });
    Ok(Json(Page {
        items: items.collect(),
        next: None,
    }))
}

/// What a source says of entities, in Port's shape: its own words, without those of others.
#[utoipa::path(get, path = "/sources/{source}/entities", tag = "catalog",
    params(("source" = String, Path, description = "Its name, percent-encoded"), PageQuery),
    responses((status = 200, body = Page<Value>), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn entities(
    State(app): State<App>,
    Path(source): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Value>>, Problem> {
    let of = format!("source:{source}");
    let limit = limit(query.limit)?;
    let after: String = match &query.cursor {
        Some(cursor) => decode(&of, cursor)?,
        None => String::new(),
    };
    let mut said = app.engine.said(&source, &after, limit + 1).await?;
    let more = said.len() > limit;
    said.truncate(limit);
    let next = said.last().filter(|_| more).and_then(|(key, _)| encode(&of, key));
    let items = said
        .into_iter()
        .map(|(_, entity)| serde_json::to_value(&entity).unwrap_or_default());
    Ok(Json(Page {
        items: items.collect(),
        next,
    }))
}

/// Words of a source that are left out or set aside.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RejectedWords {
    /// The source.
    source: String,
    /// What and why.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    report: Report,
    /// Since when.
    at: String,
}

/// What of a source's words does not fit the blueprints as they are now, newest first. It is kept: where the blueprint takes it
/// again, it is there again.
#[utoipa::path(get, path = "/sources/{source}/rejected", tag = "catalog",
    params(("source" = String, Path, description = "Its name, percent-encoded"), PageQuery),
    responses((status = 200, body = Page<RejectedWords>), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn rejected(
    State(app): State<App>,
    Path(source): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<RejectedWords>>, Problem> {
    let n = limit(page.limit)?;
    let of = format!("rejected:{source}");
    let rows = app.engine.rejected_words(&source, page.before(&of)?, n + 1).await?;
    let show = |row: RejectedRow| RejectedWords {
        source: row.integration,
        report: row.report,
        at: time::show(row.at),
    };
    Ok(Json(newest(&of, n, rows, |row| row.id, show)))
}
