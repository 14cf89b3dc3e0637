//! What is around an entity.

use crate::http::{
    App,
    extract::{Path, Query},
    problem::Problem,
};
use axum::{Json, extract::State};
use seawall_domain::{BlueprintId, EntityId, query::Direction};
use seawall_engine::{Graph, GraphQuery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What of it is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct GraphParams {
    /// How many steps away at most: 0 to 15; 1 where absent.
    depth: Option<u32>,
    /// `out`: along an entity's own relations, to what it depends on; `in`: to those that refer to it; `both` where absent.
    direction: Option<String>,
    /// Only entities of these blueprints, with commas between, and the one in the middle.
    blueprints: Option<String>,
    /// Only along these relations, with commas between.
    relations: Option<String>,
    /// How many nodes at most: 1 to 5,000; 500 where absent.
    limit: Option<usize>,
}

/// Entities and the relations between them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GraphView {
    /// By depth, blueprint and identifier.
    nodes: Vec<NodeView>,
    /// All relations between the nodes.
    edges: Vec<EdgeView>,
    /// Whether there are more nodes than were asked for; these are the nearest.
    truncated: bool,
}

/// An entity.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NodeView {
    /// Names it in the edges: its blueprint, a slash and its identifier.
    id: String,
    /// Its type.
    blueprint: String,
    /// Its name.
    identifier: String,
    /// What people call it.
    title: Option<String>,
    /// How many steps it is away.
    depth: u32,
}

/// A relation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EdgeView {
    /// Who has it.
    from: String,
    /// To whom it points.
    to: String,
    /// Its name.
    relation: String,
}

/// What is around an entity: those that are related to it, step by step, and the relations between them.
#[utoipa::path(get, path = "/blueprints/{blueprint}/entities/{identifier}/graph", tag = "catalog",
    params(("blueprint" = String, Path, description = "Its blueprint"), ("identifier" = String, Path, description = "Its identifier, percent-encoded"), GraphParams),
    responses((status = 200, body = GraphView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn graph(
    State(app): State<App>,
    Path((blueprint, identifier)): Path<(BlueprintId, EntityId)>,
    Query(params): Query<GraphParams>,
) -> Result<Json<GraphView>, Problem> {
    let depth = match params.depth {
        None => 1,
        Some(depth @ 0..=15) => depth,
        Some(depth) => return Err(Problem::invalid("depth", format!("expected 0 to 15, found {depth}"))),
    };
    let limit = match params.limit {
        None => 500,
        Some(limit @ 1..=5_000) => limit,
        Some(limit) => return Err(Problem::invalid("limit", format!("expected 1 to 5000, found {limit}"))),
    };
    let direction = match params.direction.as_deref() {
        None | Some("both") => None,
        Some("out" | "upstream") => Some(Direction::Upstream),
        Some("in" | "downstream") => Some(Direction::Downstream),
        Some(other) => {
            return Err(Problem::invalid(
                "direction",
                format!("expected in, out or both, found `{other}`"),
            ));
        }
    };
    let names = |list: Option<String>| -> Vec<String> {
        let list = list.unwrap_or_default();
        let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(str::to_owned).collect()
    };
    let mut blueprints = Vec::new();
    for name in names(params.blueprints) {
        blueprints.push(BlueprintId::new(name).map_err(|e| Problem::invalid("blueprints", e.to_string()))?);
    }
    let query = GraphQuery {
        blueprint,
        identifier,
        depth,
        direction,
        blueprints,
        relations: names(params.relations),
        limit,
    };
    Ok(Json(app.engine.graph(query).await?.into()))
}

impl From<Graph> for GraphView {
    fn from(graph: Graph) -> Self {
        let nodes: Vec<NodeView> = graph
            .nodes
            .into_iter()
            .map(|node| NodeView {
                id: format!("{}/{}", node.blueprint, node.identifier),
                blueprint: node.blueprint.into(),
                identifier: node.identifier,
                title: node.title,
                depth: node.depth,
            })
            .collect();
        let edges = graph.edges.into_iter().map(|edge| EdgeView {
            from: nodes[edge.from].id.clone(),
            to: nodes[edge.to].id.clone(),
            relation: edge.relation,
        });
        Self {
            edges: edges.collect(),
            nodes,
            truncated: graph.truncated,
        }
    }
}
