//! `/plugins/{plugin}/grant`.

use super::{
    App,
    extract::{Json as Body, Path, Query},
    plugins,
    problem::Problem,
    time,
};
use axum::{Json, extract::State};
use ipnet::IpNet;
use seawall_domain::{
    grant::{Decision, Grant},
    manifest::{Effect, Manifest, differences},
};
use seawall_engine::{GrantRequest, PluginView, RulePart};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

/// What a plugin asks and was granted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GrantView {
    /// Its name.
    plugin: String,
    /// Its version.
    version: String,
    /// The component.
    digest: String,
    /// `awaiting-grant`, `granted`, `expired`, `revoked` or `removed`.
    status: &'static str,
    /// What its manifest asks.
    #[schema(value_type = Object)]
    asked: Value,
    /// What is granted; null where nothing is.
    #[schema(value_type = Object)]
    granted: Value,
    /// Where another version of the plugin is in force: how this one differs from that.
    upgrade: Option<UpgradeView>,
    /// Who decided what, when and why; oldest first.
    decisions: Vec<DecisionView>,
}

/// A decision.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DecisionView {
    /// `approved`, `tightened`, `carried-over` from the version before, `rolled-back` or `revoked`.
    verdict: &'static str,
    /// Who.
    by: String,
    /// When.
    at: String,
    /// Why.
    reason: Option<String>,
    /// The approval that it rests on, where it gives nothing beyond that.
    rests_on: Option<ApprovalView>,
    /// What was granted.
    #[schema(value_type = Object)]
    grant: Value,
}

/// A person's approval.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApprovalView {
    /// Who.
    by: String,
    /// When.
    at: String,
    /// Why.
    reason: Option<String>,
}

/// What to grant: all that the manifest asks, or less.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantBody {
    /// Private, loopback or link-local ranges that may be reached, such as `127.0.0.0/8`.
    #[serde(default, deserialize_with = "seawall_domain::egress::ranges")]
    #[schema(value_type = Vec<String>)]
    private_ranges: Vec<IpNet>,
    /// Whether a credential may go without TLS to loopback.
    #[serde(default)]
    plaintext_to_loopback: bool,
    /// Whether a rule whose host is `*` may lead to every host that is not private.
    #[serde(default)]
    any_host: bool,
    /// When it ends, such as `2027-01-31T12:00:00Z`.
    expires_at: Option<String>,
    /// The manifest's network rules that are granted, by number or in part; absent: all.
    rules: Option<Vec<RuleBody>>,
    /// The manifest's checkouts that are granted, by number; absent: all.
    git: Option<Vec<usize>>,
    /// The manifest's directories that are granted, by number; absent: all.
    files: Option<Vec<usize>>,
    /// Whether the catalog may be read; absent: as the manifest asks.
    catalog: Option<bool>,
    /// Why.
    reason: Option<String>,
    /// Who decides, until people can sign in.
    by: Option<String>,
}

/// One of the manifest's network rules: its number, or a part of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(
    untagged,
    expecting = "the number of a rule, or an object such as {\"rule\": 0, \"methods\": [\"GET\"]}"
)]
pub(crate) enum RuleBody {
    /// All of it.
    Whole(usize),
    /// A part.
    Part(RulePartBody),
}

/// A part of a network rule.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RulePartBody {
    /// Its number.
    rule: usize,
    /// Some of its methods; absent: all.
    methods: Option<Vec<String>>,
    /// Some of its path patterns; absent: all.
    paths: Option<Vec<String>>,
}

impl From<RuleBody> for RulePart {
    fn from(body: RuleBody) -> Self {
        match body {
            RuleBody::Whole(rule) => Self {
                rule,
                methods: None,
                paths: None,
            },
            RuleBody::Part(RulePartBody { rule, methods, paths }) => Self { rule, methods, paths },
        }
    }
}

