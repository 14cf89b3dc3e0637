//! `/egress`: every request of every plugin, refused ones too.

use super::{
    App,
    extract::Query,
    listing::{Page, PageQuery, limit, newest},
    problem::Problem,
    reach, time,
};
use axum::{Json, extract::State, http::uri::Authority};
use seawall_domain::IntegrationName;
use seawall_engine::EngineError;
use seawall_store::{EgressFilter, EgressRow};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One request, or one refusal.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EgressView {
    /// When it started.
    at: String,
    /// The integration.
    integration: String,
    /// The component.
    digest: String,
    /// Upper case.
    method: String,
    /// `http` or `https`.
    scheme: String,
    /// Host.
    host: String,
    /// Port.
    port: u16,
    /// Without query.
    path: String,
    /// Whether it was let through.
    allowed: bool,
    /// The manifest's rule that allowed it, or that was nearest.
    rule: Option<String>,
    /// That rule's path pattern that matched.
    pattern: Option<String>,
    /// Why it was refused or failed, or a note.
    reason: Option<String>,
    /// Of the response.
    status: Option<u16>,
    /// Bytes sent.
    sent: u64,
    /// Bytes received.
    received: u64,
    /// Microseconds to the end of the response.
    micros: u64,
    /// The credential that was attached.
    credential: Option<String>,
    /// Whether the tool said that nothing has changed, and the host answered from what it had kept.
    unchanged: bool,
    /// The address that was connected to; null where nothing was.
    address: Option<String>,
    /// The private range of the grant that opened this address; null for public ones.
    private_range: Option<String>,
}

/// Which records.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct EgressQuery {
    /// Of one integration, which may have been removed since.
    #[param(value_type = Option<String>)]
    integration: Option<IntegrationName>,
    /// Of one plugin's version, which may have been removed since: name, name@version, or digest or its first digits.
    plugin: Option<String>,
    /// To one host, or to one address.
    host: Option<String>,
    /// From this time on, such as `2027-01-31T12:00:00Z`.
    since: Option<String>,
    /// Before this time.
    until: Option<String>,
    /// Only allowed (`true`) or only refused (`false`) ones.
    allowed: Option<bool>,
    /// From the answer before.
    cursor: Option<String>,
    /// 1 to 1,000; 50 where absent.
    limit: Option<usize>,
}

/// Records, newest first.
#[utoipa::path(get, path = "/egress", tag = "audit", params(EgressQuery), responses((status = 200, body = Page<EgressView>), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<EgressQuery>,
) -> Result<Json<Page<EgressView>>, Problem> {
    let of = format!(
        "egress:{:?}",
        (
            &query.integration,
            &query.plugin,
            &query.host,
            &query.since,
            &query.until,
            query.allowed
        )
    );
    if let Some(name) = &query.integration {
        app.engine.recorded(name).await?;
    }
    let digests = match &query.plugin {
        Some(plugin) => Some(app.engine.recorded_plugins(plugin).await?),
        None => None,
    };
    let host = query.host.as_deref().map(host).transpose()?;
    let moment = |name: &str, text: &Option<String>| text.as_deref().map(|t| time::read(name, t)).transpose();
    let (since, until) = (moment("since", &query.since)?, moment("until", &query.until)?);
    if since.zip(until).is_some_and(|(since, until)| since >= until) {
        let why = "expected a time after `since`; what is asked for now is no time at all";
        return Err(Problem::invalid("until", why));
    }
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let (n, before) = (limit(page.limit)?, page.before(&of)?);
    let filter = EgressFilter {
        integration: query.integration.map(|name| name.to_string()),
        digests,
        since,
        until,
        host,
        allowed: query.allowed,
    };
    let rows = app
        .engine
        .store()
        .egress(&filter, before, n + 1)
        .await
        .map_err(EngineError::from)?;
    Ok(Json(newest(&of, n, rows, |r| r.id, show)))
}

/// A host as records have it: normalised, or as a plugin asked for it where it is none. What no request can name as its host is
/// refused: the empty answer would look as if nothing had been sent.
fn host(text: &str) -> Result<String, Problem> {
    if text.contains('*') || text.is_empty() {
        let why = format!(
            "expected a host or an address, such as `api.example.com` or `10.0.0.7`, found `{text}`; leave it out for requests to \
             all hosts"
        );
        return Err(Problem::invalid("host", why));
    }
    let as_asked = |text: &str| text.parse().is_ok_and(|authority: Authority| authority.host() == text);
    match reach::host(text) {
        Ok(host) => Ok(host.to_string()),
        Err(_) if as_asked(text) => Ok(text.to_owned()),
        Err(problem) => Err(problem),
    }
}

fn show(r: EgressRow) -> EgressView {
    EgressView {
        at: time::show(r.at),
        integration: r.integration,
        digest: r.digest.to_string(),
        method: r.method,
        scheme: r.scheme,
        host: r.host,
        port: r.port,
        path: r.path,
        allowed: r.allowed,
        rule: r.rule,
        pattern: r.pattern,
        reason: r.reason,
        status: r.status,
        sent: r.sent,
        received: r.received,
        micros: r.micros,
        credential: r.credential,
        unchanged: r.unchanged,
        address: r.address.map(|address| address.to_string()),
        private_range: r.private_range.map(|range| range.to_string()),
    }
}
