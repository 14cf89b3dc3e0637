//! `/audit`: asked, granted and used, side by side.

use super::{
    App,
    extract::Query,
    grants::{self, DecisionView},
    listing::Page,
    plugins::{self, StandingView},
    problem::Problem,
    time,
};
use axum::{Json, extract::State};
use seawall_engine::{Asked, AskedCheckout, PluginAudit};
use seawall_store::EgressUsageRow;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// One plugin.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditView {
    /// Its name.
    plugin: String,
    /// Its version.
    version: String,
    /// The component.
    digest: String,
    /// `awaiting-grant`, `granted` or `revoked`.
    status: &'static str,
    #[serde(flatten)]
    standing: StandingView,
    /// What it asks of the network, was granted, and used.
    network: Vec<RuleView>,
    /// Directories that it asks to read.
    #[schema(value_type = Vec<Object>)]
    files: Value,
    /// What it asks to check out of git, and what the host sent for it.
    git: Vec<CheckoutView>,
    /// Whether it asks to read the catalog.
    catalog: bool,
    /// Requests that were refused.
    refused: Vec<UsageView>,
    /// Who decided what; oldest first.
    decisions: Vec<DecisionView>,
}

/// One network rule.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleView {
    /// Its number in the manifest.
    number: usize,
    /// Where to.
    to: String,
    /// Methods.
    methods: Vec<String>,
    /// Path patterns.
    paths: Vec<String>,
    /// The credential that is attached.
    credential: Option<String>,
    /// Why it is asked for.
    reason: Option<String>,
    /// Whether it is granted, or a part of it.
    granted: bool,
    /// What of it is granted.
    parts: Vec<PartView>,
    /// What was used of it.
    used: Vec<UsageView>,
}

/// One checkout.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckoutView {
    /// Its number in the manifest.
    number: usize,
    /// The repository, as the manifest has it.
    from: String,
    /// Branch or tag, as the manifest has it; null: the repository's HEAD.
    #[serde(rename = "ref")]
    reference: Option<String>,
    /// Where the plugin sees it.
    at: String,
    /// The credential that is attached.
    credential: Option<String>,
    /// Why it is asked for.
    reason: Option<String>,
    /// Whether it is granted.
    granted: bool,
    /// The requests that the host sent for it.
    used: Vec<UsageView>,
}

/// What of a rule is granted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartView {
    /// Methods.
    methods: Vec<String>,
    /// Path patterns.
    paths: Vec<String>,
}

/// Requests of one rule, path pattern, method, host and integration together, however old.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UsageView {
    /// The integration.
    integration: String,
    /// The rule that allowed them, or that was nearest.
    rule: String,
    /// The rule's path pattern that matched; empty for refusals.
    pattern: String,
    /// Method.
    method: String,
    /// Host.
    host: String,
    /// How many.
    count: u64,
    /// How many of them the tool answered with 304, and the host from what it had kept: they cost no quota.
    unchanged: u64,
    /// Bytes sent.
    sent: u64,
    /// Bytes received.
    received: u64,
    /// First one.
    first_at: String,
    /// Last one.
    last_at: String,
}

/// Whose audit.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditQuery {
    /// Name, name@version or digest; absent: all.
    plugin: Option<String>,
}

/// What each plugin asked, was granted and used.
#[utoipa::path(get, path = "/audit", tag = "audit", params(AuditQuery), responses((status = 200, body = Page<AuditView>), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Page<AuditView>>, Problem> {
    let items = app
        .engine
        .audit(query.plugin.as_deref())
        .await?
        .into_iter()
        .map(show)
        .collect();
    Ok(Json(Page { items, next: None }))
}

fn show(audit: PluginAudit) -> AuditView {
    let manifest = &audit.plugin.row.bundle.manifest;
    AuditView {
        plugin: manifest.name.to_string(),
        version: manifest.version.to_string(),
        digest: audit.plugin.row.digest.to_string(),
        status: plugins::status(audit.plugin.status),
        standing: plugins::standing(&audit.plugin.standing),
        files: serde_json::to_value(&manifest.capabilities.files).unwrap_or(Value::Null),
        catalog: manifest.capabilities.catalog,
        network: audit.network.into_iter().map(rule).collect(),
        git: audit.git.into_iter().map(checkout).collect(),
        refused: audit.refused.into_iter().map(usage).collect(),
        decisions: audit.decisions.iter().map(grants::decision).collect(),
    }
}

fn rule(asked: Asked) -> RuleView {
    RuleView {
        number: asked.number,
        to: asked.rule.to,
        methods: asked.rule.methods,
        paths: asked.rule.paths,
        credential: asked.rule.credential.map(|c| c.to_string()),
        reason: asked.rule.reason,
        granted: !asked.granted.is_empty(),
        parts: asked
            .granted
            .into_iter()
            .map(|part| PartView {
                methods: part.methods,
                paths: part.paths,
            })
            .collect(),
        used: asked.used.into_iter().map(usage).collect(),
    }
}

fn checkout(asked: AskedCheckout) -> CheckoutView {
    CheckoutView {
        number: asked.number,
        from: asked.rule.from,
        reference: asked.rule.reference,
        at: asked.rule.at,
        credential: asked.rule.credential.map(|c| c.to_string()),
        reason: asked.rule.reason,
        granted: asked.granted,
        used: asked.used.into_iter().map(usage).collect(),
    }
}

fn usage(u: EgressUsageRow) -> UsageView {
    UsageView {
        integration: u.integration,
        rule: u.rule,
        pattern: u.pattern,
        method: u.method,
        host: u.host,
        count: u.count,
        unchanged: u.unchanged,
        sent: u.sent,
        received: u.received,
        first_at: time::show(u.first_at),
        last_at: time::show(u.last_at),
    }
}
