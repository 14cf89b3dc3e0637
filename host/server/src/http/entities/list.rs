//! Lists, counts and facets.

use super::EntityView;
use crate::http::{
    App,
    extract::Path,
    listing,
    problem::Problem,
    selection::{Selection, Shown, Wanted},
};
use axum::extract::RawQuery;
use axum::{Json, extract::State};
use seawall_domain::{
    BlueprintId,
    query::{Cursor, Field, Search},
};
use seawall_engine::Ask;
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// What a list is asked for. `filter` may come several times; all must hold.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "documents the parameters; `Asked` reads them, since serde's query reader takes no repeats"
)]
pub(crate) struct ListParams {
    /// An AIP-160 filter: `tier = "gold" AND language:go AND owner.name = "x"`. A field is a property with a path into its value,
    /// `relations.NAME` with a field of its targets, or `$identifier`, `$title`, `$team`, `$icon`, `$createdAt`, `$updatedAt`.
    #[param(example = "tier=gold")]
    filter: Option<Vec<String>>,
    /// Full text: all words, of which the last may be only begun.
    q: Option<String>,
    /// Where `q` is looked for: fields with commas between; title, identifier and all texts where absent.
    r#in: Option<String>,
    /// A field; `-` before it: from high to low. By relevance where absent and there is `q`, else `$identifier`.
    sort: Option<String>,
    /// From the answer before.
    cursor: Option<String>,
    /// 1 to 1,000; 50 where absent.
    limit: Option<usize>,
    /// `true`: also how many there are in all.
    total: Option<bool>,
    /// Fields that are wanted of each entity, with commas between, as in `filter`; `properties` and `relations` stand for all of them. All
    /// where absent. May come several times.
    #[param(example = "$title,tier,relations.owner")]
    include: Option<Vec<String>>,
    /// Fields that are not wanted, in the same way. `blueprint` and `identifier` are always there.
    exclude: Option<Vec<String>>,
}

/// What a count is asked for. `filter` may come several times; all must hold.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the parameters")]
pub(crate) struct CountParams {
    /// As in lists.
    #[param(example = "tier=gold")]
    filter: Option<Vec<String>>,
    /// As in lists.
    q: Option<String>,
    /// As in lists.
    r#in: Option<String>,
}

/// What a facet is asked for. `filter` may come several times; all must hold.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the parameters")]
pub(crate) struct FacetParams {
    /// As in lists.
    #[param(example = "tier=gold")]
    filter: Option<Vec<String>>,
    /// As in lists.
    q: Option<String>,
    /// As in lists.
    r#in: Option<String>,
    /// 1 to 1,000 values; 50 where absent.
    limit: Option<usize>,
}

/// A page of entities.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntityPage {
    /// In order; with `include` or `exclude`, the fields that are wanted.
    #[schema(value_type = Vec<EntityView>)]
    pub(crate) items: Vec<Shown>,
    /// Hand it back as `cursor` for the next page; null at the end.
    pub(crate) next: Option<String>,
    /// How many there are in all, where asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total: Option<u64>,
    /// The change position that the answer reflects.
    pub(crate) position: i64,
}

/// How many.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Count {
    /// How many.
    count: u64,
}

/// A value with how many entities have it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FacetValue {
    /// The value; null where absent.
    value: Value,
    /// How many.
    count: u64,
}

/// A facet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Facet {
    /// Most first.
    pub(crate) items: Vec<FacetValue>,
}

/// Entities of a blueprint, filtered and sorted, page by page.
#[utoipa::path(get, path = "/blueprints/{blueprint}/entities", tag = "catalog", params(("blueprint" = String, Path, description = "Its identifier"), ListParams),
    responses((status = 200, body = EntityPage), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Path(blueprint): Path<BlueprintId>,
    RawQuery(query): RawQuery,
) -> Result<Json<EntityPage>, Problem> {
    let asked = Asked::read(
        blueprint,
        query.as_deref(),
        &[
            "filter", "q", "in", "sort", "cursor", "limit", "total", "include", "exclude",
        ],
    )?;
    let selection = Selection::read(&app, &asked.wanted, &asked.ask.blueprints, |name, _| name.to_owned())?;
    Ok(Json(page(&app, &asked.ask, &selection, asked.total, "").await?))
}

