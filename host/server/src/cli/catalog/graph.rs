//! `seawall catalog graph`.

use crate::cli::{
    Global,
    args::reference,
    client::Client,
    error::Result,
    output::{self, at, visible},
};
use serde_json::Value;
use std::collections::BTreeSet;

/// Shows what is around an entity: what it depends on, and what depends on it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall catalog graph service/payments-api
  seawall catalog graph service/payments-api --depth 3 --direction in --blueprint service
  seawall catalog graph service/payments-api -o json | jq .edges")]
pub(crate) struct Graph {
    /// The entity in the middle
    #[arg(value_name = "BLUEPRINT/IDENTIFIER")]
    entity: String,
    /// How many steps away at most
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=15))]
    depth: u32,
    /// `out` to what it depends on, `in` to what depends on it
    #[arg(long, default_value = "both", value_parser = ["in", "out", "both"])]
    direction: String,
    /// Only entities of this blueprint; repeatable
    #[arg(long = "blueprint", value_name = "BLUEPRINT")]
    blueprints: Vec<String>,
    /// Only along this relation; repeatable
    #[arg(long = "relation", value_name = "RELATION")]
    relations: Vec<String>,
    /// At most so many entities
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=5000))]
    limit: u32,
}

impl Graph {
    pub(super) async fn run(self, global: &Global) -> Result {
        let (blueprint, identifier) = reference(&self.entity)?;
        let mut query = vec![
            ("depth", self.depth.to_string()),
            ("direction", self.direction),
            ("limit", self.limit.to_string()),
        ];
        for (name, list) in [("blueprints", &self.blueprints), ("relations", &self.relations)] {
            if !list.is_empty() {
                query.push((name, list.join(",")));
            }
        }
        let path = ["blueprints", blueprint, "entities", identifier, "graph"];
        let graph = Client::new(global)?.get_with(&path, &query).await?;
        global.output().one(&graph, tree)?;
        if global.output().is_table() && graph["truncated"] == true {
            eprintln!("there are more: --limit");
        }
        Ok(())
    }
}

/// The graph as a tree from the middle: each entity once, under the one that is nearest to the middle.
fn tree(graph: &Value) -> String {
    let list = |name: &str| graph[name].as_array().cloned().unwrap_or_default();
    let (nodes, edges) = (list("nodes"), list("edges"));
    let Some(middle) = nodes.first() else {
        return String::new();
    };
    let mut shown = BTreeSet::from([at(middle, "/id")]);
    let mut lines = vec![label(middle)];
    below(middle, &nodes, &edges, &mut shown, 1, &mut lines);
    output::visible(&lines.join("\n"))
}

fn label(node: &Value) -> String {
    match at(node, "/title") {
        title if title.is_empty() => visible(&at(node, "/id")),
        title => format!("{}  {}", visible(&at(node, "/id")), visible(&title)),
    }
}

fn below(
    node: &Value,
    nodes: &[Value],
    edges: &[Value],
    shown: &mut BTreeSet<String>,
    depth: usize,
    lines: &mut Vec<String>,
) {
    let id = at(node, "/id");
    for edge in edges {
        let (from, to) = (at(edge, "/from"), at(edge, "/to"));
        let (other, arrow) = if from == id {
            (to, "→")
        } else if to == id {
            (from, "←")
        } else {
            continue;
        };
        let next = nodes.iter().find(|node| at(node, "/id") == other);
        let Some(next) = next.filter(|next| next["depth"].as_u64() == Some(depth as u64)) else {
            continue;
        };
        if shown.insert(other) {
            lines.push(format!(
                "{}{arrow} {}: {}",
                "  ".repeat(depth),
                at(edge, "/relation"),
                label(next)
            ));
            below(next, nodes, edges, shown, depth + 1, lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_graph_is_a_tree_from_the_middle() {
        let node = |id: &str, depth: u32| json!({"id": id, "depth": depth, "title": if depth == 0 { Some("Pay") } else { None }});
        let edge = |from: &str, relation: &str, to: &str| json!({"from": from, "to": to, "relation": relation});
        let graph = json!({"nodes": [node("s/a", 0), node("s/b", 1), node("t/x", 1), node("t/y", 2)],
            "edges": [edge("s/a", "owner", "t/x"), edge("s/b", "owner", "t/x"), edge("s/b", "uses", "s/a"), edge("t/x", "parent", "t/y")]});
        assert_eq!(
            tree(&graph),
            "s/a  Pay\n  → owner: t/x\n    → parent: t/y\n  ← uses: s/b"
        );
    }
}
