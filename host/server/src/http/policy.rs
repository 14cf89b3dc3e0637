//! `/policy`: what holds for every grant.

use super::{
    App,
    extract::{Json as Body, Query},
    problem::Problem,
    time,
};
use axum::{Json, extract::State};
use seawall_domain::policy::{Policy, PolicyChange};
use seawall_engine::{Engine, Violation};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// The policy in force, how it came to be, and who is against it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyView {
    /// What is forbidden and who decides.
    #[schema(value_type = Object)]
    policy: Policy,
    /// Grants in force that contain what it does not allow. Requests that it is against are refused all the same.
    violations: Vec<ViolationView>,
    /// All that were ever set, oldest first; the last one is in force.
    history: Vec<PolicyChangeView>,
}

/// A grant that contains what the policy does not allow.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ViolationView {
    /// The plugin's name.
    plugin: String,
    /// Its version.
    version: String,
    /// The component.
    digest: String,
    /// What is against the policy, with what to do.
    objections: Vec<String>,
}

/// A policy that was set.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyChangeView {
    /// Who.
    by: String,
    /// When.
    at: String,
    /// Why.
    reason: Option<String>,
    /// What held from then on.
    #[schema(value_type = Object)]
    policy: Value,
}

/// How a policy is put in force.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyQuery {
    /// Only says what would be against it.
    dry_run: Option<bool>,
    /// Why.
    reason: Option<String>,
    /// Who decides, until people can sign in.
    by: Option<String>,
}

async fn show(app: &App, policy: Policy) -> Result<Json<PolicyView>, Problem> {
    let violations = app.engine.violations(&policy).await?;
    let history = app.engine.policies().await?;
    Ok(Json(PolicyView {
        violations: violations.into_iter().map(violation).collect(),
        history: history.into_iter().map(change).collect(),
        policy,
    }))
}

fn violation(violation: Violation) -> ViolationView {
    let row = violation.plugin.row;
    ViolationView {
        plugin: row.bundle.manifest.name.to_string(),
        version: row.bundle.manifest.version.to_string(),
        digest: row.digest.to_string(),
        objections: violation.objections,
    }
}

fn change(change: PolicyChange) -> PolicyChangeView {
    PolicyChangeView {
        by: change.by,
        at: time::show(change.at),
        reason: change.reason,
        policy: serde_json::to_value(&change.policy).unwrap_or_default(),
    }
}

/// What no grant may contain, and who may grant.
#[utoipa::path(get, path = "/policy", tag = "grants", responses((status = 200, body = PolicyView)))]
pub(super) async fn get(State(app): State<App>) -> Result<Json<PolicyView>, Problem> {
    let policy = app.engine.policy().await?;
    show(&app, policy).await
}

/// Puts a policy in force, in place of the one before. Calls that begin from then on are under it.
#[utoipa::path(put, path = "/policy", tag = "grants", params(PolicyQuery), request_body(content = Object, description = "What is forbidden and who decides; what is left out is not limited"),
    responses((status = 200, body = PolicyView), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn put(
    State(app): State<App>,
    Query(query): Query<PolicyQuery>,
    Body(policy): Body<Policy>,
) -> Result<Json<PolicyView>, Problem> {
    if query.dry_run.unwrap_or_default() {
        Engine::check_policy(&policy)?;
    } else {
        let by = query.by.unwrap_or_else(|| "token".to_owned());
        app.engine.set_policy(policy.clone(), by, query.reason).await?;
    }
    show(&app, policy).await
}
