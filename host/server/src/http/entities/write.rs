//! Entities written by people and clients.

use super::{EntityView, get};
use crate::http::{
    App,
    extract::{Bulk, Json, Path, Query},
    problem::{Field, Problem},
};
use axum::{
    Json as Answer,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use seawall_domain::{BlueprintId, EntityId};
use seawall_engine::{EntityWrite, PEOPLE, Problem as FieldProblem, Speaker, When, Written};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Entities of one bulk request.
const MOST: usize = 1_000;
/// Levels of a bulk request around each entity: the request itself, and the list.
const AROUND: usize = 2;

/// Who writes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WriteQuery {
    /// Under which name it is said: `people`, where absent, or a kind and a name such as `ci:deploy`.
    source: Option<String>,
    /// Who does it, for the history.
    by: Option<String>,
    /// Creates targets of relations that do not exist, with their identifiers alone.
    create_missing_related_entities: Option<bool>,
}

impl WriteQuery {
    fn speaker(self) -> Result<Speaker, Problem> {
        if let Some(by) = &self.by
            && (by.is_empty() || by.len() > 200 || by.chars().any(char::is_control))
        {
            return Err(Problem::invalid(
                "by",
                "expected 1 to 200 bytes without control characters",
            ));
        }
        Ok(Speaker {
            source: self.source.unwrap_or_else(|| PEOPLE.to_owned()),
            by: self.by,
            create_missing: self.create_missing_related_entities.unwrap_or(false),
        })
    }
}

/// An entity as it is after a write.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WrittenView {
    #[serde(flatten)]
    entity: EntityView,
    /// Fields in which another source's word counts, so that what was written is not seen; see the blueprint's `precedence`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shadowed: Vec<String>,
}

/// What became of a removal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RemovedView {
    /// Whether the entity is gone.
    deleted: bool,
    /// Sources that still speak of it, which is why it is there.
    sources: Vec<String>,
}

/// Many entities.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BulkBody {
    /// In Port's shape, each with `blueprint` and `identifier`; at most 1,000, of together 16 MiB.
    #[schema(value_type = Vec<Object>)]
    entities: Vec<Value>,
    /// Merges each into what the source says of it already, instead of replacing that.
    #[serde(default)]
    merge: bool,
    /// As the query's.
    #[serde(default)]
    create_missing_related_entities: bool,
}

/// What became of each entity of a bulk request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkAnswer {
    /// In the order of the request.
    results: Vec<BulkResult>,
}

/// What became of one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkResult {
    /// Its blueprint, as given.
    blueprint: Value,
    /// Its identifier, as given.
    identifier: Value,
    /// `created`, `updated`, `unchanged` or `rejected`.
    status: &'static str,
    /// What is wrong with it first.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Where, in the entity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// All that is wrong with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Field>,
    /// See the answer to one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shadowed: Vec<String>,
}

/// Creates an entity, or replaces what this source says of it; what integrations and other sources say stays. `If-None-Match: *`
/// creates only, `If-Match` with the ETag of a GET changes only what was read.
#[utoipa::path(put, path = "/blueprints/{blueprint}/entities/{identifier}", tag = "catalog", request_body(content = Object, description = "In Port's shape"),
    params(("blueprint" = String, Path, description = "Its blueprint"), ("identifier" = String, Path, description = "Its identifier, percent-encoded"), WriteQuery),
    responses((status = 200, body = WrittenView), (status = 201, body = WrittenView), (status = 404, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn put(
    State(app): State<App>,
    Path(name): Path<(BlueprintId, EntityId)>,
    Query(query): Query<WriteQuery>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Response, Problem> {
    one(&app, name, query, &headers, body, false).await
}

/// Merges into what this source says of an entity: `null` takes a value back.
#[utoipa::path(patch, path = "/blueprints/{blueprint}/entities/{identifier}", tag = "catalog", request_body(content = Object, description = "In Port's shape; only what changes"),
    params(("blueprint" = String, Path, description = "Its blueprint"), ("identifier" = String, Path, description = "Its identifier, percent-encoded"), WriteQuery),
    responses((status = 200, body = WrittenView), (status = 404, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn patch(
    State(app): State<App>,
    Path(name): Path<(BlueprintId, EntityId)>,
    Query(query): Query<WriteQuery>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Response, Problem> {
    // What is patched is there.
    app.engine.entity(&name.0, &name.1).await?;
    one(&app, name, query, &headers, body, true).await
}

async fn one(
    app: &App,
    (blueprint, identifier): (BlueprintId, EntityId),
    query: WriteQuery,
    headers: &HeaderMap,
    body: Value,
    merge: bool,
) -> Result<Response, Problem> {
    let speaker = query.speaker()?;
    let absent = headers.get(header::IF_NONE_MATCH).is_some_and(|value| value == "*");
    let when = match version(app, &blueprint, &identifier, headers).await? {
        Some(version) => When::Version(version),
        None if absent => When::Absent,
        None => When::Always,
    };
    if !app.engine.has_blueprint(&blueprint).await? {
        // Says what was probably meant.
        app.engine.entity(&blueprint, &identifier).await?;
    }
    let write = EntityWrite {
        blueprint,
        identifier,
        body,
        merge,
        when,
    };
    let mut written = app.engine.write_entities(&speaker, vec![write]).await?;
    let (status, row, shadowed) = match written.pop() {
        Some(Written::Created(row)) => (StatusCode::CREATED, row, Vec::new()),
        Some(Written::Updated { row, shadowed }) => (StatusCode::OK, row, shadowed),
        Some(Written::Unchanged(row)) => (StatusCode::OK, row, Vec::new()),
        Some(Written::Rejected(problems)) => return Err(rejected(problems, absent)),
        None => return Err(Problem::invalid("", "there is no entity in the request")),
    };
    let view = WrittenView {
        entity: row.into(),
        shadowed,
    };
    Ok((status, Answer(view)).into_response())
}

fn rejected(problems: Vec<FieldProblem>, absent: bool) -> Problem {
    match problems.as_slice() {
        [only] if absent && only.pointer == "/identifier" => Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "precondition-failed",
            "It exists already",
            only.detail.clone(),
        ),
        _ => Problem::fields(problems),
    }
}

/// The version that If-Match stands for. Without the header none.
async fn version(
    app: &App,
    blueprint: &BlueprintId,
    identifier: &EntityId,
    headers: &HeaderMap,
) -> Result<Option<i64>, Problem> {
    let Some(given) = headers.get(header::IF_MATCH) else {
        return Ok(None);
    };
    let details = app.engine.details(blueprint, identifier).await?;
    let version = details.row.version;
    let (_, etag) = get::shown(details, None)?;
    if given == "*" || get::names(headers, header::IF_MATCH, &etag) {
        return Ok(Some(version));
    }
    Err(Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "precondition-failed",
        "It has changed since it was read",
        format!("`{blueprint}/{identifier}` is not as it was when you read it: read it again, and send its new ETag"),
    ))
}

/// Takes back what this source says of an entity. It is gone when no other source speaks of it.
#[utoipa::path(delete, path = "/blueprints/{blueprint}/entities/{identifier}", tag = "catalog",
    params(("blueprint" = String, Path, description = "Its blueprint"), ("identifier" = String, Path, description = "Its identifier, percent-encoded"), WriteQuery),
    responses((status = 200, body = RemovedView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem)))]
pub(crate) async fn remove(
    State(app): State<App>,
    Path((blueprint, identifier)): Path<(BlueprintId, EntityId)>,
    Query(query): Query<WriteQuery>,
    headers: HeaderMap,
) -> Result<Answer<RemovedView>, Problem> {
    let speaker = query.speaker()?;
    let version = version(&app, &blueprint, &identifier, &headers).await?;
    let removed = app
        .engine
        .remove_entity(&speaker, &blueprint, &identifier, version)
        .await?;
    Ok(Answer(RemovedView {
        deleted: removed.left.is_empty(),
        sources: removed.left,
    }))
}

/// Creates and changes many entities, each with its own result: those that are right are stored, in one transaction.
#[utoipa::path(post, path = "/entities/bulk", tag = "catalog", request_body = BulkBody, params(WriteQuery),
    responses((status = 200, body = BulkAnswer), (status = 413, body = Problem, description = "More than 16 MiB: send several requests"), (status = 422, body = Problem)))]