/// A page of what is asked for. The prefix is put before the names of its parts in errors.
pub(crate) async fn page(
    app: &App,
    ask: &Ask,
    selection: &Selection,
    total: bool,
    prefix: &str,
) -> Result<EntityPage, Problem> {
    let (search, digest) = app.engine.understand(ask, prefix)?;
    let listed = app.engine.search(&search).await?;
    let total = if total {
        Some(app.engine.total(&search).await?)
    } else {
        None
    };
    Ok(EntityPage {
        items: listed.rows.into_iter().map(|row| selection.of(row.into())).collect(),
        next: listed.next.map(|place| Cursor::new(digest, place).encode()),
        total,
        position: listed.position,
    })
}

/// How many entities of a blueprint match.
#[utoipa::path(get, path = "/blueprints/{blueprint}/count", tag = "catalog", params(("blueprint" = String, Path, description = "Its identifier"), CountParams),
    responses((status = 200, body = Count), (status = 404, body = Problem)))]
pub(crate) async fn count(
    State(app): State<App>,
    Path(blueprint): Path<BlueprintId>,
    RawQuery(query): RawQuery,
) -> Result<Json<Count>, Problem> {
    let asked = Asked::read(blueprint, query.as_deref(), &["filter", "q", "in"])?;
    let (search, _) = app.engine.understand(&asked.ask, "")?;
    Ok(Json(Count {
        count: app.engine.total(&search).await?,
    }))
}

/// How many entities have each value of a field.
#[utoipa::path(get, path = "/blueprints/{blueprint}/facets/{field}", tag = "catalog",
    params(("blueprint" = String, Path, description = "Its identifier"), ("field" = String, Path, description = "A field, as in `filter`"), FacetParams),
    responses((status = 200, body = Facet), (status = 404, body = Problem)))]
pub(crate) async fn facet(
    State(app): State<App>,
    Path((blueprint, field)): Path<(BlueprintId, String)>,
    RawQuery(query): RawQuery,
) -> Result<Json<Facet>, Problem> {
    let asked = Asked::read(blueprint, query.as_deref(), &["filter", "q", "in", "limit"])?;
    let (search, _) = app.engine.understand(&asked.ask, "")?;
    let field = app.engine.field(&field, &asked.ask.blueprints, "field")?;
    Ok(Json(facet_of(&app, &search, &field, asked.ask.limit).await?))
}

/// A facet of what is asked for.
pub(crate) async fn facet_of(app: &App, search: &Search, field: &Field, limit: usize) -> Result<Facet, Problem> {
    let values = app.engine.facet_of(search, field, limit).await?;
    let one = |(value, count)| FacetValue { value, count };
    Ok(Facet {
        items: values.into_iter().map(one).collect(),
    })
}

/// What a request's parameters say.
struct Asked {
    ask: Ask,
    wanted: Wanted,
    total: bool,
}

impl Asked {
    fn read(blueprint: BlueprintId, query: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let mut ask = Ask {
            blueprints: vec![blueprint],
            ..Ask::default()
        };
        let (mut limit, mut total, mut wanted) = (None, false, Wanted::default());
        let names = |value: &str| -> Vec<String> { value.split(',').map(|name| name.trim().to_owned()).collect() };
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                unknown if !known.contains(&unknown) => {
                    let near = seawall_domain::text::nearest(unknown, known.iter().copied());
                    let hint = near.map_or_else(
                        || format!("there are: {}", known.join(", ")),
                        |n| format!("did you mean `{n}`?"),
                    );
                    return Err(Problem::invalid(
                        unknown,
                        format!("there is no parameter `{unknown}`; {hint}"),
                    ));
                }
                "filter" => ask.filters.push(value.into_owned()),
                "q" => ask.q = Some(value.into_owned()),
                "in" => ask.within.extend(names(&value)),
                "include" => wanted.include.get_or_insert_default().extend(names(&value)),
                "exclude" => wanted.exclude.extend(names(&value)),
                "sort" => ask.sort = Some(value.into_owned()),
                "cursor" => ask.cursor = Some(value.into_owned()),
                "limit" => {
                    let n = value
                        .parse()
                        .map_err(|_| Problem::invalid("limit", format!("expected a number, found `{value}`")))?;
                    limit = Some(n);
                }
                _ => {
                    total = value
                        .parse()
                        .map_err(|_| Problem::invalid("total", format!("expected true or false, found `{value}`")))?;
                }
            }
        }
        ask.limit = listing::limit(limit)?;
        Ok(Self { ask, wanted, total })
    }
}
