//! The evaluator for one entity.

use super::{
    field::{Field, Hop, Operand},
    matcher::Matcher,
    node::{Direction, Node, PropertySchema, Related},
    shape::Shape,
    value::along,
};
use crate::{BlueprintId, Entity, EntityId, Millis, RelationTarget};
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

/// An entity with its times.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The entity.
    pub entity: &'a Entity,
    /// When it first appeared.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
    /// Who created it, where that is known.
    pub created_by: Option<&'a str>,
    /// Who changed it last, where that is known.
    pub updated_by: Option<&'a str>,
}

/// A [`Subject`] that is kept.
#[derive(Debug, Clone)]
pub struct Record {
    /// The entity.
    pub entity: Arc<Entity>,
    /// When it first appeared.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
    /// Who created it, where that is known.
    pub created_by: Option<Arc<str>>,
    /// Who changed it last, where that is known.
    pub updated_by: Option<Arc<str>>,
}

impl Record {
    /// As a question sees it.
    pub fn subject(&self) -> Subject<'_> {
        Subject {
            entity: &self.entity,
            created_at: self.created_at,
            updated_at: self.updated_at,
            created_by: self.created_by.as_deref(),
            updated_by: self.updated_by.as_deref(),
        }
    }
}

/// What is around an entity. Only questions about related entities ask for more than the time and the shape.
pub trait World {
    /// The time.
    fn now(&self) -> Millis;
    /// The blueprints.
    fn shape(&self) -> &Shape;
    /// An entity by name.
    fn find(&self, blueprint: &BlueprintId, identifier: &EntityId) -> Option<Record>;
    /// Those whose relation, by name, has this target: all entities of `blueprint`.
    fn referrers(&self, blueprint: &BlueprintId, relation: &str, target: &EntityId) -> Vec<EntityId>;
}

/// A world with nothing around the entity.
#[derive(Debug, Clone, Default)]
pub struct Alone {
    /// The time.
    pub now: Millis,
    /// The blueprints.
    pub shape: Shape,
}

impl World for Alone {
    fn now(&self) -> Millis {
        self.now
    }

    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn find(&self, _: &BlueprintId, _: &EntityId) -> Option<Record> {
        None
    }

    fn referrers(&self, _: &BlueprintId, _: &str, _: &EntityId) -> Vec<EntityId> {
        Vec::new()
    }
}

impl Node {
    /// Whether the entity is one of those that are asked for. To ask of many, compile it once.
    pub fn matches(&self, subject: Subject<'_>, world: &dyn World) -> bool {
        Compiled::new(self, world.now()).matches(subject, world)
    }
}

impl Node {
    /// All rules of the tree, from left to right. An index that cannot tell whether an entity passes one names it by its place
    /// here, and [`Node::holds_at_end`] tells.
    pub fn leaves(&self) -> Vec<&Self> {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().flat_map(Self::leaves).collect(),
            Self::Not(inner) => inner.leaves(),
            leaf => vec![leaf],
        }
    }

    /// Whether an entity passes a rule's test, where the relations that lead there were gone along already. For nothing but
    /// tests of values.
    pub fn holds_at_end(&self, subject: Subject<'_>, shape: &Shape, now: Millis) -> bool {
        match self {
            Self::Rule(rule) => {
                let matcher = Matcher::new(&rule.test, now);
                subject.passes(&rule.operand.field, &rule.operand.path, &matcher)
            }
            Self::Schema(schema, test) => {
                let matcher = Matcher::new(test, now);
                schema
                    .properties(shape, &subject.entity.blueprint)
                    .any(|name| matcher.value(subject.entity.properties.get(name)))
            }
            _ => false,
        }
    }
}

/// A tree with its tests compiled.
#[derive(Debug)]
pub struct Compiled<'n>(Part<'n>);

