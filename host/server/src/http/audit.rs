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
use seawall_engine::{Asked, AskedCheckout, AskedDirectory, PluginAudit, PluginStatus};
use seawall_store::{CapabilityUsageRow, EgressUsageRow};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One plugin.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditView {
    /// Its name.
    plugin: String,
    /// Its version.
    version: String,
    /// The component.
    digest: String,
    /// `awaiting-grant`, `granted`, `expired`, `revoked` or `removed`.
    status: &'static str,
    /// `file`, or the reference that it was pulled from, pinned to a digest.
    source: String,
    /// The keys of the policy that signed it.
    signed_by: Vec<String>,
    /// Why the policy does not let it be used; null where nothing is against it. `refused` are its requests.
    untrusted: Option<String>,
    /// What it asks of the network, was granted, and used.
    network: Vec<RuleView>,
    /// Directories that it asks to read, and the calls that were given them.
    files: Vec<DirectoryView>,
    /// What it asks to check out of git, and what the host sent for it.
    git: Vec<CheckoutView>,
    /// Reading the catalog; null where it does not ask for that.
    catalog: Option<CatalogView>,
    /// Private ranges that its grant opens, and the requests that went into them.
    private_ranges: Vec<RangeView>,
    /// Whether its grant lets a rule whose host is `*` lead to every host.
    any_host: bool,
    /// When its grant ends.
    expires_at: Option<String>,
    /// When it was removed; null where it is installed.
    removed_at: Option<String>,
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
    /// What was used of it: the requests that it let through, whether or not the tool was reached.
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

/// One directory.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DirectoryView {
    /// Its number in the manifest.
    number: usize,
    /// Where it is on the host, as the manifest has it.
    from: String,
    /// Where the plugin sees it.
    at: String,
    /// Why it is asked for.
    reason: Option<String>,
    /// Whether it is granted.
    granted: bool,
    /// The calls that were given it.
    used: Vec<UseView>,
}

/// Reading the catalog.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CatalogView {
    /// Whether it is granted.
    granted: bool,
    /// Readings.
    used: Vec<UseView>,
}

/// A private range of a grant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RangeView {
    /// The range.
    range: String,
    /// Requests that went into it.
    used: Vec<UseView>,
}

/// Uses of a capability by one integration together, however old.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UseView {
    /// The integration.
    integration: String,
    /// How many.
    count: u64,
    /// First one.
    first_at: String,
    /// Last one.
    last_at: String,
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
    /// Name (the version in force, or the newest where none is), name@version, or digest or its first digits; absent: all that are
    /// installed. One that was removed is found too.
    plugin: Option<String>,
    /// Those that were removed instead of those that are installed.
    #[serde(default)]
    removed: bool,
}

/// What each plugin asked, was granted and used.
#[utoipa::path(get, path = "/audit", tag = "audit", params(AuditQuery), responses((status = 200, body = Page<AuditView>), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Page<AuditView>>, Problem> {
    let audits = match (&query.plugin, query.removed) {
        (None, true) => app.engine.audit_of_removed().await?,
        (plugin, _) => app.engine.audit(plugin.as_deref()).await?,
    };
    let items = audits.into_iter().map(show).collect();
    Ok(Json(Page { items, next: None }))
}

fn show(audit: PluginAudit) -> AuditView {
    let manifest = &audit.plugin.row.bundle.manifest;
    let grant = audit.plugin.decision.as_ref().and_then(|d| d.grant.as_ref());
    let in_force = audit.plugin.status == PluginStatus::Granted;
    let StandingView {
        source,
        signed_by,
        refused: untrusted,
    } = plugins::standing(&audit.plugin.standing);
    AuditView {
        source,
        signed_by,
        untrusted,
        plugin: manifest.name.to_string(),
        version: manifest.version.to_string(),
        digest: audit.plugin.row.digest.to_string(),
        status: plugins::status(audit.plugin.status),
        any_host: in_force && grant.is_some_and(|grant| grant.any_host),
        expires_at: grant.and_then(|grant| grant.expires_at).map(time::show),
        removed_at: audit.plugin.row.removed_at.map(time::show),
        files: audit.files.into_iter().map(directory).collect(),
        catalog: audit.catalog.map(|asked| CatalogView {
            granted: asked.granted,
            used: uses(asked.used),
        }),
        private_ranges: audit
            .private_ranges
            .into_iter()
            .map(|open| RangeView {
                range: open.range.to_string(),
                used: uses(open.used),
            })
            .collect(),
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

fn directory(asked: AskedDirectory) -> DirectoryView {
    DirectoryView {
        number: asked.number,
        from: asked.rule.from,
        at: asked.rule.at,
        reason: asked.rule.reason,
        granted: asked.granted,
        used: uses(asked.used),
    }
}

fn uses(all: Vec<CapabilityUsageRow>) -> Vec<UseView> {
    let view = |used: CapabilityUsageRow| UseView {
        integration: used.integration,
        count: used.count,
        first_at: time::show(used.first_at),
        last_at: time::show(used.last_at),
    };
    all.into_iter().map(view).collect()
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
