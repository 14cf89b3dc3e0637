//! A test, ready to be put to many values.

use super::{
    collate::{compare_text, fold},
    moment::{Moment, millis, moment},
    node::{Comparison, Range, Test},
    num::Num,
    value::equal,
};
use crate::Millis;
use serde_json::Value;
use std::cmp::Ordering;

/// A compiled test. It answers for whole values ([`Matcher::value`]), and for the parts that an index keeps apart.
#[derive(Debug, Clone)]
pub struct Matcher {
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Equal(Vec<Wanted>),
    Contains(Vec<Wanted>),
    /// In lower case.
    Begins(String),
    /// In lower case.
    Ends(String),
    Within(Vec<Edge>),
    Present,
    There,
}

/// Where in a text another one stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextEdge {
    /// At its beginning.
    Beginning,
    /// At its end.
    End,
}

/// A value that is asked for, with what it is compared by.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The value.
    pub value: Value,
    /// The moment that it names.
    pub moment: Option<Moment>,
    /// In lower case, if it is a text.
    pub folded: Option<String>,
}

impl Wanted {
    fn new(value: &Value) -> Self {
        let text = value.as_str();
        Self {
            value: value.clone(),
            moment: text.and_then(moment),
            folded: text.map(|text| fold(text).into_owned()),
        }
    }

    /// Whether a value equals it as a whole.
    fn is(&self, value: &Value) -> bool {
        equal(value, &self.value) || self.moment.is_some() && value.as_str().and_then(moment) == self.moment
    }

    fn is_time(&self, at: Millis) -> bool {
        match &self.value {
            Value::Number(number) => Num::new(number) == Num::Int(at),
            _ => self.moment == Some(millis(at)),
        }
    }
}

/// One end of a range.
#[derive(Debug, Clone)]
struct Edge {
    side: Comparison,
    at: Point,
}

#[derive(Debug, Clone)]
enum Point {
    Num(Num),
    Moment(Moment),
    Text(String),
    /// Of a type that nothing is compared with.
    Nowhere,
}

impl Edge {
    fn new(side: Comparison, value: &Value) -> Self {
        let at = match value {
            Value::Number(number) => Point::Num(Num::new(number)),
            Value::String(text) => moment(text).map_or_else(|| Point::Text(text.clone()), Point::Moment),
            _ => Point::Nowhere,
        };
        Self { side, at }
    }

    fn allows(&self, order: Ordering) -> bool {
        match self.side {
            Comparison::Less => order.is_lt(),
            Comparison::AtMost => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::AtLeast => order.is_ge(),
        }
    }

    fn number(&self, number: Num) -> bool {
        matches!(&self.at, Point::Num(at) if self.allows(number.cmp(at)))
    }

    fn text(&self, text: &str) -> bool {
        match &self.at {
            Point::Moment(at) => moment(text).is_some_and(|moment| self.allows(moment.cmp(at))),
            Point::Text(at) => self.allows(compare_text(text, at)),
            Point::Num(_) | Point::Nowhere => false,
        }
    }

    fn time(&self, time: Millis) -> bool {
        match &self.at {
            Point::Moment(at) => self.allows(millis(time).cmp(at)),
            Point::Num(at) => self.allows(Num::Int(time).cmp(at)),
            Point::Text(_) | Point::Nowhere => false,
        }
    }

    /// None where the rest of the text decides.
    fn beginning(&self, beginning: &str) -> Option<bool> {
        match &self.at {
            Point::Text(at) if fold(at).starts_with(&*fold(beginning)) => None,
            Point::Text(at) => Some(self.allows(compare_text(beginning, at))),
            _ => Some(false),
        }
    }
}

impl Matcher {
    /// Compiles a test that is put to values now.
    pub fn new(test: &Test, now: Millis) -> Self {
        let all = |values: &[Value]| values.iter().map(Wanted::new).collect();
        let kind = match test {
            Test::Equal(value) => Kind::Equal(vec![Wanted::new(value)]),
            Test::OneOf(values) => Kind::Equal(all(values)),
            Test::Contains(values) => Kind::Contains(all(values)),
            Test::Begins(text) => Kind::Begins(fold(text).into_owned()),
            Test::Ends(text) => Kind::Ends(fold(text).into_owned()),
            Test::Compare(side, value) => Kind::Within(vec![Edge::new(*side, value)]),
            Test::Between(Range::Preset(preset)) => {
                let (from, to) = preset.range(now);
                let edge = |side, at| Edge {
                    side,
                    at: Point::Moment(at),
                };
                Kind::Within(vec![edge(Comparison::AtLeast, from), edge(Comparison::AtMost, to)])
            }
            Test::Between(Range::Bounds { from, to }) => {
                let from = from.iter().map(|from| Edge::new(Comparison::AtLeast, from));
                let to = to.iter().map(|to| Edge::new(Comparison::AtMost, to));
                Kind::Within(from.chain(to).collect())
            }
            Test::Expired => Kind::Within(vec![Edge {
                side: Comparison::Less,
                at: Point::Moment(millis(now)),
            }]),
            Test::Present => Kind::Present,
            Test::There => Kind::There,
        };
        Self { kind }
    }

