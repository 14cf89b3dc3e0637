//! `/plugins`.

use super::{
    App,
    extract::{self, Path},
    grants,
    listing::Page,
    problem::Problem,
    time,
};
use axum::{Json, extract::State, http::StatusCode};
use seawall_domain::{manifest::Role, provenance::FILE};
use seawall_engine::{PluginStatus, PluginView, Standing};
use seawall_store::InstallationRow;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use utoipa::{IntoParams, ToSchema};

/// An installed component.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PluginSummary {
    /// Names the plugin.
    name: String,
    /// Its version.
    version: String,
    /// What people call it.
    title: Option<String>,
    /// What it does.
    description: Option<String>,
    /// SHA-256 of the component.
    digest: String,
    /// Bytes.
    size: u64,
    /// `awaiting-grant`, `granted` or `revoked`.
    status: &'static str,
    /// Whether integrations that pin no version run this one.
    in_force: bool,
    /// `ingestor`, `webhook`, `action`, `rule`.
    #[schema(value_type = Vec<String>)]
    roles: Vec<Role>,
    /// When it was installed.
    installed_at: String,
    /// Who installed it; null where nobody knows.
    installed_by: Option<String>,
    #[serde(flatten)]
    standing: StandingView,
}

/// Where a component came from, and whether the policy trusts it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StandingView {
    /// `file`, or the reference that it was pulled from, pinned to a digest.
    pub(super) source: String,
    /// The keys of the policy that signed it.
    pub(super) signed_by: Vec<String>,
    /// Why the policy does not let it be used; null where nothing is against it.
    pub(super) refused: Option<String>,
}

/// What came with the installation that counts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProvenanceView {
    /// The digest of its artifact's manifest, which is what signatures are about; null where there is none.
    manifest_digest: Option<String>,
    /// How many signatures came with it, by whomever.
    signatures: usize,
    /// Who installed it so.
    by: String,
    /// When.
    at: String,
}

/// A component with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginDetails {
    #[serde(flatten)]
    summary: PluginSummary,
    /// What it says of itself.
    #[schema(value_type = Object)]
    manifest: Value,
    /// Interfaces that it imports.
    imports: Vec<String>,
    /// Interfaces that it exports.
    exports: Vec<String>,
    /// What came with it; null where it was installed before that was kept.
    provenance: Option<ProvenanceView>,
    /// What it asks and was granted, and who decided.
    #[schema(value_type = Object)]
    grant: Value,
}

pub(super) fn status(status: PluginStatus) -> &'static str {
    match status {
        PluginStatus::AwaitingGrant => "awaiting-grant",
        PluginStatus::Granted => "granted",
        PluginStatus::Revoked => "revoked",
        PluginStatus::Expired => "expired",
        PluginStatus::Removed => "removed",
    }
}

fn summary(view: &PluginView, in_force: bool) -> PluginSummary {
    let manifest = &view.row.bundle.manifest;
    PluginSummary {
        name: manifest.name.to_string(),
        version: manifest.version.to_string(),
        title: manifest.title.clone(),
        description: manifest.description.clone(),
        digest: view.row.digest.to_string(),
        size: view.row.size,
        status: status(view.status),
        in_force,
        roles: manifest.roles.clone(),
        installed_at: time::show(view.row.installed_at),
        installed_by: view.row.installed_by.clone(),
        standing: standing(&view.standing),
    }
}

pub(super) fn standing(standing: &Standing) -> StandingView {
    let installation = standing.installation.as_ref();
    StandingView {
        source: installation.map_or(FILE, |row| row.provenance.source()).to_owned(),
        signed_by: standing.signers.iter().map(|signer| signer.name.clone()).collect(),
        refused: standing.refused.clone(),
    }
}

fn provenance(row: InstallationRow) -> ProvenanceView {
    ProvenanceView {
        manifest_digest: row.provenance.manifest_digest().map(|digest| digest.to_string()),
        signatures: row.provenance.signatures.len(),
        by: row.by,
        at: time::show(row.at),
    }
}