/// What a version asks beyond the one that is in force, and no longer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UpgradeView {
    /// The version that is in force.
    from: String,
    /// Its component.
    digest: String,
    /// Wider ones first.
    differences: Vec<DifferenceView>,
    /// Where it asks for no more: what the policy has against its going on with the grant of the one that is in force.
    against: Vec<String>,
}

/// One difference.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DifferenceView {
    /// `wider`, `narrower` or `other`.
    #[schema(value_type = String)]
    effect: Effect,
    /// What differs: `network`, `credential`, `limit`, …
    what: &'static str,
    /// In words.
    detail: String,
}

/// Why it is taken back.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevokeQuery {
    /// Why.
    reason: Option<String>,
    /// Who decides, until people can sign in.
    by: Option<String>,
}

pub(super) fn decision(d: &Decision) -> DecisionView {
    DecisionView {
        verdict: d.word(),
        by: d.by.clone(),
        at: time::show(d.at),
        reason: d.reason.clone(),
        rests_on: d.rests_on.as_ref().map(|rests| ApprovalView {
            by: rests.approval.by.clone(),
            at: time::show(rests.approval.at),
            reason: rests.approval.reason.clone(),
        }),
        grant: granted(d.grant.as_ref()),
    }
}

/// A grant with its end as all times are shown; null where there is none.
fn granted(grant: Option<&Grant>) -> Value {
    let mut value = serde_json::to_value(grant).unwrap_or(Value::Null);
    if let Some(end) = grant.and_then(|grant| grant.expires_at) {
        value["expires_at"] = time::show(end).into();
    }
    value
}

fn asked(manifest: &Manifest) -> Value {
    let mut value = serde_json::to_value(&manifest.capabilities).unwrap_or_else(|_| json!({}));
    value["credentials"] = serde_json::to_value(&manifest.credentials).unwrap_or_else(|_| json!({}));
    value
}

pub(super) async fn show(app: &App, view: &PluginView) -> Result<GrantView, Problem> {
    let manifest = &view.row.bundle.manifest;
    let decisions = app
        .engine
        .store()
        .decisions(Some(&view.row.digest))
        .await
        .map_err(seawall_engine::EngineError::from)?;
    let in_force = app.engine.in_force(&manifest.name).await?;
    let upgrade = match in_force.filter(|other| other.row.digest != view.row.digest) {
        None => None,
        Some(other) => {
            let old = &other.row.bundle.manifest;
            Some(UpgradeView {
                from: old.version.to_string(),
                digest: other.row.digest.to_string(),
                differences: differences(old, manifest)
                    .into_iter()
                    .map(|d| DifferenceView {
                        effect: d.effect,
                        what: d.what,
                        detail: d.detail,
                    })
                    .collect(),
                against: app.engine.against_carrying(&other, &view.row).await?,
            })
        }
    };
    Ok(GrantView {
        upgrade,
        plugin: manifest.name.to_string(),
        version: manifest.version.to_string(),
        digest: view.row.digest.to_string(),
        status: plugins::status(view.status),
        asked: asked(manifest),
        granted: granted(view.decision.as_ref().and_then(|d| d.grant.as_ref())),
        decisions: decisions.iter().map(decision).collect(),
    })
}

/// What a plugin asks and was granted, and who decided.
#[utoipa::path(get, path = "/plugins/{plugin}/grant", tag = "grants", params(("plugin" = String, Path, description = "Name, name@version, or digest or its first digits")),
    responses((status = 200, body = GrantView), (status = 404, body = Problem)))]
pub(super) async fn get(State(app): State<App>, Path(plugin): Path<String>) -> Result<Json<GrantView>, Problem> {
    let view = app.engine.known_plugin(&plugin).await?;
    Ok(Json(show(&app, &view).await?))
}

