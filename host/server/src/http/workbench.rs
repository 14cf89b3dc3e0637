//! `/integrations/{integration}/items` and `/mapping`: the mapping workbench.

use super::{
    App,
    extract::{Json as Body, Path, Query},
    listing::{Page, decode, encode, limit},
    problem::Problem,
    time,
};
use axum::{Json, extract::State, http::StatusCode};
use seawall_domain::IntegrationName;
use seawall_engine::{MappingDiff, MappingVersion};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Which items.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemsQuery {
    /// Their kind.
    kind: String,
    /// From the answer before.
    cursor: Option<String>,
    /// 1 to 1,000; 50 where absent.
    limit: Option<usize>,
}

/// An item as the tool gave it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ItemView {
    /// Its partition.
    partition: String,
    /// Its key.
    key: String,
    /// When it last changed.
    changed_at: String,
    /// The tool's own JSON.
    value: Value,
}

/// A mapping that is tried or put in force.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappingBody {
    /// In Port's shape; null: the plugin's own.
    #[schema(value_type = Option<Object>)]
    mapping: Option<Value>,
}

/// Who does it, and whether it is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplyQuery {
    /// Who does it; `token` where absent.
    by: Option<String>,
    /// Also where it removes a larger share of entities than the integration's `delete_share`.
    force: Option<bool>,
}

/// Who goes back, where to, and whether it is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollBackQuery {
    /// Who does it; `token` where absent.
    by: Option<String>,
    /// Also where it removes a larger share of entities than the integration's `delete_share`.
    force: Option<bool>,
    /// The version to go back to; where absent, the one that was in force before the one that stands.
    to: Option<u64>,
}

/// The mapping in force, and those before it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MappingView {
    /// In Port's shape; null: the plugin's own.
    #[schema(value_type = Option<Object>)]
    mapping: Option<Value>,
    /// Its version.
    version: u64,
    /// The newest first.
    earlier: Vec<EarlierView>,
    /// All versions that are kept, the newest first: the first is in force.
    versions: Vec<VersionView>,
    /// While what is stored is mapped anew: how many items are done, and how many there are.
    remapping: Option<Remapping>,
}

/// How far it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Remapping {
    /// Items that are done.
    done: u64,
    /// Items that there are.
    items: u64,
}

/// A mapping that was in force before.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EarlierView {
    /// In Port's shape; null: the plugin's own.
    #[schema(value_type = Option<Object>)]
    mapping: Option<Value>,
    /// When it was replaced.
    until: String,
    /// By whom.
    by: String,
}

/// A mapping that is or was in force.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VersionView {
    /// Rises by one with each.
    version: u64,
    /// In Port's shape; null: the plugin's own.
    #[schema(value_type = Option<Object>)]
    mapping: Option<Value>,
    /// Since when it was in force.
    at: String,
    /// Who put it in force; null where nobody said so.
    by: Option<String>,
    /// Of a way back: the version whose mapping it brought back.
    back_to: Option<u64>,
}

fn versions(all: Vec<MappingVersion>) -> Vec<VersionView> {
    let show = |one: MappingVersion| VersionView {
        version: one.number,
        mapping: one.mapping,
        at: time::show(one.at),
        by: one.by,
        back_to: one.back_to,
    };
    all.into_iter().rev().map(show).collect()
}

/// All but the last, with what replaced each.
fn earlier(all: &[MappingVersion]) -> Vec<EarlierView> {
    let show = |pair: &[MappingVersion]| EarlierView {
        mapping: pair[0].mapping.clone(),
        until: time::show(pair[1].at),
        by: pair[1].by.clone().unwrap_or_else(|| "token".to_owned()),
    };
    all.windows(2).rev().map(show).collect()
}

/// Items of a kind as the tool gave them.
#[utoipa::path(get, path = "/integrations/{integration}/items", tag = "integrations",
    params(("integration" = String, Path, description = "Its name"), ItemsQuery),
    responses((status = 200, body = Page<ItemView>), (status = 404, body = Problem)))]
