//! One entity.

use super::EntityView;
use crate::http::{App, extract::Path, problem::Problem, time};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use seawall_domain::{BlueprintId, Digest, EntityId};
use seawall_engine::EngineError;
use serde::Serialize;
use utoipa::ToSchema;

/// An entity with what belongs to it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntityDetails {
    #[serde(flatten)]
    entity: EntityView,
    /// Who says what of it.
    sources: Vec<Source>,
    /// Who refers to it.
    referrers: Vec<Referrer>,
}

/// An item that contributes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Source {
    /// The integration.
    integration: String,
    /// The item's kind.
    kind: String,
    /// The item's partition.
    partition: String,
    /// The item's key.
    key: String,
    /// When the item last changed.
    changed_at: String,
}

/// An entity that refers to this one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Referrer {
    /// Its blueprint.
    blueprint: String,
    /// Its identifier.
    identifier: String,
    /// The relation.
    relation: String,
}

/// One entity, where each part of it comes from, and who refers to it. Carries an ETag; If-None-Match is answered with 304.
#[utoipa::path(get, path = "/blueprints/{blueprint}/entities/{identifier}", tag = "catalog",
    params(("blueprint" = String, Path, description = "Its blueprint"), ("identifier" = String, Path, description = "Its identifier, percent-encoded")),
    responses((status = 200, body = EntityDetails), (status = 304, description = "Unchanged"), (status = 404, body = Problem)))]
pub(crate) async fn get(
    State(app): State<App>,
    Path((blueprint, identifier)): Path<(BlueprintId, EntityId)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let details = app.engine.details(&blueprint, &identifier).await?;
    let body = EntityDetails {
        entity: details.row.into(),
        sources: details
            .sources
            .into_iter()
            .map(|s| Source {
                integration: s.integration,
                kind: s.kind,
                partition: s.partition,
                key: s.key,
                changed_at: time::show(s.changed_at),
            })
            .collect(),
        referrers: details
            .referrers
            .into_iter()
            .map(|r| Referrer {
                blueprint: r.blueprint.into(),
                identifier: r.identifier.into(),
                relation: r.relation,
            })
            .collect(),
    };
    let body = serde_json::to_vec(&body).map_err(|e| EngineError::Internal(e.to_string()))?;
    // Of all that is answered: its sources and who refers to it change without its version.
    let etag = format!("\"{}\"", &Digest::of(&body).as_str()["sha256:".len()..][..32]);
    let mut tag = HeaderMap::new();
    tag.extend(HeaderValue::try_from(&etag).ok().map(|value| (header::ETAG, value)));
    let known = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut known = known
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    if known.any(|tag| tag.trim().trim_start_matches("W/") == etag) {
        return Ok((StatusCode::NOT_MODIFIED, tag).into_response());
    }
    tag.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok((tag, body).into_response())
}