/// Grants a plugin's digest what it asks, or a part of it.
#[utoipa::path(put, path = "/plugins/{plugin}/grant", tag = "grants", params(("plugin" = String, Path, description = "Name, name@version, or digest or its first digits")),
    request_body = GrantBody, responses((status = 200, body = GrantView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn put(
    State(app): State<App>,
    Path(plugin): Path<String>,
    Body(body): Body<GrantBody>,
) -> Result<Json<GrantView>, Problem> {
    let expires_at = body
        .expires_at
        .as_deref()
        .map(|t| time::read("/expires_at", t))
        .transpose()?;
    for (i, range) in body.private_ranges.iter().enumerate() {
        seawall_domain::egress::check_range(range)
            .map_err(|why| Problem::invalid(format!("/private_ranges/{i}"), why))?;
    }
    let request = GrantRequest {
        plugin: plugin.clone(),
        private_ranges: body.private_ranges,
        plaintext_to_loopback: body.plaintext_to_loopback,
        expires_at,
        rules: body.rules.map(|rules| rules.into_iter().map(RulePart::from).collect()),
        git: body.git,
        files: body.files,
        catalog: body.catalog,
        any_host: body.any_host,
        by: body.by.unwrap_or_else(|| "token".to_owned()),
        reason: body.reason,
    };
    app.engine.approve(request).await?;
    get(State(app), Path(plugin)).await
}

/// What to do with what was never used.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TightenBody {
    /// Only says what would go.
    #[serde(default)]
    dry_run: bool,
    /// Why.
    reason: Option<String>,
    /// Who decides, until people can sign in.
    by: Option<String>,
}

/// A grant, and what of it was never used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TightenView {
    /// What goes, or would go.
    unused: Vec<UnusedView>,
    /// The grant as it is now.
    grant: GrantView,
}

/// What is granted and was never used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnusedView {
    /// The list of the manifest's capabilities: `network`, `git`, `files` or `catalog`; or `private_ranges`, of the grant.
    capability: &'static str,
    /// The number of its rule in that list.
    rule: usize,
    /// Where to.
    to: String,
    /// The methods that were never used with these paths.
    methods: Vec<String>,
    /// The path patterns.
    paths: Vec<String>,
    /// Whether nothing of the rule remains.
    whole: bool,
}

/// Narrows a grant to what was used of it: rules, methods and paths that no request has needed so far are taken back.
#[utoipa::path(post, path = "/plugins/{plugin}/grant/tighten", tag = "grants", params(("plugin" = String, Path, description = "Name, name@version, or digest or its first digits")),
    request_body = TightenBody, responses((status = 200, body = TightenView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn tighten(
    State(app): State<App>,
    Path(plugin): Path<String>,
    Body(body): Body<TightenBody>,
) -> Result<Json<TightenView>, Problem> {
    let (digest, unused) = if body.dry_run {
        app.engine.unused(&plugin).await?
    } else {
        let by = body.by.unwrap_or_else(|| "token".to_owned());
        app.engine.tighten(&plugin, by, body.reason).await?
    };
    let view = app.engine.plugin(digest.as_str()).await?;
    Ok(Json(TightenView {
        unused: unused
            .into_iter()
            .map(|unused| UnusedView {
                capability: unused.list,
                rule: unused.number,
                to: unused.to,
                methods: unused.methods,
                paths: unused.paths,
                whole: unused.whole,
            })
            .collect(),
        grant: show(&app, &view).await?,
    }))
}

/// Takes a grant back. Requests in flight end at once.
#[utoipa::path(delete, path = "/plugins/{plugin}/grant", tag = "grants", params(("plugin" = String, Path, description = "Name, name@version, or digest or its first digits"), RevokeQuery),
    responses((status = 200, body = GrantView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn revoke(
    State(app): State<App>,
    Path(plugin): Path<String>,
    Query(query): Query<RevokeQuery>,
) -> Result<Json<GrantView>, Problem> {
    let by = query.by.unwrap_or_else(|| "token".to_owned());
    let decision = app.engine.revoke(&plugin, &by, query.reason).await?;
    get(State(app), Path(decision.digest.to_string())).await
}
