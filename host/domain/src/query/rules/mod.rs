//! Port's JSON rules.

mod operand;
mod related;
mod test;

use super::{
    error::{At, QueryError, or_nearest},
    field::Field,
    node::{MAX_DEPTH, MAX_RULES, Node, Test},
    resolve::Scope,
};
use crate::{BlueprintId, text::cut};
use serde_json::{Map, Value};
pub(super) use test::bounds;

/// All operators, those of opposites with the word behind the bar.
pub(super) const OPERATORS: [&str; 26] = [
    "=",
    "!=",
    ">",
    "<",
    ">=",
    "<=",
    "contains",
    "doesNotContain",
    "doesNotContains",
    "containsAny",
    "in",
    "notIn",
    "beginsWith",
    "doesNotBeginsWith",
    "doesNotBeginWith",
    "endsWith",
    "doesNotEndsWith",
    "doesNotEndWith",
    "isEmpty",
    "isNotEmpty",
    "isExpired",
    "isNotExpired",
    "between",
    "notBetween",
    "relatedTo",
    "matchAny",
];

pub(super) type Result<T> = std::result::Result<T, QueryError>;

impl Node {
    /// Reads Port's JSON rules: `{"combinator": "and", "rules": [{"property": "tier", "operator": "=", "value": 1}]}`, where a
    /// rule may be a group again. `conditions` stands for `rules`, as in scorecards, and one rule may stand alone.
    ///
    /// # Errors
    /// The first member that is wrong, by JSON pointer.
    pub fn parse(rules: &Value, scope: &Scope<'_>) -> Result<Self> {
        let read = |scope: &Scope<'_>| {
            let mut reader = Reader { scope, rules: 0 };
            reader.node(rules, "", 1)
        };
        if !scope.is_checked() {
            return read(scope);
        }
        // What the rules themselves say of the blueprint tells what the other names in them mean.
        let narrowed = scope.narrowed(read(&Scope::unchecked())?.blueprints());
        read(&narrowed)
    }

    /// The blueprints that the rules name, where all entities have to be of one of them.
    pub fn blueprints(&self) -> Option<Vec<BlueprintId>> {
        let known = |values: &[Value]| {
            let ids = values.iter().filter_map(|value| BlueprintId::new(value.as_str()?).ok());
            Some(ids.collect())
        };
        match self {
            Self::All(nodes) => nodes.iter().find_map(Self::blueprints),
            Self::Rule(rule) if rule.operand.plain() == Some(&Field::Blueprint) => match &rule.test {
                Test::Equal(value) => known(std::slice::from_ref(value)),
                Test::OneOf(values) => known(values),
                _ => None,
            },
            _ => None,
        }
    }
}

pub(super) struct Reader<'a> {
    scope: &'a Scope<'a>,
    rules: usize,
}

pub(super) fn wrong<T>(pointer: impl Into<String>, detail: impl Into<String>) -> Result<T> {
    Err(QueryError::new(At::Pointer(pointer.into()), detail))
}

/// A value as it is shown in errors.
pub(super) fn shown(value: &Value) -> String {
    cut(&value.to_string(), 60).into_owned()
}