pub(crate) async fn bulk(
    State(app): State<App>,
    Query(query): Query<WriteQuery>,
    Bulk(body): Bulk<BulkBody, AROUND>,
) -> Result<Answer<BulkAnswer>, Problem> {
    if body.entities.len() > MOST {
        let found = body.entities.len();
        return Err(Problem::invalid(
            "/entities",
            format!("at most {MOST} are taken at once, found {found}; send several requests"),
        ));
    }
    let mut speaker = query.speaker()?;
    speaker.create_missing |= body.create_missing_related_entities;
    let mut results = Vec::new();
    let mut writes = Vec::new();
    for entity in body.entities {
        let (blueprint, identifier) = (entity["blueprint"].clone(), entity["identifier"].clone());
        let refused = match (named::<BlueprintId>(&blueprint), named::<EntityId>(&identifier)) {
            (Ok(blueprint), Ok(identifier)) => {
                writes.push(EntityWrite {
                    blueprint,
                    identifier,
                    body: entity,
                    merge: body.merge,
                    when: When::Always,
                });
                None
            }
            (Err(why), _) => Some(FieldProblem::at("/blueprint", why)),
            (_, Err(why)) => Some(FieldProblem::at("/identifier", why)),
        };
        results.push((blueprint, identifier, refused));
    }
    let mut written = app.engine.write_entities(&speaker, writes).await?.into_iter();
    let results = results.into_iter().map(|(blueprint, identifier, refused)| {
        let outcome = match refused {
            Some(problem) => Some(Written::Rejected(vec![problem])),
            None => written.next(),
        };
        let (status, shadowed, problems) = match outcome {
            Some(Written::Created(_)) => ("created", Vec::new(), Vec::new()),
            Some(Written::Updated { shadowed, .. }) => ("updated", shadowed, Vec::new()),
            Some(Written::Unchanged(_)) => ("unchanged", Vec::new(), Vec::new()),
            Some(Written::Rejected(problems)) => ("rejected", Vec::new(), problems),
            None => ("rejected", Vec::new(), Vec::new()),
        };
        let first = problems.first().cloned();
        let (pointer, reason) = first.map(|p| (p.pointer, p.detail)).unzip();
        BulkResult {
            blueprint,
            identifier,
            status,
            reason,
            pointer,
            errors: problems.into_iter().map(Field::from).collect(),
            shadowed,
        }
    });
    Ok(Answer(BulkAnswer {
        results: results.collect(),
    }))
}

fn named<T: std::str::FromStr<Err = seawall_domain::BadId>>(value: &Value) -> Result<T, String> {
    match value {
        Value::String(text) => text.parse().map_err(|e: seawall_domain::BadId| e.to_string()),
        Value::Null => Err("it is missing, and has to be there".to_owned()),
        other => Err(format!(
            "expected a text, found {}",
            seawall_domain::text::cut(&other.to_string(), 60)
        )),
    }
}
