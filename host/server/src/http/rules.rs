//! `/rules` and `/verdicts`.

use super::{
    App,
    extract::{Json as Body, Path, Query},
    listing::Page,
    problem::Problem,
    time,
};
use axum::{Json, extract::State};
use seawall_domain::{BlueprintId, EntityId, run::RuleVerdict};
use seawall_engine::EngineError;
use seawall_store::{VerdictFilter, VerdictRow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

/// What to judge.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvaluationBody {
    /// Whose entities.
    #[schema(value_type = String)]
    blueprint: BlueprintId,
    /// One of them; absent: all.
    #[schema(value_type = Option<String>)]
    identifier: Option<EntityId>,
    /// Checked against the rule's schema.
    #[serde(default)]
    #[schema(value_type = Object)]
    params: Option<Value>,
}

/// What it came to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EvaluationView {
    /// Entities judged.
    judged: u64,
    /// Of them, those that pass.
    passed: u64,
    /// Those that fail.
    failed: u64,
    /// Those that the rule does not concern.
    not_applicable: u64,
}

/// A verdict.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerdictView {
    /// `plugin/rule`.
    rule: String,
    /// The entity's blueprint.
    blueprint: String,
    /// The entity's identifier.
    identifier: String,
    /// `pass`, `fail` or `not-applicable`.
    verdict: &'static str,
    /// Why it fails.
    reason: Option<String>,
    /// When it was judged.
    at: String,
}

/// Which verdicts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerdictQuery {
    /// `plugin/rule`.
    rule: Option<String>,
    /// With `identifier`: of one entity.
    blueprint: Option<String>,
    /// With `blueprint`: of one entity.
    identifier: Option<String>,
}

/// Judges entities by a plugin's rule, and keeps the verdicts.
#[utoipa::path(post, path = "/rules/{plugin}/{rule}/evaluations", tag = "rules",
    params(("plugin" = String, Path, description = "The plugin"), ("rule" = String, Path, description = "Its rule")), request_body = EvaluationBody,
    responses((status = 200, body = EvaluationView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn evaluate(
    State(app): State<App>,
    Path((plugin, rule)): Path<(String, String)>,
    Body(body): Body<EvaluationBody>,
) -> Result<Json<EvaluationView>, Problem> {
    let params = body.params.unwrap_or_else(|| json!({}));
    let done = app
        .engine
        .evaluate(&plugin, &rule, &body.blueprint, body.identifier.as_ref(), &params)
        .await?;
    Ok(Json(EvaluationView {
        judged: done.judged,
        passed: done.passed,
        failed: done.failed,
        not_applicable: done.not_applicable,
    }))
}

/// The newest verdicts.
#[utoipa::path(get, path = "/verdicts", tag = "rules", params(VerdictQuery), responses((status = 200, body = Page<VerdictView>)))]
pub(super) async fn verdicts(
    State(app): State<App>,
    Query(query): Query<VerdictQuery>,
) -> Result<Json<Page<VerdictView>>, Problem> {
    let entity = match (query.blueprint, query.identifier) {
        (Some(b), Some(i)) => Some((b, i)),
        (None, None) => None,
        _ => {
            return Err(Problem::invalid(
                "identifier",
                "`blueprint` and `identifier` name an entity together; give both or none",
            ));
        }
    };
    let filter = VerdictFilter {
        rule: query.rule,
        entity,
    };
    let rows = app.engine.store().verdicts(&filter).await.map_err(EngineError::from)?;
    Ok(Json(Page {
        items: rows.into_iter().map(show).collect(),
        next: None,
    }))
}

fn show(row: VerdictRow) -> VerdictView {
    let (verdict, reason) = match row.verdict {
        RuleVerdict::Pass => ("pass", None),
        RuleVerdict::Fail(why) => ("fail", Some(why)),
        RuleVerdict::NotApplicable => ("not-applicable", None),
    };
    VerdictView {
        rule: row.rule,
        blueprint: row.blueprint,
        identifier: row.identifier,
        verdict,
        reason,
        at: time::show(row.at),
    }
}
