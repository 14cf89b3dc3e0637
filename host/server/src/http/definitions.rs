//! `/definitions`: documents that are kept as they are, and whose each definition is.

use super::{
    App,
    extract::{Json as Body, Path, Query},
    listing::Page,
    problem::Problem,
};
use axum::{Json, extract::State, http::StatusCode};
use seawall_domain::definition::{Kind, Owner, canonical, schema};
use seawall_domain::document::{check_schema, explain};
use seawall_engine::{EngineError, Problem as Field};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// A document that is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DefinitionView {
    /// `Action`, `Automation`, `Gate`, `Mapping`, `Role`, `Scorecard` or `Team`.
    #[schema(value_type = String)]
    kind: Kind,
    /// Unique within the kind; a scorecard is `BLUEPRINT/IDENTIFIER`.
    name: String,
    /// As it was given.
    #[schema(value_type = Object)]
    definition: Value,
}

/// Whose a definition is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnerView {
    /// Of what.
    #[schema(value_type = String)]
    kind: Kind,
    /// Its name.
    name: String,
    /// Who applied it last, such as `git:platform`.
    source: String,
    /// The file.
    file: Option<String>,
    /// The digest of the definition as it was applied.
    digest: Option<String>,
}

/// Whose a definition is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnerBody {
    /// Who, such as `git:platform`.
    source: String,
    /// The file.
    file: Option<String>,
    /// The digest of the definition as it was applied.
    digest: Option<String>,
}

/// Which documents.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DefinitionQuery {
    /// Only of this kind.
    kind: Option<String>,
}

fn kind(name: &str) -> Result<Kind, Problem> {
    name.parse().map_err(|why: String| Problem::not_found(why))
}

/// Documents that are kept as they are, and given back by an export: this version does nothing by them.
#[utoipa::path(get, path = "/definitions", tag = "definitions", params(DefinitionQuery), responses((status = 200, body = Page<DefinitionView>), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<DefinitionQuery>,
) -> Result<Json<Page<DefinitionView>>, Problem> {
    let only = query.kind.as_deref().map(kind).transpose()?;
    let mut items = Vec::new();
    for kind in Kind::ALL
        .into_iter()
        .filter(|kind| kind.is_kept() && only.is_none_or(|only| only == *kind))
    {
        let all = app.engine.kept_definitions(kind).await?;
        items.extend(
            all.into_iter()
                .map(|(name, definition)| DefinitionView { kind, name, definition }),
        );
    }
    Ok(Json(Page { items, next: None }))
}

/// One of them.
#[utoipa::path(get, path = "/definitions/{kind}/{name}", tag = "definitions",
    params(("kind" = String, Path, description = "Its kind"), ("name" = String, Path, description = "Its name, percent-encoded")),
    responses((status = 200, body = DefinitionView), (status = 404, body = Problem)))]
pub(super) async fn get(
    State(app): State<App>,
    Path((of, name)): Path<(String, String)>,
) -> Result<Json<DefinitionView>, Problem> {
    let kind = kind(&of)?;
    let mut all = app.engine.kept_definitions(kind).await?;
    let Some(definition) = all.remove(&name) else {
        let near = seawall_domain::text::nearest(&name, all.keys().map(String::as_str));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(Problem::not_found(format!(
            "{} `{name}` is not kept{hint}",
            kind.word()
        )));
    };
    Ok(Json(DefinitionView { kind, name, definition }))
}

/// Keeps a document, checked against its kind's schema. 201 where it is new.
#[utoipa::path(put, path = "/definitions/{kind}/{name}", tag = "definitions", request_body = Value,
    params(("kind" = String, Path, description = "Its kind"), ("name" = String, Path, description = "Its name, percent-encoded")),
    responses((status = 200, body = DefinitionView), (status = 201, body = DefinitionView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn put(
    State(app): State<App>,
    Path((of, name)): Path<(String, String)>,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<DefinitionView>), Problem> {
    let kind = kind(&of)?;
    let schema = schema(kind);
    let wrong = |problems: Vec<seawall_domain::document::Problem>| {
        let fields = problems
            .into_iter()
            .map(|problem| Field::at(problem.pointer.clone(), problem.words()));
        Problem::from(EngineError::Invalid(fields.collect()))
    };
    let validator = check_schema(&schema).map_err(|problem| wrong(vec![*problem]))?;
    let problems = explain(&validator, &schema, &body);
    if !problems.is_empty() {
        return Err(wrong(problems));
    }
    let (own, definition) = canonical(kind, &body).map_err(wrong)?;
    if own != name {
        let why = format!("the address says `{name}`, the body `{own}`; make them the same");
        return Err(Problem::invalid("/identifier", why));
    }
    let new = app.engine.keep_definition(kind, &name, definition.clone()).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(DefinitionView { kind, name, definition })))
}

/// Removes one.
#[utoipa::path(delete, path = "/definitions/{kind}/{name}", tag = "definitions",
    params(("kind" = String, Path, description = "Its kind"), ("name" = String, Path, description = "Its name, percent-encoded")),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn remove(
    State(app): State<App>,
    Path((of, name)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    app.engine.drop_definition(kind(&of)?, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whose each definition is, as far as somebody said so with `?source=` when it was put. What is a `git:` source's is
/// read-only elsewhere, unless the setting `definitions.locked` is false.
#[utoipa::path(get, path = "/definition-owners", tag = "definitions", responses((status = 200, body = Page<OwnerView>)))]
pub(super) async fn owners(State(app): State<App>) -> Result<Json<Page<OwnerView>>, Problem> {
    let items = app.engine.owners().await?.into_iter().map(view).collect();
    Ok(Json(Page { items, next: None }))
}

fn view(owner: Owner) -> OwnerView {
    let Owner {
        kind,
        name,
        source,
        file,
        digest,
    } = owner;
    OwnerView {
        kind,
        name,
        source,
        file,
        digest,
    }
}

/// Notes whose a definition is, which changes nothing else. 409 where it is another git source's.
#[utoipa::path(put, path = "/definition-owners/{kind}/{name}", tag = "definitions", request_body = OwnerBody,
    params(("kind" = String, Path, description = "Its kind"), ("name" = String, Path, description = "Its name, percent-encoded")),
    responses((status = 200, body = OwnerView), (status = 409, body = Problem)))]
pub(super) async fn own(
    State(app): State<App>,
    Path((of, name)): Path<(String, String)>,
    Body(body): Body<OwnerBody>,
) -> Result<Json<OwnerView>, Problem> {
    let kind = kind(&of)?;
    if let Some(owner) = app.engine.locked_by(kind, &name, Some(&body.source)).await? {
        return Err(super::owned::refused(&owner));
    }
    let owner = Owner {
        kind,
        name,
        source: body.source,
        file: body.file,
        digest: body.digest,
    };
    app.engine.own(owner.clone()).await?;
    Ok(Json(view(owner)))
}

/// Forgets whose a definition is: from then on it can be changed everywhere. The definition stays.
#[utoipa::path(delete, path = "/definition-owners/{kind}/{name}", tag = "definitions",
    params(("kind" = String, Path, description = "Its kind"), ("name" = String, Path, description = "Its name, percent-encoded")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn disown(
    State(app): State<App>,
    Path((of, name)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    app.engine.disown(kind(&of)?, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
