//! Lists, counts and facets.

use super::EntityView;
use crate::http::{
    App,
    extract::Path,
    listing::{self, decode, encode},
    problem::Problem,
};
use axum::extract::RawQuery;
use axum::{Json, extract::State};
use seawall_domain::{
    BlueprintId,
    query::{Field, ListQuery, Place},
};
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
    /// `FIELD=VALUE`: a property, `$identifier`, `$title`, `$team` or `relations.NAME`; the value as JSON, or else as text. `null`: absent.
    #[param(example = "tier=gold")]
    filter: Option<Vec<String>>,
    /// A field; `-` before it: from high to low. `$identifier` where absent.
    sort: Option<String>,
    /// From the answer before.
    cursor: Option<String>,
    /// 1 to 1,000; 50 where absent.
    limit: Option<usize>,
    /// `true`: also how many there are in all.
    total: Option<bool>,
}

/// What a count is asked for. `filter` may come several times; all must hold.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the parameters")]
pub(crate) struct CountParams {
    /// As in lists.
    #[param(example = "tier=gold")]
    filter: Option<Vec<String>>,
}

/// What a facet is asked for. `filter` may come several times; all must hold.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the parameters")]
pub(crate) struct FacetParams {
    /// As in lists.
    #[param(example = "tier=gold")]
    filter: Option<Vec<String>>,
    /// 1 to 1,000 values; 50 where absent.
    limit: Option<usize>,
}

/// A page of entities.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntityPage {
    /// In order.
    items: Vec<EntityView>,
    /// Hand it back as `cursor` for the next page; null at the end.
    next: Option<String>,
    /// How many there are in all, where asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    /// The change position that the answer reflects.
    position: i64,
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
    items: Vec<FacetValue>,
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
        &["filter", "sort", "cursor", "limit", "total"],
    )?;
    let listed = app.engine.list(&asked.query).await?;
    let total = if asked.total {
        Some(app.engine.count(&asked.query)?)
    } else {
        None
    };
    let next = listed.next.and_then(|place| encode(&asked.fingerprint, &place));
    let items = listed.rows.into_iter().map(EntityView::from).collect();
    Ok(Json(EntityPage {
        items,
        next,
        total,
        position: listed.position,
    }))
}

/// How many entities of a blueprint match.
#[utoipa::path(get, path = "/blueprints/{blueprint}/count", tag = "catalog", params(("blueprint" = String, Path, description = "Its identifier"), CountParams),
    responses((status = 200, body = Count), (status = 404, body = Problem)))]
pub(crate) async fn count(
    State(app): State<App>,
    Path(blueprint): Path<BlueprintId>,
    RawQuery(query): RawQuery,
) -> Result<Json<Count>, Problem> {
    let asked = Asked::read(blueprint, query.as_deref(), &["filter"])?;
    Ok(Json(Count {
        count: app.engine.count(&asked.query)?,
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
    let asked = Asked::read(blueprint, query.as_deref(), &["filter", "limit"])?;
    let field = Field::parse(&field).map_err(|e| Problem::invalid("field", e))?;
    let values = app.engine.facet(&asked.query, &field, asked.query.limit)?;
    Ok(Json(Facet {
        items: values
            .into_iter()
            .map(|(value, count)| FacetValue { value, count })
            .collect(),
    }))
}

struct Asked {
    query: ListQuery,
    total: bool,
    /// Binds a cursor to its query.
    fingerprint: String,
}

impl Asked {
    fn read(blueprint: BlueprintId, query: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let (mut filters, mut texts) = (Vec::new(), Vec::new());
        let (mut sort, mut cursor, mut limit, mut total) = (None, None, None, false);
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
                "filter" => {
                    filters.push(filter(&value)?);
                    texts.push(value.into_owned());
                }
                "sort" => sort = Some(value.into_owned()),
                "cursor" => cursor = Some(value.into_owned()),
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
        let text = sort.unwrap_or_else(|| "$identifier".to_owned());
        let (name, descending) = text
            .strip_prefix('-')
            .map_or((text.as_str(), false), |name| (name, true));
        let sort = Field::parse(name).map_err(|e| Problem::invalid("sort", e))?;
        texts.sort();
        let fingerprint = format!("{blueprint}?{}&{text}", texts.join("&"));
        let after = cursor.map(|c| decode::<Place>(&fingerprint, &c)).transpose()?;
        let limit = listing::limit(limit)?;
        Ok(Self {
            query: ListQuery {
                blueprint,
                filters,
                sort,
                descending,
                after,
                limit,
            },
            total,
            fingerprint,
        })
    }
}

fn filter(text: &str) -> Result<(Field, Value), Problem> {
    let (field, value) = text.split_once('=').ok_or_else(|| {
        Problem::invalid(
            "filter",
            format!("expected FIELD=VALUE, such as tier=gold, found `{text}`"),
        )
    })?;
    let field = Field::parse(field).map_err(|e| Problem::invalid("filter", e))?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((field, value))
}
