//! From text to the tree.

use super::lexer::{Lexer, Literal};
use crate::query::{
    error::QueryError,
    field::{Field, Operand},
    node::{Comparison, MAX_DEPTH, MAX_RULES, Node, Test},
    resolve::Scope,
};
use serde_json::Value;

pub(super) type Result<T> = std::result::Result<T, QueryError>;

pub(super) struct Parser<'a> {
    pub(super) lexer: Lexer<'a>,
    pub(super) scope: &'a Scope<'a>,
    rules: usize,
}

/// Comparators, longer ones first.
const COMPARATORS: [&str; 7] = ["<=", ">=", "!=", "<", ">", "=", ":"];

/// A field's name as it is written.
struct Name {
    at: usize,
    segments: Vec<String>,
    /// Whether a part is in quotes.
    quoted: bool,
}

pub(super) fn parse(text: &str, scope: &Scope<'_>) -> Result<Node> {
    let mut parser = Parser {
        lexer: Lexer { text, at: 0 },
        scope,
        rules: 0,
    };
    parser.lexer.skip_spaces();
    if parser.lexer.peek().is_none() {
        return Ok(Node::all());
    }
    let node = parser.expression(1)?;
    parser.lexer.skip_spaces();
    match parser.lexer.peek() {
        None => Ok(node),
        Some(')') => Err(parser.lexer.error(parser.lexer.at, "there is no `(` to this `)`")),
        Some(_) => Err(parser.lexer.error(
            parser.lexer.at,
            format!("expected AND, OR or the end, found {}", parser.lexer.found()),
        )),
    }
}