impl Reader<'_> {
    fn node(&mut self, value: &Value, pointer: &str, depth: usize) -> Result<Node> {
        let Value::Object(members) = value else {
            let expected =
                "a rule such as {\"property\": \"tier\", \"operator\": \"=\", \"value\": 1}, or a group of rules";
            return wrong(pointer, format!("expected {expected}, found {}", shown(value)));
        };
        self.rules += 1;
        if self.rules > MAX_RULES {
            return wrong(
                pointer,
                format!("there are more than {MAX_RULES} rules; ask with fewer, or with `in`"),
            );
        }
        if members.contains_key("combinator") || members.contains_key("rules") || members.contains_key("conditions") {
            return self.group(members, pointer, depth);
        }
        self.rule(members, pointer)
    }

    fn group(&mut self, members: &Map<String, Value>, pointer: &str, depth: usize) -> Result<Node> {
        if depth > MAX_DEPTH {
            return wrong(
                pointer,
                format!("rules may be nested {MAX_DEPTH} deep; these are nested deeper"),
            );
        }
        known_members(members, pointer, &["combinator", "rules", "conditions"])?;
        let (name, rules) = match (members.get("rules"), members.get("conditions")) {
            (Some(_), Some(_)) => {
                return wrong(
                    format!("{pointer}/conditions"),
                    "there are `rules` already; `conditions` means the same",
                );
            }
            (None, Some(conditions)) => ("conditions", conditions),
            (Some(rules), None) => ("rules", rules),
            (None, None) => {
                return wrong(
                    format!("{pointer}/rules"),
                    "it is missing, and has to be a list of rules",
                );
            }
        };
        let Value::Array(rules) = rules else {
            return wrong(
                format!("{pointer}/{name}"),
                format!("expected a list of rules, found {}", shown(rules)),
            );
        };
        let mut nodes = Vec::with_capacity(rules.len());
        for (at, rule) in rules.iter().enumerate() {
            nodes.push(self.node(rule, &format!("{pointer}/{name}/{at}"), depth + 1)?);
        }
        let combinator = match members.get("combinator") {
            None => "and",
            Some(Value::String(word)) => word.as_str(),
            Some(other) => {
                return wrong(
                    format!("{pointer}/combinator"),
                    format!("expected `and` or `or`, found {}", shown(other)),
                );
            }
        };
        match combinator {
            "and" => Ok(Node::All(nodes)),
            "or" => Ok(Node::Any(nodes)),
            "not" if nodes.len() == 1 => Ok(Node::Not(Box::new(nodes.remove(0)))),
            "not" => wrong(
                format!("{pointer}/{name}"),
                format!("`not` takes one rule, found {}; put them into a group", nodes.len()),
            ),
            other => {
                let hint = or_nearest(other, ["and", "or", "not"]);
                wrong(
                    format!("{pointer}/combinator"),
                    format!("`{}` is no combinator{hint}", cut(other, 60)),
                )
            }
        }
    }

    fn rule(&mut self, members: &Map<String, Value>, pointer: &str) -> Result<Node> {
        let at = |member: &str| format!("{pointer}/{member}");
        let operator = match members.get("operator") {
            Some(Value::String(operator)) => operator.as_str(),
            Some(other) => {
                return wrong(
                    at("operator"),
                    format!("expected an operator such as `=`, found {}", shown(other)),
                );
            }
            None => return wrong(at("operator"), "it is missing, and has to be an operator such as `=`"),
        };
        if operator == "relatedTo" {
            return related::related(members, pointer);
        }
        let what = ["property", "relation", "propertySchema", "scorecard"];
        known_members(
            members,
            pointer,
            &[
                "property",
                "relation",
                "propertySchema",
                "scorecard",
                "scorecardRule",
                "operator",
                "value",
            ],
        )?;
        let given: Vec<&str> = what.into_iter().filter(|name| members.contains_key(*name)).collect();
        let [name] = given.as_slice() else {
            return wrong(
                pointer,
                "a rule looks at one of `property`, `relation` and `propertySchema`, such as {\"property\": \"tier\", \"operator\": \"=\", \"value\": 1}",
            );
        };
        let of = &members[*name];
        let (test, opposite) = self.test(operator, members.get("value"), pointer)?;
        let node = match *name {
            "propertySchema" => Node::Schema(operand::property_schema(of, &at(name))?, test),
            "scorecard" => {
                return wrong(
                    at(name),
                    "levels of scorecards are no part of an entity, and cannot be asked for here",
                );
            }
            name => {
                let operand = self.operand(name, of, operator, &at(name))?;
                if let Err(why) = self.scope.check(&operand, &test) {
                    return wrong(at("value"), why);
                }
                Node::rule(operand, test)
            }
        };
        Ok(if opposite { node.negated() } else { node })
    }
}

pub(super) fn known_members(members: &Map<String, Value>, pointer: &str, known: &[&str]) -> Result<()> {
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let hint = or_nearest(name, known.iter().copied());
            wrong(
                format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")),
                format!("there is no `{}` here{hint}", cut(name, 60)),
            )
        }
    }
}