#[derive(Debug)]
enum Part<'n> {
    All(Vec<Part<'n>>),
    Any(Vec<Part<'n>>),
    Not(Box<Part<'n>>),
    Rule(&'n Operand, Matcher),
    Schema(&'n PropertySchema, Matcher),
    Related(&'n Related),
}

impl<'n> Compiled<'n> {
    /// Compiles a tree that is asked now.
    pub fn new(node: &'n Node, now: Millis) -> Self {
        Self(Part::new(node, now))
    }

    /// See [`Node::matches`].
    pub fn matches(&self, subject: Subject<'_>, world: &dyn World) -> bool {
        self.0.matches(subject, world)
    }
}

impl<'n> Part<'n> {
    fn new(node: &'n Node, now: Millis) -> Self {
        let parts = |nodes: &'n [Node]| nodes.iter().map(|node| Self::new(node, now)).collect();
        match node {
            Node::All(nodes) => Self::All(parts(nodes)),
            Node::Any(nodes) => Self::Any(parts(nodes)),
            Node::Not(inner) => Self::Not(Box::new(Self::new(inner, now))),
            Node::Rule(rule) => Self::Rule(&rule.operand, Matcher::new(&rule.test, now)),
            Node::Schema(schema, test) => Self::Schema(schema, Matcher::new(test, now)),
            Node::Related(related) => Self::Related(related),
        }
    }

    fn matches(&self, subject: Subject<'_>, world: &dyn World) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(subject, world)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(subject, world)),
            Self::Not(part) => !part.matches(subject, world),
            Self::Rule(operand, matcher) => along_relations(&operand.via, subject, world, &mut |end| {
                end.passes(&operand.field, &operand.path, matcher)
            }),
            Self::Schema(schema, matcher) => schema
                .properties(world.shape(), &subject.entity.blueprint)
                .any(|name| matcher.value(subject.entity.properties.get(name))),
            Self::Related(related) => related.reaches(subject.entity, world),
        }
    }
}

impl Subject<'_> {
    /// Whether a field of the entity itself passes.
    pub fn passes(&self, field: &Field, path: &[String], matcher: &Matcher) -> bool {
        match self.seen(field, path) {
            Seen::Absent => matcher.absent(),
            Seen::Text(text) => matcher.text(text),
            Seen::Time(at) => matcher.time(at),
            Seen::Value(value) => matcher.value(Some(&value)),
        }
    }
}

/// What stands in a field.
pub(super) enum Seen<'a> {
    Absent,
    Text(&'a str),
    Time(Millis),
    /// Not null.
    Value(Cow<'a, Value>),
}

impl<'a> Subject<'a> {
    pub(super) fn seen(&self, field: &Field, path: &[String]) -> Seen<'a> {
        let entity = self.entity;
        let text = |text: Option<&'a str>| text.map_or(Seen::Absent, Seen::Text);
        match field {
            Field::Identifier => Seen::Text(entity.identifier.as_str()),
            Field::Blueprint => Seen::Text(entity.blueprint.as_str()),
            Field::Title => text(entity.title.as_deref()),
            Field::Icon => text(entity.icon.as_deref()),
            Field::CreatedBy => text(self.created_by),
            Field::UpdatedBy => text(self.updated_by),
            Field::Team if entity.team.is_empty() => Seen::Absent,
            Field::Team => Seen::Value(Cow::Owned(Value::from(entity.team.as_slice()))),
            Field::CreatedAt => Seen::Time(self.created_at),
            Field::UpdatedAt => Seen::Time(self.updated_at),
            Field::Property(name) => {
                let value = entity.properties.get(name).and_then(|value| along(value, path));
                value.map_or(Seen::Absent, Seen::Value)
            }
            Field::Relation(name) => match entity.relations.get(name) {
                None => Seen::Absent,
                Some(target) if target.targets().is_empty() => Seen::Absent,
                Some(RelationTarget::One(one)) => Seen::Text(one.as_str()),
                Some(many) => Seen::Value(Cow::Owned(many.to_json())),
            },
        }
    }
}

impl PropertySchema {
    /// The properties of a blueprint that are meant.
    pub fn properties<'a>(
        &'a self,
        shape: &'a Shape,
        blueprint: &BlueprintId,
    ) -> impl Iterator<Item = &'a str> + use<'a> {
        let fields = shape.blueprints.get(blueprint);
        let all = fields.into_iter().flat_map(|fields| &fields.properties);
        all.filter(|(_, of)| {
            of.kind.as_deref() == Some(self.kind.as_str()) && (self.format.is_none() || of.format == self.format)
        })
        .map(|(name, _)| name.as_str())
    }
}

/// Whether one of the entities at the end of the hops passes.
pub(super) fn along_relations(
    via: &[Hop],
    subject: Subject<'_>,
    world: &dyn World,
    passes: &mut dyn FnMut(Subject<'_>) -> bool,
) -> bool {
    let Some((hop, rest)) = via.split_first() else {
        return passes(subject);
    };
    let mut seen = BTreeSet::new();
    let mut level = vec![Record {
        entity: Arc::new(subject.entity.clone()),
        created_at: subject.created_at,
        updated_at: subject.updated_at,
        created_by: subject.created_by.map(Arc::from),
        updated_by: subject.updated_by.map(Arc::from),
    }];
    for _ in 0..hop.most {
        let mut next = Vec::new();
        for from in &level {
            for to in targets(from, &hop.relation, world) {
                if seen.insert((to.entity.blueprint.clone(), to.entity.identifier.clone())) {
                    if along_relations(rest, to.subject(), world, passes) {
                        return true;
                    }
                    next.push(to);
                }
            }
        }
        if next.is_empty() {
            return false;
        }
        level = next;
    }
    false
}

/// The targets of a relation that exist.
fn targets(from: &Record, relation: &str, world: &dyn World) -> Vec<Record> {
    let Some(edge) = world.shape().edge(&from.entity.blueprint, relation) else {
        return Vec::new();
    };
    let targets = from
        .entity
        .relations
        .get(relation)
        .map_or(&[][..], RelationTarget::targets);
    targets
        .iter()
        .filter_map(|target| world.find(&edge.target, target))
        .collect()
}

impl Related {
    /// Whether a relation is one that chains may go along.
    pub fn goes_along(&self, required: bool) -> bool {
        self.required.is_none_or(|wanted| wanted == required)
    }

    fn reaches(&self, entity: &Entity, world: &dyn World) -> bool {
        let ways = match self.direction {
            Some(way) => vec![way],
            None => vec![Direction::Upstream, Direction::Downstream],
        };
        ways.into_iter().any(|way| self.reaches_by(way, entity, world))
    }

    fn reaches_by(&self, way: Direction, entity: &Entity, world: &dyn World) -> bool {
        let wanted = (entity.blueprint.clone(), entity.identifier.clone());
        let mut seen = BTreeSet::new();
        let start = self
            .identifiers
            .iter()
            .map(|name| (self.blueprint.clone(), name.clone()));
        let mut level: Vec<_> = start.collect();
        for _ in 0..self.depth {
            let mut next = Vec::new();
            for from in &level {
                for to in self.step(way, from, world) {
                    if to == wanted {
                        return true;
                    }
                    if seen.insert(to.clone()) {
                        next.push(to);
                    }
                }
            }
            if next.is_empty() {
                return false;
            }
            level = next;
        }
        false
    }

    fn step(
        &self,
        way: Direction,
        (blueprint, identifier): &(BlueprintId, EntityId),
        world: &dyn World,
    ) -> Vec<(BlueprintId, EntityId)> {
        let shape = world.shape();
        let mut out = Vec::new();
        match way {
            Direction::Upstream => {
                let Some(from) = world.find(blueprint, identifier) else {
                    return out;
                };
                for (relation, target) in &from.entity.relations {
                    if let Some(edge) = shape.edge(blueprint, relation)
                        && self.goes_along(edge.required)
                    {
                        out.extend(target.targets().iter().map(|to| (edge.target.clone(), to.clone())));
                    }
                }
            }
            Direction::Downstream => {
                for (other, fields) in &shape.blueprints {
                    for (relation, edge) in &fields.relations {
                        if edge.target == *blueprint && self.goes_along(edge.required) {
                            let found = world.referrers(other, relation, identifier);
                            out.extend(found.into_iter().map(|name| (other.clone(), name)));
                        }
                    }
                }
            }
        }
        out
    }
}
