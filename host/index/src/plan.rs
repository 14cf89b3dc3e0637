//! A tree, compiled for the index.

use seawall_domain::{
    Millis,
    query::{Field, Hop, Matcher, Node, PropertySchema, Related, Test, moment},
};
use serde_json::Value;

/// A compiled tree.
#[derive(Debug)]
pub(crate) enum Plan<'q> {
    All(Vec<Plan<'q>>),
    Any(Vec<Plan<'q>>),
    Not(Box<Plan<'q>>),
    /// Equality that the postings answer alone.
    Equal(&'q Field, &'q Value),
    Test(Tested<'q>),
    Schema(usize, &'q PropertySchema, Matcher),
    Related(usize, &'q Related),
}

/// A test of a field.
#[derive(Debug)]
pub(crate) struct Tested<'q> {
    pub(crate) number: usize,
    pub(crate) via: &'q [Hop],
    pub(crate) field: &'q Field,
    pub(crate) path: &'q [String],
    pub(crate) matcher: Matcher,
}

impl<'q> Plan<'q> {
    pub(crate) fn new(node: &'q Node, now: Millis) -> Self {
        Self::numbered(node, now, &mut 0)
    }

    /// Rules are numbered as `Node::leaves` does.
    fn numbered(node: &'q Node, now: Millis, next: &mut usize) -> Self {
        let mut number = || {
            *next += 1;
            *next - 1
        };
        match node {
            Node::All(nodes) => {
                let mut plans: Vec<_> = nodes.iter().map(|node| Self::numbered(node, now, next)).collect();
                plans.sort_by_key(Self::cost);
                Self::All(plans)
            }
            Node::Any(nodes) => Self::Any(nodes.iter().map(|node| Self::numbered(node, now, next)).collect()),
            Node::Not(inner) => Self::Not(Box::new(Self::numbered(inner, now, next))),
            Node::Rule(rule) => {
                let number = number();
                if let (Some(field), Test::Equal(value)) = (rule.operand.plain(), &rule.test)
                    && value.as_str().and_then(moment).is_none()
                {
                    return Self::Equal(field, value);
                }
                Self::Test(Tested {
                    number,
                    via: &rule.operand.via,
                    field: &rule.operand.field,
                    path: &rule.operand.path,
                    matcher: Matcher::new(&rule.test, now),
                })
            }
            Node::Schema(schema, test) => Self::Schema(number(), schema, Matcher::new(test, now)),
            Node::Related(related) => Self::Related(number(), related),
        }
    }

    /// What is cheap comes first, and leaves fewer entities for what is not.
    fn cost(&self) -> u32 {
        match self {
            Self::Equal(..) => 0,
            Self::Test(tested) if !tested.via.is_empty() => 6,
            Self::Test(tested) if tested.matcher.equalities().is_some() || tested.matcher.is_presence() => 1,
            Self::Related(..) => 2,
            Self::Test(tested) if tested.path.is_empty() && tested.matcher.needles().is_empty() => 3,
            Self::Test(_) => 4,
            Self::Schema(..) => 5,
            Self::Not(inner) => inner.cost(),
            Self::All(plans) => plans.iter().map(Self::cost).min().unwrap_or_default(),
            Self::Any(plans) => plans.iter().map(Self::cost).max().unwrap_or_default(),
        }
    }

    /// Whether other blueprints than those asked for are looked at.
    pub(crate) fn looks_around(&self) -> bool {
        match self {
            Self::All(plans) | Self::Any(plans) => plans.iter().any(Self::looks_around),
            Self::Not(inner) => inner.looks_around(),
            Self::Test(tested) => !tested.via.is_empty(),
            Self::Related(..) => true,
            Self::Equal(..) | Self::Schema(..) => false,
        }
    }

    /// The filters, where there are equalities alone and all have to hold.
    pub(crate) fn filters(&self) -> Option<Vec<(&'q Field, &'q Value)>> {
        match self {
            Self::Equal(field, value) => Some(vec![(*field, *value)]),
            Self::All(plans) => plans
                .iter()
                .map(|plan| match plan {
                    Self::Equal(field, value) => Some((*field, *value)),
                    _ => None,
                })
                .collect(),
            _ => None,
        }
    }
}
