//! `/search`: Port's rules over one blueprint or several.

use super::{
    App,
    entities::list::{EntityPage, Facet, facet_of},
    extract::Json as Body,
    listing,
    problem::Problem,
    selection::{Selection, Shown, Wanted},
};
use axum::{Json, extract::State};
use seawall_domain::BlueprintId;
use seawall_engine::Ask;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A question, in Port's shape: `{"combinator": "and", "rules": [{"property": "$blueprint", "operator": "=", "value": "service"}]}`, or
/// with the rules in `query`; everything else may be left out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SearchBody {
    /// `and` or `or`.
    combinator: Option<Value>,
    /// Rules, or groups of rules.
    rules: Option<Value>,
    /// `combinator` and `rules` in an object of their own.
    query: Option<Value>,
    /// Whose entities; of all blueprints where absent and no rule says so.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    blueprints: Vec<BlueprintId>,
    /// An AIP-160 filter, as lists take it; it has to hold beside the rules.
    filter: Option<String>,
    /// Full text: all words, of which the last may be only begun.
    q: Option<String>,
    /// Fields in which the text is looked for; title, identifier and all texts where absent.
    #[serde(default)]
    r#in: Vec<String>,
    /// A field; `-` before it: from high to low. By relevance where absent and there is `q`, else `$identifier`.
    sort: Option<String>,
    /// 1 to 1,000; 50 where absent.
    limit: Option<usize>,
    /// From the answer before.
    cursor: Option<String>,
    /// Fields that are wanted of each entity, as in `filter`: properties with a path into their value, `relations.NAME` and meta
    /// properties; `properties` and `relations` stand for all of them. All where absent.
    include: Option<Vec<String>>,
    /// Fields that are not wanted, in the same way. `blueprint` and `identifier` are always there.
    #[serde(default)]
    exclude: Vec<String>,
    /// Also how many there are in all.
    #[serde(default)]
    total: bool,
    /// Fields of which the most frequent values are counted too, over all that is asked for.
    #[serde(default)]
    facets: Vec<String>,
}

/// A page of what is asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchPage {
    /// In order; with `include` or `exclude`, the fields that are wanted.
    #[schema(value_type = Vec<Object>)]
    items: Vec<Shown>,
    /// Hand it back as `cursor` for the next page; null at the end.
    next: Option<String>,
    /// How many there are in all, where asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    /// By field, where asked: up to 50 values each.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    facets: BTreeMap<String, Facet>,
    /// The change position that the answer reflects.
    position: i64,
}

/// So many facets in one request.
const FACETS: usize = 20;

/// Entities by Port's rules, a filter, full text or all of them, over one blueprint or several.
#[utoipa::path(post, path = "/search", tag = "catalog", request_body = SearchBody,
    responses((status = 200, body = SearchPage), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn search(State(app): State<App>, Body(body): Body<SearchBody>) -> Result<Json<SearchPage>, Problem> {
    if body.facets.len() > FACETS {
        return Err(Problem::invalid(
            "/facets",
            format!("expected at most {FACETS}, found {}", body.facets.len()),
        ));
    }
    let ask = Ask {
        rules: rules(&body)?,
        blueprints: body.blueprints,
        filters: body.filter.into_iter().collect(),
        q: body.q,
        within: body.r#in,
        sort: body.sort,
        cursor: body.cursor,
        limit: listing::limit(body.limit).map_err(|_| {
            let found = body.limit.unwrap_or_default();
            Problem::invalid("/limit", format!("expected 1 to 1000, found {found}"))
        })?,
    };
    let (search, _) = app.engine.understand(&ask, "/")?;
    let scope = search
        .blueprints
        .clone()
        .or_else(|| search.rules.blueprints())
        .unwrap_or_default();
    let wanted = Wanted {
        include: body.include,
        exclude: body.exclude,
    };
    let selection = Selection::read(&app, &wanted, &scope, |name, at| format!("/{name}/{at}"))?;
    let mut facets = BTreeMap::new();
    for (at, name) in body.facets.into_iter().enumerate() {
        let field = app.engine.field(&name, &scope, &format!("/facets/{at}"))?;
        let facet = facet_of(&app, &search, &field, 50).await?;
        facets.insert(name, facet);
    }
    let page: EntityPage = super::entities::list::page(&app, &ask, &selection, body.total, "/").await?;
    Ok(Json(SearchPage {
        items: page.items,
        next: page.next,
        total: page.total,
        facets,
        position: page.position,
    }))
}

/// The rules and where they stand.
fn rules(body: &SearchBody) -> Result<Option<(Value, String)>, Problem> {
    let own = body.combinator.is_some() || body.rules.is_some();
    match (&body.query, own) {
        (Some(_), true) => Err(Problem::invalid(
            "/query",
            "there are `rules` beside it; write them in one of the two places",
        )),
        (Some(query), false) => Ok(Some((query.clone(), "/query".to_owned()))),
        (None, false) => Ok(None),
        (None, true) => {
            let mut rules = Map::new();
            rules.extend(
                body.combinator
                    .clone()
                    .map(|combinator| ("combinator".to_owned(), combinator)),
            );
            rules.extend(body.rules.clone().map(|list| ("rules".to_owned(), list)));
            Ok(Some((Value::Object(rules), String::new())))
        }
    }
}
