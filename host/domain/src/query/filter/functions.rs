//! Functions in filters.

use super::parser::{Parser, Result};
use crate::{
    BlueprintId, EntityId,
    query::{
        error::or_nearest,
        field::Operand,
        node::{Direction, MAX_HOPS, MAX_RULES, Node, Range, Related, Test},
        preset::Preset,
        rules::bounds,
    },
};
use serde_json::Value;

const FUNCTIONS: [&str; 8] = [
    "in",
    "between",
    "contains",
    "beginsWith",
    "endsWith",
    "isEmpty",
    "isExpired",
    "relatedTo",
];

impl Parser<'_> {
    /// A call, whose `(` stands here.
    pub(super) fn function(&mut self, at: usize, name: &str) -> Result<Node> {
        if name == "relatedTo" {
            return self.related(at);
        }
        if !FUNCTIONS.contains(&name) {
            let hint = or_nearest(name, FUNCTIONS);
            return Err(self.lexer.error(at, format!("`{name}` is no function{hint}")));
        }
        self.lexer.eat("(");
        self.lexer.skip_spaces();
        let operand = self.argument_field()?;
        let values_at = self.lexer.at;
        let values = self.arguments(&operand)?;
        let wrong = |detail: &str| Err(self.lexer.error(at, detail));
        let test = match (name, values.as_slice()) {
            ("isEmpty", []) => Test::Present,
            ("isExpired", []) => Test::Expired,
            ("isEmpty" | "isExpired", _) => return wrong("it takes a field alone"),
            ("in", [_, ..]) => Test::OneOf(values),
            ("contains", [_, ..]) if !values.iter().any(Value::is_null) => Test::Contains(values),
            ("beginsWith", [Value::String(text)]) => Test::Begins(text.clone()),
            ("endsWith", [Value::String(text)]) => Test::Ends(text.clone()),
            ("beginsWith" | "endsWith", _) => return wrong("it takes a field and a text in quotes"),
            ("between", [Value::String(name)]) => match Preset::named(name) {
                Some(preset) => Test::Between(Range::Preset(preset)),
                None => {
                    let hint = or_nearest(name, Preset::names().collect::<Vec<_>>());
                    return wrong(&format!("`{name}` is no range of time{hint}"));
                }
            },
            ("between", [from, to]) => {
                let edge = |value: &Value| (!value.is_null()).then(|| value.clone());
                Test::Between(bounds(edge(from), edge(to)).map_err(|why| self.lexer.error(at, why))?)
            }
            ("between", _) => return wrong("it takes a field with a range such as lastWeek, or with two values"),
            _ => return wrong("it takes a field and at least one value"),
        };
        let node = Node::rule(operand, test);
        self.check(&node, values_at)?;
        Ok(if name == "isEmpty" { node.negated() } else { node })
    }

    /// What comes after the first argument, to the `)`.
    fn arguments(&mut self, operand: &Operand) -> Result<Vec<Value>> {
        let open = self.lexer.at;
        let mut values = Vec::new();
        loop {
            self.lexer.skip_spaces();
            if self.lexer.eat(")") {
                return Ok(values);
            }
            if !self.lexer.eat(",") {
                let found = self.lexer.found();
                return Err(self
                    .lexer
                    .error(self.lexer.at, format!("expected `,` or `)`, found {found}")));
            }
            self.lexer.skip_spaces();
            let literal = self.lexer.literal(true)?;
            values.push(self.value(literal, operand));
            if values.len() > MAX_RULES {
                return Err(self
                    .lexer
                    .error(open, format!("at most {MAX_RULES} values can be asked for")));
            }
        }
    }

    /// `relatedTo(BLUEPRINT, IDENTIFIER, DIRECTION, DEPTH)`.
    fn related(&mut self, at: usize) -> Result<Node> {
        self.lexer.eat("(");
        self.lexer.skip_spaces();
        // Identifiers are texts whatever they look like.
        let named = Operand::of(crate::query::field::Field::Identifier);
        let literal = self.lexer.literal(true)?;
        let mut words = vec![self.value(literal, &named)];
        words.extend(self.arguments(&named)?);
        let mut texts = Vec::new();
        for word in &words {
            texts.push(match word {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
        }
        let wrong = |detail: String| Err(self.lexer.error(at, detail));
        let (blueprint, identifier, rest) = match texts.as_slice() {
            [blueprint, identifier, rest @ ..] if rest.len() <= 2 => (blueprint, identifier, rest),
            _ => return wrong("it takes a blueprint and an identifier, and then a direction and a depth, such as relatedTo(service, payments, downstream, 2)".into()),
        };
        let direction = match rest.first().map(String::as_str) {
            None | Some("both") => None,
            Some("upstream") => Some(Direction::Upstream),
            Some("downstream") => Some(Direction::Downstream),
            Some(other) => {
                let hint = or_nearest(other, ["upstream", "downstream", "both"]);
                return wrong(format!("`{other}` is no direction{hint}"));
            }
        };
        let depth = match rest.get(1) {
            None => MAX_HOPS,
            Some(depth) => match depth.parse() {
                Ok(depth) if (1..=MAX_HOPS).contains(&depth) => depth,
                _ => return wrong(format!("its depth is 1 to {MAX_HOPS}, found {depth}")),
            },
        };
        Ok(Node::Related(Related {
            blueprint: BlueprintId::new(blueprint).map_err(|e| self.lexer.error(at, e.to_string()))?,
            identifiers: vec![EntityId::new(identifier).map_err(|e| self.lexer.error(at, e.to_string()))?],
            direction,
            required: None,
            depth,
        }))
    }
}