impl Parser<'_> {
    fn expression(&mut self, depth: usize) -> Result<Node> {
        let mut all = vec![self.factor(depth)?];
        loop {
            self.lexer.skip_spaces();
            match self.lexer.peek() {
                None | Some(')') => break,
                _ => {}
            }
            self.lexer.eat_word("AND");
            all.push(self.factor(depth)?);
        }
        Ok(match all.len() {
            1 => all.remove(0),
            _ => Node::All(all),
        })
    }

    fn factor(&mut self, depth: usize) -> Result<Node> {
        let mut any = vec![self.term(depth)?];
        loop {
            self.lexer.skip_spaces();
            if !self.lexer.eat_word("OR") {
                break;
            }
            any.push(self.term(depth)?);
        }
        Ok(match any.len() {
            1 => any.remove(0),
            _ => Node::Any(any),
        })
    }

    fn term(&mut self, depth: usize) -> Result<Node> {
        let mut opposite = false;
        loop {
            self.lexer.skip_spaces();
            if self.lexer.eat_word("NOT") || self.lexer.eat("-") {
                opposite = !opposite;
            } else {
                break;
            }
        }
        let node = self.simple(depth)?;
        Ok(if opposite { node.negated() } else { node })
    }

    fn simple(&mut self, depth: usize) -> Result<Node> {
        let start = self.lexer.at;
        self.rules += 1;
        if self.rules > MAX_RULES {
            let detail = format!("there are more than {MAX_RULES} conditions; ask with fewer, or with in(FIELD, …)");
            return Err(self.lexer.error(start, detail));
        }
        if !self.lexer.eat("(") {
            return self.restriction();
        }
        if depth >= MAX_DEPTH {
            let detail = format!("filters may be nested {MAX_DEPTH} deep; this one is nested deeper");
            return Err(self.lexer.error(start, detail));
        }
        let node = self.expression(depth + 1)?;
        self.lexer.skip_spaces();
        if self.lexer.eat(")") {
            Ok(node)
        } else {
            Err(self.lexer.error(start, "there is no `)` to this `(`"))
        }
    }

    fn restriction(&mut self) -> Result<Node> {
        let name = self.name()?;
        if !name.quoted && name.segments.len() == 1 && self.lexer.peek() == Some('(') {
            return self.function(name.at, &name.segments[0]);
        }
        self.lexer.skip_spaces();
        let at = self.lexer.at;
        let Some(comparator) = COMPARATORS.into_iter().find(|comparator| self.lexer.eat(comparator)) else {
            let word = name.segments.join(".");
            if !name.quoted && self.scope.is_checked() && self.scope.segments(&name.segments).is_ok() {
                let detail = format!(
                    "`{word}` is a field, and what it is compared with is missing: FIELD=VALUE, such as {word} = 1; the word itself is written \"{word}\""
                );
                return Err(self.lexer.error(name.at, detail));
            }
            return Ok(anywhere(&word));
        };
        self.lexer.skip_spaces();
        let operand = self.operand(&name)?;
        let value_at = self.lexer.at;
        let node = if self.lexer.peek() == Some('(') {
            self.several(&operand, comparator, at)?
        } else {
            let literal = self.lexer.literal(false)?;
            let (test, opposite) = self.test(comparator, literal, &operand, value_at)?;
            let node = Node::rule(operand, test);
            if opposite { node.negated() } else { node }
        };
        self.check(&node, value_at)?;
        Ok(node)
    }

    /// Fails where a test cannot hold.
    pub(super) fn check(&self, node: &Node, at: usize) -> Result<()> {
        match node {
            Node::Rule(rule) => self
                .scope
                .check(&rule.operand, &rule.test)
                .map_err(|why| self.lexer.error(at, why)),
            Node::Not(inner) => self.check(inner, at),
            Node::All(nodes) | Node::Any(nodes) => nodes.iter().try_for_each(|node| self.check(node, at)),
            _ => Ok(()),
        }
    }

    fn name(&mut self) -> Result<Name> {
        let at = self.lexer.at;
        let (mut segments, mut quoted) = (Vec::new(), false);
        loop {
            match self.lexer.peek() {
                Some('"' | '\'') => {
                    if let Literal::Quoted(text, _) = self.lexer.quoted()? {
                        segments.push(text);
                    }
                    quoted = true;
                }
                _ => segments.push(self.lexer.name().to_owned()),
            }
            if !self.lexer.eat(".") {
                break;
            }
        }
        if segments.iter().any(String::is_empty) && !quoted {
            let found = self.lexer.found();
            return Err(self
                .lexer
                .error(at, format!("expected a condition such as tier = 1, found {found}")));
        }
        if !quoted && matches!(segments.as_slice(), [one] if one == "AND" || one == "OR") {
            return Err(self
                .lexer
                .error(at, format!("expected a condition before `{}`", segments[0])));
        }
        Ok(Name { at, segments, quoted })
    }

    fn operand(&self, name: &Name) -> Result<Operand> {
        self.scope
            .segments(&name.segments)
            .map_err(|why| self.lexer.error(name.at, why))
    }

    /// A field's name as the argument of a function.
    pub(super) fn argument_field(&mut self) -> Result<Operand> {
        let name = self.name()?;
        self.operand(&name)
    }

    /// The value that a literal stands for.
    pub(super) fn value(&self, literal: Literal, operand: &Operand) -> Value {
        let text = match literal {
            Literal::Json(value) => return value,
            Literal::Quoted(text, _) => return text.into(),
            Literal::Bare(text) => text,
        };
        if text == "null" {
            return Value::Null;
        }
        // `1.10` is a version where versions are texts.
        let kind = self.scope.kind(operand);
        if matches!(kind.as_deref(), Some("string" | "list of string")) {
            return text.into();
        }
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }

    fn test(&self, comparator: &str, literal: Literal, operand: &Operand, at: usize) -> Result<(Test, bool)> {
        let stars = match &literal {
            Literal::Bare(text) => text.match_indices('*').map(|(at, _)| at).collect(),
            Literal::Quoted(_, stars) => stars.clone(),
            Literal::Json(_) => Vec::new(),
        };
        let present = comparator == ":" && matches!(&literal, Literal::Bare(text) if text == "*");
        if present {
            return Ok((Test::Present, false));
        }
        let value = self.value(literal, operand);
        if let ("=" | "!=", Value::String(text), false) = (comparator, &value, stars.is_empty()) {
            let (test, opposite) = pattern(text, &stars).map_err(|why| self.lexer.error(at, why))?;
            return Ok((test, opposite != (comparator == "!=")));
        }
        let comparison = |side| match &value {
            Value::Number(_) | Value::String(_) => Ok((Test::Compare(side, value.clone()), false)),
            other => Err(self
                .lexer
                .error(at, format!("`{comparator}` takes a number or a text, found {other}"))),
        };
        match comparator {
            "=" => Ok((Test::Equal(value), false)),
            "!=" => Ok((Test::Equal(value), true)),
            "<" => comparison(Comparison::Less),
            "<=" => comparison(Comparison::AtMost),
            ">" => comparison(Comparison::Greater),
            ">=" => comparison(Comparison::AtLeast),
            _ if value.is_null() => Err(self
                .lexer
                .error(at, "`:` looks for a value; write FIELD = null for what is absent")),
            _ => Ok((Test::Contains(vec![value]), false)),
        }
    }

    /// `(a OR b)` or `(a AND b)` as the value.
    fn several(&mut self, operand: &Operand, comparator: &str, at: usize) -> Result<Node> {
        if !matches!(comparator, "=" | "!=" | ":") {
            return Err(self.lexer.error(at, format!("`{comparator}` takes one value")));
        }
        let open = self.lexer.at;
        self.lexer.eat("(");
        let (mut values, mut words) = (Vec::new(), Vec::new());
        loop {
            self.lexer.skip_spaces();
            let literal = self.lexer.literal(false)?;
            values.push(self.value(literal, operand));
            if values.len() > MAX_RULES {
                return Err(self
                    .lexer
                    .error(open, format!("at most {MAX_RULES} values can be asked for")));
            }
            self.lexer.skip_spaces();
            if self.lexer.eat(")") {
                break;
            }
            let here = self.lexer.at;
            match ["OR", "AND"].into_iter().find(|word| self.lexer.eat_word(word)) {
                Some(word) => words.push(word),
                None => {
                    return Err(self
                        .lexer
                        .error(here, format!("expected OR, AND or `)`, found {}", self.lexer.found())));
                }
            }
        }
        if words.windows(2).any(|pair| pair[0] != pair[1]) {
            return Err(self.lexer.error(open, "values are joined by OR or by AND, not by both"));
        }
        if comparator == ":" && values.iter().any(Value::is_null) {
            return Err(self
                .lexer
                .error(open, "`:` looks for a value; write FIELD = null for what is absent"));
        }
        let all = words.first() == Some(&"AND");
        let node = match (comparator, all) {
            (":", false) => Node::rule(operand.clone(), Test::Contains(values)),
            (":", true) => {
                let one = |value| Node::rule(operand.clone(), Test::Contains(vec![value]));
                Node::All(values.into_iter().map(one).collect())
            }
            (_, false) => Node::rule(operand.clone(), Test::OneOf(values)),
            (_, true) => return Err(self.lexer.error(open, "a value equals one of several; join them by OR")),
        };
        Ok(if comparator == "!=" { node.negated() } else { node })
    }
}

/// A word alone.
fn anywhere(text: &str) -> Node {
    let contains = |field| Node::rule(Operand::of(field), Test::Contains(vec![text.into()]));
    Node::Any(vec![contains(Field::Title), contains(Field::Identifier)])
}

/// A text with stars as a test, and whether its opposite is meant.
fn pattern(text: &str, stars: &[usize]) -> std::result::Result<(Test, bool), String> {
    let (start, end) = (stars.first() == Some(&0), stars.last() == Some(&(text.len() - 1)));
    if text.bytes().all(|byte| byte == b'*') && stars.len() == text.len() {
        return Ok((Test::Present, false));
    }
    let inner = stars.len() - usize::from(start) - usize::from(end);
    if inner > 0 {
        return Err(
            "`*` stands for anything at the start and at the end of a text alone; write \"…\\*…\" for the character"
                .into(),
        );
    }
    let bare = &text[usize::from(start)..text.len() - usize::from(end)];
    Ok(match (start, end) {
        (true, true) => (Test::Contains(vec![bare.into()]), false),
        (true, false) => (Test::Ends(bare.into()), false),
        _ => (Test::Begins(bare.into()), false),
    })
}
