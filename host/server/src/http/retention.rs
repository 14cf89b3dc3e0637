//! `/retention`: how long the change log is kept.

use super::{App, extract::Json as Body, problem::Problem};
use axum::{Json, extract::State};
use seawall_domain::subscription::Retention;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How long the change log is kept. Histories of entities, the cursors of `/changes` and `/events`, and what an entity was on a day
/// reach back so far.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RetentionView {
    /// Changes that are older than so many days go.
    days: u32,
    /// So many of the newest stay, however old.
    rows: u64,
    /// What a subscription was not told of yet stays for so many days.
    pending_days: u32,
}

impl From<Retention> for RetentionView {
    fn from(kept: Retention) -> Self {
        Self {
            days: kept.days,
            rows: kept.rows,
            pending_days: kept.pending_days,
        }
    }
}

/// How long the change log is kept.
#[utoipa::path(get, path = "/retention", tag = "events", responses((status = 200, body = RetentionView)))]
pub(super) async fn get(State(app): State<App>) -> Result<Json<RetentionView>, Problem> {
    Ok(Json(app.engine.retention().await?.into()))
}

/// Sets how long the change log is kept. What is older goes soon, and does not come back.
#[utoipa::path(put, path = "/retention", tag = "events", request_body = RetentionView,
    responses((status = 200, body = RetentionView), (status = 422, body = Problem)))]
pub(super) async fn put(
    State(app): State<App>,
    Body(wanted): Body<RetentionView>,
) -> Result<Json<RetentionView>, Problem> {
    let kept = Retention {
        days: wanted.days,
        rows: wanted.rows,
        pending_days: wanted.pending_days,
    };
    app.engine.set_retention(kept).await?;
    Ok(Json(wanted))
}
