//! `/audit/reach`: who can go where.

use super::{App, extract::Query, listing::Page, problem::Problem, time};
use axum::{Json, extract::State};
use seawall_domain::egress::Host;
use seawall_engine::{Reach, ReachQuery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One integration that can send one method to one place.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReachView {
    /// The integration.
    integration: String,
    /// Its plugin.
    plugin: String,
    /// The plugin's version.
    version: String,
    /// The component.
    digest: String,
    /// The list of the manifest's capabilities: `network`, or `git` where the host sends it to make a checkout.
    capability: &'static str,
    /// The rule in that list, by number.
    rule: usize,
    /// Where to: scheme, host, port and base path.
    place: String,
    /// The method.
    method: &'static str,
    /// Path patterns.
    paths: Vec<String>,
    /// The credential that is attached.
    credential: Option<String>,
    /// Who approved it, also where that was tightened, carried over to this version or rolled back to since.
    approved_by: String,
    /// When.
    approved_at: String,
    /// Why.
    reason: Option<String>,
    /// How often the rule let this method through; with `host`, to that host alone.
    used: u64,
    /// When it did so last.
    last_used_at: Option<String>,
}

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReachParams {
    /// Only what leads to this host: a name or an address.
    host: Option<String>,
    /// Only methods that change something: all but GET, HEAD and OPTIONS.
    writes: Option<bool>,
    /// Only of this plugin, by name.
    plugin: Option<String>,
}

/// What integrations can reach: asked for, granted, and not against the policy, with the values of their configs.
#[utoipa::path(get, path = "/audit/reach", tag = "audit", params(ReachParams), responses((status = 200, body = Page<ReachView>), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(app): State<App>,
    Query(params): Query<ReachParams>,
) -> Result<Json<Page<ReachView>>, Problem> {
    let query = ReachQuery {
        host: params.host.as_deref().map(host).transpose()?,
        writes: params.writes.unwrap_or_default(),
        plugin: params.plugin,
    };
    let items = app.engine.reach(&query).await?.into_iter().map(show).collect();
    Ok(Json(Page { items, next: None }))
}

/// A host alone: without scheme, port, path and the length of a range. An IPv6 address may do without its brackets.
pub(super) fn host(text: &str) -> Result<Host, Problem> {
    if let Ok(address) = text.parse() {
        return Ok(Host::V6(address));
    }
    Host::parse(text).map_err(|refusal| {
        let detail = match text.split_once("://") {
            Some((scheme, _)) => format!("`{scheme}://` is no part of a host"),
            None => refusal.to_string(),
        };
        Problem::invalid(
            "host",
            format!("{detail}; write a host alone, such as `api.github.com` or `10.0.0.7`"),
        )
    })
}

fn show(reach: Reach) -> ReachView {
    ReachView {
        integration: reach.integration.to_string(),
        plugin: reach.plugin.to_string(),
        version: reach.version,
        digest: reach.digest.to_string(),
        capability: reach.part.list,
        rule: reach.part.rule,
        place: reach.part.place,
        method: reach.part.method,
        paths: reach.part.patterns,
        credential: reach.part.credential.map(|name| name.to_string()),
        approved_by: reach.approved_by,
        approved_at: time::show(reach.approved_at),
        reason: reach.reason,
        used: reach.used,
        last_used_at: reach.last_used_at.map(time::show),
    }
}
