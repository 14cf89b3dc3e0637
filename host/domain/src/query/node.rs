//! The tree.

use super::{field::Operand, preset::Preset};
use crate::{BlueprintId, EntityId};
use serde_json::Value;

/// How deep rules may be nested.
pub const MAX_DEPTH: usize = 32;
/// How many rules a question may have, and how many values a rule.
pub const MAX_RULES: usize = 1_000;
/// How long chains of relations may be.
pub const MAX_HOPS: u32 = 15;

/// A question about one entity, with yes or no as its answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// All of them; yes where there are none.
    All(Vec<Node>),
    /// One of them; no where there are none.
    Any(Vec<Node>),
    /// Not this.
    Not(Box<Node>),
    /// A test of a value.
    Rule(Rule),
    /// A test of all properties whose schema fits: one of them has to pass.
    Schema(PropertySchema, Test),
    /// At the end of a chain of relations.
    Related(Related),
}

/// A test of a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// What is looked at.
    pub operand: Operand,
    /// The test.
    pub test: Test,
}

/// A test; what each means is said in the module's documentation.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// `=`.
    Equal(Value),
    /// `in`.
    OneOf(Vec<Value>),
    /// `contains` of one, `containsAny` of several.
    Contains(Vec<Value>),
    /// `beginsWith`.
    Begins(String),
    /// `endsWith`.
    Ends(String),
    /// `<` and its like. The value is a number or a text.
    Compare(Comparison, Value),
    /// `between`.
    Between(Range),
    /// `isExpired`.
    Expired,
    /// `isNotEmpty`. Its opposite is `isEmpty`: along relations nothing is there where none of the targets has anything.
    Present,
    /// `!= null` along relations: one of the targets has a value, though it be empty. Its opposite is `= null`.
    There,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`.
    Less,
    /// `<=`.
    AtMost,
    /// `>`.
    Greater,
    /// `>=`.
    AtLeast,
}

/// Where a value may lie.
#[derive(Debug, Clone, PartialEq)]
pub enum Range {
    /// By name.
    Preset(Preset),
    /// From one value to another, both included; numbers or texts. At least one is there.
    Bounds {
        /// From here.
        from: Option<Value>,
        /// To here.
        to: Option<Value>,
    },
}

/// Which properties are meant: those whose JSON Schema says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertySchema {
    /// Its `type`.
    pub kind: String,
    /// Its `format`, if that has to be one.
    pub format: Option<String>,
}

/// Entities at the end of a chain of relations from one of the named ones. They need not exist for others to refer to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The blueprint of those named.
    pub blueprint: BlueprintId,
    /// From which the chains start.
    pub identifiers: Vec<EntityId>,
    /// Which way; none: each of both, but never one and then the other.
    pub direction: Option<Direction>,
    /// Only along relations that are required, or only along those that are not.
    pub required: Option<bool>,
    /// How long the chain may be: 1 to [`MAX_HOPS`].
    pub depth: u32,
}

/// Which way along relations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// What the named ones depend on: from an entity to the targets of its relations.
    Upstream,
    /// What depends on the named ones: from an entity to those that refer to it.
    Downstream,
}

impl Node {
    /// What all entities answer with yes.
    pub fn all() -> Self {
        Self::All(Vec::new())
    }

    /// A rule. Along relations `null` means that none of the targets has a value: no single one of them could tell.
    pub fn rule(operand: Operand, test: Test) -> Self {
        let nothing = |operand| {
            Self::Rule(Rule {
                operand,
                test: Test::There,
            })
            .negated()
        };
        match test {
            Test::Equal(Value::Null) if !operand.via.is_empty() => nothing(operand),
            Test::OneOf(mut values) if !operand.via.is_empty() && values.iter().any(Value::is_null) => {
                values.retain(|value| !value.is_null());
                let nothing = nothing(operand.clone());
                match values.is_empty() {
                    true => nothing,
                    false => Self::Any(vec![Self::rule(operand, Test::OneOf(values)), nothing]),
                }
            }
            // Of the entity itself that is the opposite of `= null`.
            Test::There if operand.via.is_empty() => Self::rule(operand, Test::Equal(Value::Null)).negated(),
            test => Self::Rule(Rule { operand, test }),
        }
    }

    /// The opposite.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Whether it looks at other entities than the one that is asked about.
    pub fn looks_around(&self) -> bool {
        self.leaves().into_iter().any(|leaf| match leaf {
            Self::Rule(rule) => !rule.operand.via.is_empty(),
            Self::Related(_) => true,
            _ => false,
        })
    }

    /// Both; what is joined already is not nested anew.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let mut all = Vec::new();
        for node in [self, other] {
            match node {
                Self::All(nodes) => all.extend(nodes),
                node => all.push(node),
            }
        }
        match all.len() {
            1 => all.remove(0),
            _ => Self::All(all),
        }
    }
}
