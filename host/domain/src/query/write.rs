//! Trees as Port's JSON rules: the canonical form, equal for equal trees.

use super::{
    field::{Field, Operand},
    node::{Comparison, Direction, MAX_HOPS, Node, PropertySchema, Range, Related, Rule, Test},
};
use serde_json::{Map, Value, json};

impl Node {
    /// The tree as Port's JSON rules. What Port has no word for, the opposite of a group or of a comparison, is a group with the
    /// combinator `not`. Reading it gives the same tree.
    pub fn to_json(&self) -> Value {
        match self {
            Self::All(nodes) => group("and", nodes),
            Self::Any(nodes) => group("or", nodes),
            Self::Not(inner) => match inner.as_ref() {
                Self::Rule(Rule { operand, test }) if opposite(test).is_some() => rule(target(operand), test, true),
                Self::Schema(schema, test) if opposite(test).is_some() => rule(schema.target(), test, true),
                other => group("not", std::slice::from_ref(other)),
            },
            Self::Rule(Rule { operand, test }) => rule(target(operand), test, false),
            Self::Schema(schema, test) => rule(schema.target(), test, false),
            Self::Related(related) => related.to_json(),
        }
    }
}

fn group(combinator: &str, nodes: &[Node]) -> Value {
    json!({"combinator": combinator, "rules": nodes.iter().map(Node::to_json).collect::<Vec<_>>()})
}

/// `property`, and what stands there.
fn target(operand: &Operand) -> (&'static str, Value) {
    let mut name = operand.field.name();
    for member in &operand.path {
        name.push('.');
        name.push_str(member);
    }
    if operand.via.is_empty() {
        // Names with dots could be read as paths.
        let plain = operand.path.iter().all(|member| !member.contains('.'))
            && !matches!(&operand.field, Field::Property(name) | Field::Relation(name) if name.contains('.'));
        if plain {
            return ("property", name.into());
        }
    }
    let hop = |hop: &super::field::Hop| match hop.most {
        1 => Value::from(hop.relation.as_str()),
        most => json!({"relation": hop.relation, "maxHops": most}),
    };
    let mut long = Map::new();
    long.insert("path".into(), operand.via.iter().map(hop).collect());
    match &operand.field {
        Field::Property(name) => long.insert("property".into(), name.as_str().into()),
        Field::Relation(name) => long.insert("relation".into(), name.as_str().into()),
        meta => long.insert("property".into(), meta.name().into()),
    };
    if !operand.path.is_empty() {
        long.insert("members".into(), operand.path.clone().into());
    }
    ("property", Value::Object(long))
}

impl PropertySchema {
    fn target(&self) -> (&'static str, Value) {
        let mut schema = json!({"type": self.kind});
        if let Some(format) = &self.format {
            schema["format"] = format.as_str().into();
        }
        ("propertySchema", schema)
    }
}

/// The operator and the operator of the opposite.
fn operators(test: &Test) -> (&'static str, Option<&'static str>) {
    match test {
        Test::Equal(_) => ("=", Some("!=")),
        Test::OneOf(_) => ("in", Some("notIn")),
        Test::Contains(values) if values.len() == 1 => ("contains", Some("doesNotContain")),
        Test::Contains(_) => ("containsAny", None),
        Test::Begins(_) => ("beginsWith", Some("doesNotBeginsWith")),
        Test::Ends(_) => ("endsWith", Some("doesNotEndsWith")),
        Test::Compare(Comparison::Less, _) => ("<", None),
        Test::Compare(Comparison::AtMost, _) => ("<=", None),
        Test::Compare(Comparison::Greater, _) => (">", None),
        Test::Compare(Comparison::AtLeast, _) => (">=", None),
        Test::Between(_) => ("between", Some("notBetween")),
        Test::Expired => ("isExpired", Some("isNotExpired")),
        Test::Present => ("isNotEmpty", Some("isEmpty")),
        Test::There => ("!=", Some("=")),
    }
}

fn opposite(test: &Test) -> Option<&'static str> {
    operators(test).1
}

fn rule((name, of): (&'static str, Value), test: &Test, opposite: bool) -> Value {
    let (operator, negated) = operators(test);
    let mut out = Map::new();
    out.insert(name.into(), of);
    let operator = if opposite {
        negated.unwrap_or(operator)
    } else {
        operator
    };
    out.insert("operator".into(), operator.into());
    let value = match test {
        Test::Equal(value) | Test::Compare(_, value) => value.clone(),
        Test::Contains(values) if values.len() == 1 => values[0].clone(),
        Test::OneOf(values) | Test::Contains(values) => values.clone().into(),
        Test::Begins(text) | Test::Ends(text) => text.as_str().into(),
        Test::Between(Range::Preset(preset)) => json!({"preset": preset.name()}),
        Test::Between(Range::Bounds { from, to }) => {
            let mut range = Map::new();
            range.extend(from.clone().map(|from| ("from".to_owned(), from)));
            range.extend(to.clone().map(|to| ("to".to_owned(), to)));
            Value::Object(range)
        }
        Test::There => Value::Null,
        Test::Expired | Test::Present => return Value::Object(out),
    };
    out.insert("value".into(), value);
    Value::Object(out)
}

impl Related {
    fn to_json(&self) -> Value {
        let mut out = Map::new();
        out.insert("operator".into(), "relatedTo".into());
        out.insert("blueprint".into(), self.blueprint.as_str().into());
        let names: Vec<&str> = self.identifiers.iter().map(AsRef::as_ref).collect();
        let value = match names.as_slice() {
            [one] => (*one).into(),
            several => several.into(),
        };
        out.insert("value".into(), value);
        if let Some(direction) = self.direction {
            out.insert("direction".into(), direction.name().into());
        }
        if let Some(required) = self.required {
            out.insert("required".into(), required.into());
        }
        if self.depth != MAX_HOPS {
            out.insert("depth".into(), self.depth.into());
        }
        Value::Object(out)
    }
}

impl Direction {
    /// As it is written in rules.
    pub fn name(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Downstream => "downstream",
        }
    }
}