    /// Whether a whole value passes; null is absent.
    pub fn value(&self, value: Option<&Value>) -> bool {
        let Some(value) = value.filter(|value| !value.is_null()) else {
            return self.absent();
        };
        let entries = value.as_array().map_or(&[][..], Vec::as_slice);
        match &self.kind {
            Kind::Equal(wanted) => wanted
                .iter()
                .any(|wanted| wanted.is(value) || entries.iter().any(|entry| !entry.is_null() && wanted.is(entry))),
            Kind::Contains(wanted) => match value {
                Value::Array(_) => wanted
                    .iter()
                    .any(|wanted| wanted.is(value) || entries.iter().any(|entry| !entry.is_null() && wanted.is(entry))),
                Value::Object(members) => wanted.iter().any(|wanted| {
                    wanted.is(value) || wanted.value.as_str().is_some_and(|name| members.contains_key(name))
                }),
                Value::String(text) => self.text(text),
                _ => wanted.iter().any(|wanted| wanted.is(value)),
            },
            Kind::Present => match value {
                Value::String(text) => !text.is_empty(),
                Value::Array(entries) => !entries.is_empty(),
                Value::Object(members) => !members.is_empty(),
                _ => true,
            },
            Kind::There => true,
            Kind::Begins(_) | Kind::Ends(_) | Kind::Within(_) => {
                self.one(value) || entries.iter().any(|entry| self.one(entry))
            }
        }
    }

    fn one(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.text(text),
            Value::Number(number) => self.number(Num::new(number)),
            _ => false,
        }
    }

    /// Whether an absent value passes.
    pub fn absent(&self) -> bool {
        match &self.kind {
            Kind::Equal(wanted) => wanted.iter().any(|wanted| wanted.value.is_null()),
            _ => false,
        }
    }

    /// Whether a text passes.
    pub fn text(&self, text: &str) -> bool {
        match &self.kind {
            Kind::Equal(wanted) => {
                let at = wanted
                    .iter()
                    .any(|wanted| wanted.moment.is_some())
                    .then(|| moment(text))
                    .flatten();
                wanted
                    .iter()
                    .any(|wanted| wanted.value.as_str() == Some(text) || at.is_some() && wanted.moment == at)
            }
            Kind::Contains(wanted) => {
                let folded = fold(text);
                wanted.iter().any(|wanted| {
                    let part = wanted.folded.as_deref();
                    part.is_some_and(|part| folded.contains(part))
                        || wanted.moment.is_some() && moment(text) == wanted.moment
                })
            }
            Kind::Begins(start) => fold(text).starts_with(start),
            Kind::Ends(end) => fold(text).ends_with(end),
            Kind::Within(edges) => edges.iter().all(|edge| edge.text(text)),
            Kind::Present => !text.is_empty(),
            Kind::There => true,
        }
    }

    /// Whether a text passes of which only the beginning is known; it is longer than that, and long. None where the rest
    /// decides. Not for equality, which an index knows by other means.
    pub fn beginning(&self, beginning: &str) -> Option<bool> {
        match &self.kind {
            Kind::Equal(_) | Kind::Ends(_) => None,
            Kind::Contains(_) => self.text(beginning).then_some(true),
            Kind::Begins(start) => {
                let known = fold(beginning);
                if known.starts_with(start) {
                    Some(true)
                } else if start.starts_with(&*known) {
                    None
                } else {
                    Some(false)
                }
            }
            Kind::Within(edges) => {
                let mut answers = edges.iter().map(|edge| edge.beginning(beginning));
                answers.try_fold(true, |all, one| one.map(|one| all && one))
            }
            Kind::Present | Kind::There => Some(true),
        }
    }

    /// Whether a number passes.
    pub fn number(&self, number: Num) -> bool {
        match &self.kind {
            Kind::Equal(wanted) | Kind::Contains(wanted) => wanted
                .iter()
                .any(|wanted| wanted.value.as_number().is_some_and(|other| Num::new(other) == number)),
            Kind::Within(edges) => edges.iter().all(|edge| edge.number(number)),
            Kind::Present | Kind::There => true,
            Kind::Begins(_) | Kind::Ends(_) => false,
        }
    }

    /// Whether a point in time passes, which is a moment and a number of milliseconds.
    pub fn time(&self, at: Millis) -> bool {
        match &self.kind {
            Kind::Equal(wanted) | Kind::Contains(wanted) => wanted.iter().any(|wanted| wanted.is_time(at)),
            Kind::Within(edges) => edges.iter().all(|edge| edge.time(at)),
            Kind::Present | Kind::There => true,
            Kind::Begins(_) | Kind::Ends(_) => false,
        }
    }

    // ---- for the index

    /// The values of which one has to be equal, where that is the test.
    pub fn equalities(&self) -> Option<&[Wanted]> {
        match &self.kind {
            Kind::Equal(wanted) => Some(wanted),
            _ => None,
        }
    }

    /// The values of which one has to be contained, where that is the test.
    pub fn contained(&self) -> Option<&[Wanted]> {
        match &self.kind {
            Kind::Contains(wanted) => Some(wanted),
            _ => None,
        }
    }

    /// The lower-case text that every text that passes begins or ends with, where that is the test.
    pub fn edge(&self) -> Option<(TextEdge, &str)> {
        match &self.kind {
            Kind::Begins(text) => Some((TextEdge::Beginning, text)),
            Kind::Ends(text) => Some((TextEdge::End, text)),
            _ => None,
        }
    }

    /// Lower-case texts of which one is in every text that passes, where there are such. Texts that are no moments pass
    /// [`Matcher::text`] only with one.
    pub fn needles(&self) -> Vec<&str> {
        match &self.kind {
            Kind::Contains(wanted) => wanted.iter().filter_map(|wanted| wanted.folded.as_deref()).collect(),
            Kind::Begins(text) | Kind::Ends(text) => vec![text],
            _ => Vec::new(),
        }
    }

    /// Whether every value passes.
    pub fn is_there(&self) -> bool {
        matches!(self.kind, Kind::There)
    }

    /// Whether the test is that anything is there, and not empty.
    pub fn is_presence(&self) -> bool {
        matches!(self.kind, Kind::Present)
    }
}
