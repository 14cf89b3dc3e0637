//! What is around an entity.

use crate::{
    relate::{referrers, targets},
    tree::Tables,
};
use seawall_domain::{
    BlueprintId, EntityId,
    query::{Direction, Shape},
};
use std::collections::{BTreeMap, BTreeSet};

/// What is asked.
#[derive(Debug, Clone)]
pub struct GraphQuery {
    /// In the middle.
    pub blueprint: BlueprintId,
    /// In the middle.
    pub identifier: EntityId,
    /// So many steps away from it at most; 0 for itself alone.
    pub depth: u32,
    /// Upstream: to the targets of relations; downstream: to those that refer; none: both.
    pub direction: Option<Direction>,
    /// Only entities of these blueprints, and the one in the middle; all where none are named.
    pub blueprints: Vec<BlueprintId>,
    /// Only along these relations; all where none are named.
    pub relations: Vec<String>,
    /// So many nodes at most, 1 or more.
    pub limit: usize,
}

/// A part of the catalog: those nearest to the middle, and all relations between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// By depth, blueprint and identifier.
    pub nodes: Vec<GraphNode>,
    /// By the numbers of their ends and relation.
    pub edges: Vec<GraphEdge>,
    /// Whether there are more nodes.
    pub truncated: bool,
}

/// An entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphNode {
    /// Its blueprint.
    pub blueprint: BlueprintId,
    /// Its identifier.
    pub identifier: String,
    /// What people call it.
    pub title: Option<String>,
    /// How many steps from the middle.
    pub depth: u32,
}

/// A relation between two nodes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GraphEdge {
    /// The number of the node that has the relation.
    pub from: usize,
    /// The number of the node that it points to.
    pub to: usize,
    /// Its name.
    pub relation: String,
}

/// A table's number and a slot.
type Spot = (usize, u32);

/// None where the entity in the middle does not exist.
pub(crate) fn graph(tables: &Tables<'_>, query: &GraphQuery) -> Option<Graph> {
    let ways = Ways::new(tables, query);
    let start = tables.number(&query.blueprint)?;
    let slot = tables.all[start].1.slot_of(query.identifier.as_str())?;
    let mut order: Vec<(Spot, u32)> = vec![((start, slot), 0)];
    let mut seen: BTreeSet<Spot> = BTreeSet::from([(start, slot)]);
    let (mut level, mut truncated) = (vec![(start, slot)], false);
    for depth in 1..=query.depth {
        let mut next: BTreeMap<(&str, &str), Spot> = BTreeMap::new();
        for spot in &level {
            ways.neighbours(*spot, query.direction, &mut |spot| {
                if !seen.contains(&spot) && ways.enters(spot.0) {
                    next.insert(ways.name(spot), spot);
                }
            });
        }
        level = next.into_values().collect();
        let room = query.limit - order.len();
        if level.len() > room {
            level.truncate(room);
            truncated = true;
        }
        seen.extend(&level);
        order.extend(level.iter().map(|spot| (*spot, depth)));
        if truncated || level.is_empty() {
            break;
        }
    }
    Some(ways.drawn(&order, truncated))
}

/// A relation, ready to be followed.
struct Way<'t> {
    from: usize,
    to: usize,
    relation: &'t str,
    column: &'t crate::column::Column,
}

struct Ways<'t> {
    tables: &'t Tables<'t>,
    all: Vec<Way<'t>>,
    /// By table.
    allowed: Vec<bool>,
}

impl<'t> Ways<'t> {
    fn new(tables: &'t Tables<'t>, query: &GraphQuery) -> Self {
        let shape: &Shape = tables.shape;
        let mut all = Vec::new();
        for (from, (blueprint, table)) in tables.all.iter().enumerate() {
            for (relation, column) in table.relations() {
                let wanted = query.relations.is_empty() || query.relations.iter().any(|name| name == relation);
                let edge = shape.edge(blueprint, relation).filter(|_| wanted);
                if let Some(to) = edge.and_then(|edge| tables.number(&edge.target)) {
                    all.push(Way {
                        from,
                        to,
                        relation,
                        column,
                    });
                }
            }
        }
        let named = |blueprint: &BlueprintId| query.blueprints.is_empty() || query.blueprints.contains(blueprint);
        Self {
            tables,
            all,
            allowed: tables.all.iter().map(|(blueprint, _)| named(blueprint)).collect(),
        }
    }

    fn enters(&self, table: usize) -> bool {
        self.allowed[table]
    }

    fn name(&self, (table, slot): Spot) -> (&'t str, &'t str) {
        let (blueprint, table) = self.tables.all[table];
        (blueprint.as_str(), table.identifier(slot))
    }

    fn neighbours(&self, (table, slot): Spot, direction: Option<Direction>, each: &mut dyn FnMut(Spot)) {
        for way in &self.all {
            if way.from == table && direction != Some(Direction::Downstream) {
                let to = self.tables.all[way.to].1;
                targets(way.column, slot, |target| {
                    if let Some(found) = to.slot_of(target) {
                        each((way.to, found));
                    }
                });
            }
            if way.to == table && direction != Some(Direction::Upstream) {
                let from = self.tables.all[way.from].1;
                for found in referrers(from, way.column, self.name((table, slot)).1) {
                    each((way.from, found));
                }
            }
        }
    }

    /// The nodes with all relations between them.
    fn drawn(&self, order: &[(Spot, u32)], truncated: bool) -> Graph {
        let numbers: BTreeMap<Spot, usize> = order.iter().enumerate().map(|(at, (spot, _))| (*spot, at)).collect();
        let mut edges = Vec::new();
        for (from, ((table, slot), _)) in order.iter().enumerate() {
            for way in self.all.iter().filter(|way| way.from == *table) {
                let to = self.tables.all[way.to].1;
                targets(way.column, *slot, |target| {
                    let found = to.slot_of(target).and_then(|slot| numbers.get(&(way.to, slot)));
                    edges.extend(found.map(|to| GraphEdge {
                        from,
                        to: *to,
                        relation: way.relation.to_owned(),
                    }));
                });
            }
        }
        edges.sort_unstable();
        edges.dedup();
        let node = |((table, slot), depth): &(Spot, u32)| {
            let (blueprint, table) = self.tables.all[*table];
            let title = table
                .titles()
                .code(*slot)
                .map(|code| &table.titles().dictionary().entry(code).key);
            GraphNode {
                blueprint: blueprint.clone(),
                identifier: table.identifier(*slot).to_owned(),
                title: title.and_then(|key| Some(key.string()?.0.into_owned())),
                depth: *depth,
            }
        };
        Graph {
            nodes: order.iter().map(node).collect(),
            edges,
            truncated,
        }
    }
}
