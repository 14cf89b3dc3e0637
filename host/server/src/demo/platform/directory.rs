//! A tool of the company's own, as every company has one: a service directory with pages, ETags and a tight rate limit,
//! that no plugin reads yet. The templates of `seawall plugin new` work against it as they are.

use super::company::services;
use axum::{
    Json, Router,
    extract::{OriginalUri, Query},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) fn router() -> Router {
    Router::new().route("/items", get(items))
}

#[derive(Debug, Deserialize)]
struct Page {
    /// From 1.
    #[serde(default = "first")]
    page: usize,
    /// Items a page; absent: all.
    per_page: Option<usize>,
}

fn first() -> usize {
    1
}

/// `GET /items` gives all; with `per_page` a page, and a `Link` to the next one.
async fn items(Query(query): Query<Page>, OriginalUri(uri): OriginalUri) -> Response {
    let all: Vec<Value> = services()
        .map(|s| json!({"id": s.name, "name": s.name, "title": s.about, "owner": s.team, "language": s.language, "tier": s.tier}))
        .collect();
    let Some(size) = query.per_page else {
        return Json(all).into_response();
    };
    if size == 0 || query.page == 0 {
        let wrong = json!({"errors": ["page and per_page are counted from 1"]});
        return (StatusCode::BAD_REQUEST, Json(wrong)).into_response();
    }
    let start = (query.page - 1).saturating_mul(size).min(all.len());
    let end = start.saturating_add(size).min(all.len());
    let page = Json(all[start..end].to_vec());
    if end == all.len() {
        return page.into_response();
    }
    let next = format!("<{}?page={}&per_page={size}>; rel=\"next\"", uri.path(), query.page + 1);
    ([(header::LINK, next)], page).into_response()
}
