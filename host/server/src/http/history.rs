//! `/definition-changes`: who changed which definition, when, why and how.

use super::{
    App,
    extract::Query,
    listing::{Page, PageQuery, limit, newest},
    problem::Problem,
    time,
};
use axum::{Json, extract::State};
use seawall_domain::definition::{Decided, DefinitionChange, FieldChange, Happened, Kind};
use seawall_store::DefinitionFilter;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Which changes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangesQuery {
    /// Only of definitions of this kind, such as `Blueprint`.
    kind: Option<String>,
    /// Only of definitions of this name.
    name: Option<String>,
    /// Only by this person.
    by: Option<String>,
    /// From the answer before.
    cursor: Option<String>,
    /// 1 to 1,000; 50 where absent.
    limit: Option<usize>,
}

/// A change of a definition.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DefinitionChangeView {
    /// Rises with each.
    id: i64,
    /// Of what.
    #[schema(value_type = String)]
    kind: Kind,
    /// Its name.
    name: String,
    /// `created`, `updated`, `deleted`, or `resealed` where what is secret of it was replaced.
    #[schema(value_type = String)]
    change: Happened,
    /// When.
    at: String,
    /// Who, as they said themselves.
    by: Option<String>,
    /// On whose behalf: `git:platform`, `import:port`, `plugin:github`.
    source: Option<String>,
    /// Where that source describes it.
    file: Option<String>,
    /// Why.
    reason: Option<String>,
    /// `[{"field": "title", "before": null, "after": "Service"}]`: what changed, without anything secret.
    #[schema(value_type = Vec<Object>)]
    fields: Vec<FieldChange>,
    /// Of a grant, `{"decision": "tightened", "version": "1.2.0", "digest": "sha256:…"}`: what was decided about which version.
    #[schema(value_type = Option<Object>)]
    decided: Option<Decided>,
}

/// With times as they are shown everywhere: a grant is kept with its end in milliseconds.
fn shown(kind: Kind, mut fields: Vec<FieldChange>) -> Vec<FieldChange> {
    let ends = fields
        .iter_mut()
        .filter(|field| kind == Kind::Grant && field.field == "expires_at");
    for end in ends.flat_map(|field| [&mut field.before, &mut field.after]) {
        if let Some(millis) = end.as_i64() {
            *end = Value::String(time::show(millis));
        }
    }
    fields
}

fn view((id, change): (i64, DefinitionChange)) -> DefinitionChangeView {
    let author = change.author;
    DefinitionChangeView {
        id,
        kind: change.kind,
        name: change.name,
        change: change.change,
        at: time::show(change.at),
        by: author.by,
        source: author.source,
        file: author.file,
        reason: author.reason,
        fields: shown(change.kind, change.fields),
        decided: change.decided,
    }
}

/// Who changed which definition, when, why and how; newest first, and kept for ever. What happened to entities is in `/changes`.
#[utoipa::path(get, path = "/definition-changes", tag = "definitions", operation_id = "definition_changes", params(ChangesQuery),
    responses((status = 200, body = Page<DefinitionChangeView>), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<ChangesQuery>,
) -> Result<Json<Page<DefinitionChangeView>>, Problem> {
    let kind = query.kind.as_deref().map(str::parse::<Kind>).transpose();
    let filter = DefinitionFilter {
        kind: kind.map_err(|why| Problem::invalid("kind", why))?,
        name: query.name,
        by: query.by,
    };
    let of = format!("definition-changes:{filter:?}");
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let (n, before) = (limit(page.limit)?, page.before(&of)?);
    let rows = app.engine.definition_changes(&filter, before, n + 1).await?;
    Ok(Json(newest(&of, n, rows, |(id, _)| *id, view)))
}