pub(super) async fn items(
    State(app): State<App>,
    Path(name): Path<IntegrationName>,
    Query(query): Query<ItemsQuery>,
) -> Result<Json<Page<ItemView>>, Problem> {
    let of = format!("items:{name}/{}", query.kind);
    let from = query.cursor.as_deref().map(|cursor| decode(&of, cursor)).transpose()?;
    let page = app
        .engine
        .stored_items(&name, &query.kind, from, limit(query.limit)?)
        .await?;
    let items = page.items.into_iter().map(|(partition, item)| ItemView {
        partition,
        key: item.key,
        changed_at: time::show(item.changed_at),
        value: serde_json::from_slice(&item.value).unwrap_or(Value::Null),
    });
    Ok(Json(Page {
        items: items.collect(),
        next: page.next.and_then(|place| encode(&of, &place)),
    }))
}

/// The mapping in force, those before it, and how far stored items are mapped anew.
#[utoipa::path(get, path = "/integrations/{integration}/mapping", tag = "integrations", params(("integration" = String, Path, description = "Its name")),
    responses((status = 200, body = MappingView), (status = 404, body = Problem)))]
pub(super) async fn get(
    State(app): State<App>,
    Path(name): Path<IntegrationName>,
) -> Result<Json<MappingView>, Problem> {
    let view = app.engine.integration(&name).await?;
    let all = app.engine.mapping_versions(&name).await?;
    let remapping = app.engine.remap_progress(&name);
    Ok(Json(MappingView {
        mapping: view.row.integration.mapping,
        version: all.last().map_or(0, |version| version.number),
        earlier: earlier(&all),
        versions: versions(all),
        remapping: remapping.map(|(done, items)| Remapping { done, items }),
    }))
}

/// What a mapping would make of the stored items that the one in force does not. Nothing is changed, and the tool is not
/// asked.
#[utoipa::path(post, path = "/integrations/{integration}/mapping/preview", tag = "integrations", request_body = MappingBody,
    params(("integration" = String, Path, description = "Its name")),
    responses((status = 200, description = "Counts and examples, by kind", body = Value), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn preview(
    State(app): State<App>,
    Path(name): Path<IntegrationName>,
    Body(body): Body<MappingBody>,
) -> Result<Json<MappingDiff>, Problem> {
    Ok(Json(app.engine.preview_mapping(&name, body.mapping.as_ref()).await?))
}

/// Puts a mapping in force, and maps what is stored anew in the background, without asking the tool. Answers with what that
/// changes.
#[utoipa::path(put, path = "/integrations/{integration}/mapping", tag = "integrations", request_body = MappingBody,
    params(("integration" = String, Path, description = "Its name"), ApplyQuery),
    responses((status = 202, description = "As the preview", body = Value), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn put(
    State(app): State<App>,
    Path(name): Path<IntegrationName>,
    Query(query): Query<ApplyQuery>,
    Body(body): Body<MappingBody>,
) -> Result<(StatusCode, Json<MappingDiff>), Problem> {
    let by = query.by.unwrap_or_else(|| "token".to_owned());
    let force = query.force.unwrap_or(false);
    let diff = app.engine.apply_mapping(&name, body.mapping, by, force).await?;
    Ok((StatusCode::ACCEPTED, Json(diff)))
}

/// Puts the mapping in force that was before this one; asked again, the one before that. `to` names any version.
#[utoipa::path(post, path = "/integrations/{integration}/mapping/rollback", tag = "integrations",
    params(("integration" = String, Path, description = "Its name"), RollBackQuery),
    responses((status = 202, description = "As the preview", body = Value), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn roll_back(
    State(app): State<App>,
    Path(name): Path<IntegrationName>,
    Query(query): Query<RollBackQuery>,
) -> Result<(StatusCode, Json<MappingDiff>), Problem> {
    let by = query.by.unwrap_or_else(|| "token".to_owned());
    let diff = app
        .engine
        .roll_back_mapping(&name, query.to, by, query.force.unwrap_or(false))
        .await?;
    Ok((StatusCode::ACCEPTED, Json(diff)))
}
