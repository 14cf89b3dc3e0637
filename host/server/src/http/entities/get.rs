//! One entity.

use super::EntityView;
use crate::http::{
    App,
    extract::{Path, Query},
    problem::Problem,
    time,
};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use seawall_domain::{BlueprintId, Digest, EntityId};
use seawall_engine::{Details, EngineError, Origin};
use seawall_store::SourceRow;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// An entity with what belongs to it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntityDetails {
    #[serde(flatten)]
    entity: EntityView,
    /// Who says what of it.
    sources: Vec<Source>,
    /// Who refers to it. Null in the seconds after a start in which the server reads the catalog and does not know yet.
    #[schema(required)]
    referrers: Option<Vec<Referrer>>,
    /// With `include=provenance`: of each field (properties by name, `relations.NAME`, `$title`, `$icon`, `$team`) where it
    /// comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    provenance: Option<BTreeMap<String, OriginView>>,
}

/// Where a field's value comes from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OriginView {
    /// Whose items say it, the strongest first: one, but for teams and targets that are joined. None: the host computes it, or
    /// it is the default.
    sources: Vec<Source>,
    /// Whether it is the blueprint's default, since nobody says anything.
    #[serde(rename = "default", skip_serializing_if = "std::ops::Not::not")]
    is_default: bool,
    /// Since when it is what it is.
    since: String,
    /// Why there is no value, of a calculation that comes to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// What else is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetQuery {
    /// `provenance`: also where each value comes from, and how old it is.
    include: Option<String>,
    /// As it was at a moment, such as `2026-11-23T09:00:00Z`; without sources and those who refer to it.
    at: Option<String>,
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
    /// Whether it is what clients say under that name, and no integration.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    client: bool,
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

impl From<SourceRow> for Source {
    fn from(row: SourceRow) -> Self {
        Self {
            integration: row.integration,
            kind: row.kind,
            partition: row.partition,
            key: row.key,
            changed_at: time::show(row.changed_at),
            client: row.client,
        }
    }
}

impl From<seawall_engine::Referrer> for Referrer {
    fn from(referrer: seawall_engine::Referrer) -> Self {
        Self {
            blueprint: referrer.blueprint.into(),
            identifier: referrer.identifier.into(),
            relation: referrer.relation,
        }
    }
}

/// One entity, where each part of it comes from, and who refers to it. Carries an ETag; If-None-Match is answered with 304.
#[utoipa::path(get, path = "/blueprints/{blueprint}/entities/{identifier}", tag = "catalog",
    params(("blueprint" = String, Path, description = "Its blueprint"), ("identifier" = String, Path, description = "Its identifier, percent-encoded"), GetQuery),
    responses((status = 200, body = EntityDetails), (status = 304, description = "Unchanged"), (status = 404, body = Problem)))]
pub(crate) async fn get(
    State(app): State<App>,
    Path((blueprint, identifier)): Path<(BlueprintId, EntityId)>,
    Query(query): Query<GetQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(at) = query.at {
        let at = time::read("at", &at)?;
        let entity = app.engine.entity_at(&blueprint, &identifier, at).await?;
        return Ok(axum::Json(entity).into_response());
    }
    let details = app.engine.details(&blueprint, &identifier).await?;
    let provenance = match query.include.as_deref() {
        None => None,
        Some("provenance") => Some(app.engine.origins(&details.row).await?),
        Some(other) => {
            let detail = format!("expected `provenance`, found `{other}`");
            return Err(Problem::invalid("include", detail));
        }
    };
    let (body, etag) = shown(details, provenance)?;
    let mut tag = HeaderMap::new();
    tag.extend(HeaderValue::try_from(&etag).ok().map(|value| (header::ETAG, value)));
    if names(&headers, header::IF_NONE_MATCH, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, tag).into_response());
    }
    tag.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok((tag, body).into_response())
}

/// Whether a header of ETags has this one.
pub(super) fn names(headers: &HeaderMap, header: header::HeaderName, etag: &str) -> bool {
    let mut given = headers
        .get_all(header)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    given.any(|tag| tag.trim().trim_start_matches("W/") == etag)
}

/// The answer and its ETag.
pub(super) fn shown(
    details: Details,
    provenance: Option<BTreeMap<String, Origin>>,
) -> Result<(Vec<u8>, String), Problem> {
    let body = EntityDetails {
        entity: details.row.into(),
        sources: details.sources.into_iter().map(Source::from).collect(),
        referrers: details
            .referrers
            .map(|referrers| referrers.into_iter().map(Referrer::from).collect()),
        provenance: provenance.map(|fields| {
            let view = |origin: Origin| OriginView {
                sources: origin.sources.into_iter().map(Source::from).collect(),
                is_default: origin.is_default,
                since: time::show(origin.since),
                problem: origin.problem,
            };
            fields
                .into_iter()
                .map(|(field, origin)| (field, view(origin)))
                .collect()
        }),
    };
    let body = serde_json::to_vec(&body).map_err(|e| EngineError::Internal(e.to_string()))?;
    // Of all that is answered: its sources and who refers to it change without its version.
    let etag = format!("\"{}\"", &Digest::of(&body).as_str()["sha256:".len()..][..32]);
    Ok((body, etag))
}
