//! YAML into a tree of values with positions, by way of serde-saphyr's spans.

use super::{Place, Position, push};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Number, Value};
use serde_saphyr::{Location, Spanned};
use std::{collections::HashMap, fmt};

/// A value and where it starts.
pub(super) struct Node {
    at: Position,
    kind: Kind,
}

enum Kind {
    Scalar(Value),
    List(Vec<Node>),
    Object(Vec<(Spanned<String>, Node)>),
}

/// Deeper documents are refused while they are read, before anything recurses further. One level more than a definition may have, for a
/// list of them.
const DEPTH: usize = super::MAX_DEPTH + 1;
/// Reading recurses once a level. Without optimisation 64 levels were measured to need between 2 and 4 MiB, which
/// is more than a thread of the host has; only what is used of this becomes memory.
const STACK: usize = 32 << 20;

/// What is wrong with a text, and where when that is known.
/// Where a text stops being YAML, where that is known, and why.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) at: Option<Position>,
    pub(super) why: String,
    /// How it would be written.
    pub(super) example: Option<&'static str>,
}

/// Reads one document, on a thread that has room for the deepest one that is taken.
///
/// # Errors
/// Where it stops being one, when that is known, and why.
pub(super) fn read(text: &str) -> Result<Node, Wrong> {
    let failed = || Wrong {
        at: None,
        why: "a text that could not be read now; try again".to_owned(),
        example: None,
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("yaml".into()).stack_size(STACK);
        let reading = thread.spawn_scoped(scope, || read_here(text)).map_err(|_| failed())?;
        reading.join().map_err(|_| failed())?
    })
}

fn read_here(text: &str) -> Result<Node, Wrong> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: DEPTH },
        // As in YAML 1.2, which has `true` and `false` alone: `yes`, `on` and `y` are texts.
        strict_booleans: true,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let error = error.without_snippet();
        let at = error.location().and_then(position);
        // The location is printed by the caller, so the message is kept without its own.
        let message = error.to_string();
        let why = message.lines().next().unwrap_or_default();
        let why = why.split(" at line ").next().unwrap_or(why).trim_end_matches(':');
        let (why, example) = reworded(why);
        Wrong {
            at,
            why: format!("text that is none ({why})"),
            example,
        }
    })
}

/// What the reader says to programmers, said to who wrote the file, and how it would be written.
fn reworded(why: &str) -> (&str, Option<&'static str>) {
    for (part, words, example) in REWORDED {
        if why.contains(part) {
            return (words, (!example.is_empty()).then_some(*example));
        }
    }
    (why, None)
}

/// A part of what the reader says, what is said instead, and an example.
const REWORDED: &[(&str, &str, &str)] = &[
    (
        "DuplicateKeyPolicy",
        "the same name a second time; keep one of the two",
        "",
    ),
    (
        "from_str_multiple",
        "a second document after `---`; a file holds one",
        "",
    ),
    ("Depth", "it is nested deeper than the depth that is read", ""),
    (
        "budget breached",
        "more nesting, anchors or values than a file of this kind has; write it without aliases (`*name`)",
        "",
    ),
    ("found a tab", "a tab; indent with spaces", "  name: value"),
    (
        "unknown anchor",
        "`*` names an anchor that is not there; put text that begins with it in quotes",
        "name: \"*x\"",
    ),
    (
        "unexpected character",
        "a text may not begin with this character outside quotes",
        "name: \"@x\"",
    ),
    (
        "mapping values are not allowed",
        "a second `: ` where only a value may stand: the line is indented deeper than the one above, or the text needs quotes",
        "name: \"a: b\"",
    ),
    (
        "illegal placement of ':'",
        "a `:` where none may stand: a bracket above it is not closed, or the text needs quotes",
        "name: \"a: b\"",
    ),
    ("misplaced bracket", "a closing bracket that was never opened", ""),
    (
        "block mapping, did not find expected key",
        "a line that is no `name: value` and stands where one is expected; indent it by two more if it belongs to the line above",
        "name: value",
    ),
    (
        "expected string scalar",
        "a name that is no text; put text that begins with a brace or bracket in quotes",
        "name: \"{{x}}\"",
    ),
    ("unclosed quote", "a quote that is never closed", "name: \"value\""),
    (
        "after double-quoted scalar",
        "a text behind a closing quote: a quote further up is not closed, or the text has to stand inside the quotes",
        "name: \"value\"",
    ),
    (
        "after single-quoted scalar",
        "a text behind a closing quote: a quote further up is not closed, or the text has to stand inside the quotes",
        "name: 'value'",
    ),
    (
        "did not find expected <document start>",
        "a line that belongs to nothing above it: indent it as its neighbours, with spaces and not with tabs",
        "name: value",
    ),
    (
        "flow mapping, did not find",
        "a `{` before it is not closed, or lacks a comma",
        "config: {a: 1, b: 2}",
    ),
    (
        "flow sequence, did not find",
        "a `[` before it is not closed, or lacks a comma",
        "methods: [GET, POST]",
    ),
];

fn position(location: Location) -> Option<Position> {
    let (line, column) = (
        u32::try_from(location.line()).ok()?,
        u32::try_from(location.column()).ok()?,
    );
    (line > 0).then_some(Position { line, column })
}

impl Node {
    /// The value; fills `places` by JSON Pointer.
    pub(super) fn into_value(
        self,
        pointer: &mut String,
        name: Option<Position>,
        places: &mut HashMap<String, Place>,
    ) -> Value {
        places.insert(pointer.clone(), Place { name, value: self.at });
        let base = pointer.len();
        match self.kind {
            Kind::Scalar(value) => value,
            Kind::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (index, item) in items.into_iter().enumerate() {
                    push(pointer, &index.to_string());
                    list.push(item.into_value(pointer, None, places));
                    pointer.truncate(base);
                }
                Value::Array(list)
            }
            Kind::Object(entries) => {
                let mut object = Map::new();
                for (key, item) in entries {
                    push(pointer, &key.value);
                    let value = item.into_value(pointer, position(key.referenced), places);
                    pointer.truncate(base);
                    object.insert(key.value, value);
                }
                Value::Object(object)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Kind>::deserialize(deserializer)?;
        let at = position(spanned.referenced).unwrap_or(Position { line: 1, column: 1 });
        Ok(Self {
            at,
            kind: spanned.value,
        })
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor)
    }
}

struct KindVisitor;

impl<'de> de::Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has too")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Kind, E> {
        Ok(Kind::Scalar(v.into()))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Kind, E> {
        Ok(Kind::Scalar(v.into()))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Kind, E> {
        Ok(Kind::Scalar(v.into()))
    }

    fn visit_f64<E: de::Error>(self, v: f64) -> Result<Kind, E> {
        let number = Number::from_f64(v).ok_or_else(|| E::custom("infinite numbers and NaN are not JSON"))?;
        Ok(Kind::Scalar(Value::Number(number)))
    }

    fn visit_str<E>(self, v: &str) -> Result<Kind, E> {
        Ok(Kind::Scalar(v.into()))
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kind, D::Error> {
        Kind::deserialize(deserializer)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Kind, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Kind::List(items))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Kind::Object(entries))
    }
}