pub(super) async fn details(app: &App, view: PluginView) -> Result<PluginDetails, Problem> {
    let in_force = app.engine.in_force(&view.row.bundle.manifest.name).await?;
    let in_force = in_force.is_some_and(|other| other.row.digest == view.row.digest);
    Ok(PluginDetails {
        summary: summary(&view, in_force),
        manifest: serde_json::to_value(&view.row.bundle.manifest).unwrap_or_else(|_| json!({})),
        grant: serde_json::to_value(grants::show(app, &view).await?).unwrap_or_else(|_| json!({})),
        provenance: view.standing.installation.map(provenance),
        imports: view.row.imports,
        exports: view.row.exports,
    })
}

/// All installed components, newest first.
#[utoipa::path(get, path = "/plugins", tag = "plugins", responses((status = 200, body = Page<PluginSummary>)))]
pub(super) async fn list(State(app): State<App>) -> Result<Json<Page<PluginSummary>>, Problem> {
    let all = app.engine.plugins().await?;
    let names: BTreeSet<_> = all.iter().map(|view| &view.row.bundle.manifest.name).collect();
    let mut in_force = BTreeSet::new();
    for name in names {
        in_force.extend(app.engine.in_force(name).await?.map(|view| view.row.digest));
    }
    let items = all
        .iter()
        .map(|view| summary(view, in_force.contains(&view.row.digest)));
    Ok(Json(Page {
        items: items.collect(),
        next: None,
    }))
}

/// Which version goes back in force.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollbackBody {
    /// `name@version` or digest; absent: the one that was granted last before the one that is in force.
    to: Option<String>,
    /// Why.
    reason: Option<String>,
    /// Who decides, until people can sign in.
    by: Option<String>,
}

/// Puts another granted version in force. Calls in flight end on the version that they began with.
#[utoipa::path(post, path = "/plugins/{plugin}/rollback", tag = "plugins", params(("plugin" = String, Path, description = "Name")),
    request_body = RollbackBody, responses((status = 200, body = PluginDetails), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn roll_back(
    State(app): State<App>,
    Path(plugin): Path<String>,
    extract::Json(body): extract::Json<RollbackBody>,
) -> Result<Json<PluginDetails>, Problem> {
    let by = body.by.unwrap_or_else(|| "token".to_owned());
    let view = app
        .engine
        .roll_back(&plugin, body.to.as_deref(), by, body.reason)
        .await?;
    let view = app.engine.plugin(view.row.digest.as_str()).await?;
    Ok(Json(details(&app, view).await?))
}

/// One component: by name (its newest version), `name@version` or digest.
#[utoipa::path(get, path = "/plugins/{plugin}", tag = "plugins", params(("plugin" = String, Path, description = "Name, name@version, or digest or its first digits")),
    responses((status = 200, body = PluginDetails), (status = 404, body = Problem)))]
pub(super) async fn get(State(app): State<App>, Path(plugin): Path<String>) -> Result<Json<PluginDetails>, Problem> {
    let view = app.engine.plugin(&plugin).await?;
    Ok(Json(details(&app, view).await?))
}

/// Who removes, and why.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemoveQuery {
    /// Who decides, until people can sign in.
    by: Option<String>,
    /// Why.
    reason: Option<String>,
}

/// Removes a component that no integration runs. Its decisions and records stay.
#[utoipa::path(delete, path = "/plugins/{plugin}", tag = "plugins", params(("plugin" = String, Path, description = "Name (its newest version), name@version or digest"), RemoveQuery),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn remove(
    State(app): State<App>,
    Path(plugin): Path<String>,
    extract::Query(query): extract::Query<RemoveQuery>,
) -> Result<StatusCode, Problem> {
    let by = query.by.unwrap_or_else(|| "token".to_owned());
    app.engine.remove_plugin(&plugin, by, query.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
