//! YAML documents that remember where each value stands, and problems that say where, what was expected and what was
//! found. Manifests, integrations and credentials are read through this.

mod depth;
mod explain;
mod problem;
mod stream;
mod yaml;

pub use depth::{MAX_DEPTH, too_deep};
pub use explain::{check_schema, explain};
pub use problem::{Position, Problem, Problems};
pub(crate) use problem::{any_of, show};
pub use stream::{Part, stream};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The largest document that is read, in bytes. Definitions are written by people; a mapping of thousands of lines fits.
pub const MAX_BYTES: usize = 4 << 20;
/// The largest document of data, such as a list of entities that another program wrote.
pub const MAX_DATA_BYTES: usize = 64 << 20;

/// One YAML (or JSON) document with the position of every value.
#[derive(Debug, Clone)]
pub struct Document {
    file: String,
    value: Value,
    places: HashMap<String, Place>,
}

/// Where a value and, in a mapping, its name start.
#[derive(Debug, Clone, Copy)]
struct Place {
    name: Option<Position>,
    value: Position,
}

impl Document {
    /// Reads one document; `file` is only named in problems. The JSON value of an empty document is null.
    ///
    /// # Errors
    /// [`Problems`] with the one place where the text stops being YAML (or repeats a name, or nests too deeply).
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        Self::parse_up_to(MAX_BYTES, file, text)
    }

    /// [`Document::parse`] of data, up to [`MAX_DATA_BYTES`].
    ///
    /// # Errors
    /// As of [`Document::parse`].
    pub fn parse_data(file: &str, text: &str) -> Result<Self, Problems> {
        Self::parse_up_to(MAX_DATA_BYTES, file, text)
    }

    fn parse_up_to(most: usize, file: &str, text: &str) -> Result<Self, Problems> {
        let refuse = |wrong: yaml::Wrong| {
            let mut problem = Problem::new("", "a YAML document", wrong.why).at(wrong.at);
            problem.example = wrong.example.map(str::to_owned);
            Problems {
                file: file.to_owned(),
                problems: vec![problem],
            }
        };
        if text.len() > most {
            return Err(refuse(yaml::Wrong {
                at: None,
                why: format!(
                    "{} bytes, more than the {most} that are read; split it into several files",
                    text.len()
                ),
                example: None,
            }));
        }
        let node = yaml::read(text).map_err(refuse)?;
        let mut places = HashMap::new();
        let value = node.into_value(&mut String::new(), None, &mut places);
        Ok(Self {
            file: file.to_owned(),
            value,
            places,
        })
    }

    /// The document as JSON.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Where the value at a JSON Pointer starts, or, where there is none, what would hold it.
    pub fn position(&self, pointer: &str) -> Option<Position> {
        self.place(pointer).map(|place| place.value)
    }

    fn place(&self, pointer: &str) -> Option<Place> {
        let mut pointer = pointer;
        loop {
            if let Some(place) = self.places.get(pointer) {
                return Some(*place);
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }

    /// `f.yaml:8:3: config.base_url`: where a value stands and its field, for words of others that know only the pointer.
    pub fn named(&self, pointer: &str) -> String {
        let mut named = self.file.clone();
        if let Some(Position { line, column }) = self.position(pointer) {
            named.push_str(&format!(":{line}:{column}"));
        }
        let path = problem::path(pointer);
        if path.is_empty() {
            named
        } else {
            format!("{named}: {path}")
        }
    }

    /// Adds the positions to `problems` and puts them in the order of the text.
    pub fn locate(&self, mut problems: Vec<Problem>) -> Problems {
        for problem in &mut problems {
            let Some(place) = self.place(&problem.pointer) else {
                continue;
            };
            let name = place.name.filter(|_| problem.on_name);
            problem.position = Some(name.unwrap_or(place.value));
        }
        problems.sort_by(|a, b| (a.position, &a.pointer).cmp(&(b.position, &b.pointer)));
        problems.dedup();
        Problems {
            file: self.file.clone(),
            problems,
        }
    }
}

/// A member's name within a JSON Pointer (RFC 6901).
pub fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Appends a name to a JSON Pointer (RFC 6901), escaped.
pub(crate) fn push(pointer: &mut String, name: &str) {
    pointer.push('/');
    for c in name.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

/// `pointer` with `name` appended, escaped.
pub(crate) fn join(pointer: &str, name: &str) -> String {
    let mut joined = pointer.to_owned();
    push(&mut joined, name);
    joined
}

/// Reads a definition and checks it against its schema. `kind` is left out; `file` is only named in errors.
///
/// # Errors
/// All that is wrong, each with line, column, field, what was expected, what was found and an example.
pub fn definition<T: DeserializeOwned>(file: &str, yaml: &str, schema: &Value) -> Result<T, Problems> {
    let document = Document::parse(file, yaml)?;
    let problems = match check_schema(schema) {
        Ok(validator) => explain(&validator, schema, document.value()),
        Err(problem) => vec![*problem],
    };
    if !problems.is_empty() {
        return Err(document.locate(problems));
    }
    let fields: Map<String, Value> = document.value().as_object().cloned().unwrap_or_default();
    let fields = fields.into_iter().filter(|(name, _)| name != "kind").collect();
    serde_json::from_value(Value::Object(fields)).map_err(|error| {
        let expected = schema["title"].as_str().unwrap_or("a definition");
        document.locate(vec![Problem::new("", expected, error.to_string())])
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(document: &Document, pointer: &str) -> (u32, u32) {
        let position = document.position(pointer).unwrap();
        (position.line, position.column)
    }

    #[test]
    fn text_that_is_no_yaml_is_told_in_plain_words_with_how_to_write_it() {
        for (text, place, words, example) in [
            ("name: a\n\tplugin: b\n", "1:7", "indent with spaces", "  name: value"),
            (
                "name: a\nconfig: {a: 1\nplugin: x\n",
                "3:7",
                "is not closed",
                "config: {a: 1, b: 2}",
            ),
            ("name: [a\nb: c\n", "2:2", "is not closed", "name: \"a: b\""),
            ("name: \"a\n", "1:7", "never closed", "name: \"value\""),
            ("name: a\n  plugin: x\n", "2:9", "indented deeper", "name: \"a: b\""),
            ("name: @x\n", "1:7", "outside quotes", "name: \"@x\""),
            ("name: *x\n", "1:7", "not there", "name: \"*x\""),
            ("name: {{x}}\n", "1:8", "a name that is no text", "name: \"{{x}}\""),
            ("a: b\n- c\n", "2:3", "no `name: value`", "name: value"),
        ] {
            let said = Document::parse("f.yaml", text).unwrap_err().to_string();
            assert!(
                said.starts_with(&format!("f.yaml:{place}: expected a YAML document, found ")),
                "{said}"
            );
            assert!(
                said.contains(words) && said.ends_with(&format!("; for example `{example}`")),
                "{said}"
            );
        }
    }

    #[test]
    fn knows_where_each_value_stands() {
        let text = "name: a\nlist:\n  - x: 1\n    y: [2, \"ü\", 3.5]\n  - null\n# end\nother: &o {z: true}\nsame: *o\n";
        let document = Document::parse("f.yaml", text).unwrap();
        assert_eq!(
            document.value(),
            &json!({"name": "a", "list": [{"x": 1, "y": [2, "ü", 3.5]}, null], "other": {"z": true}, "same": {"z": true}})
        );
        assert_eq!(at(&document, "/name"), (1, 7));
        assert_eq!(at(&document, "/list/0/x"), (3, 8));
        assert_eq!(at(&document, "/list/0/y/2"), (4, 17));
        assert_eq!(at(&document, "/same"), (8, 7), "an alias stands where it is used");
        assert_eq!(at(&document, "/list/0/absent"), at(&document, "/list/0"));
    }

    #[test]
    fn keeps_what_looks_like_other_types() {
        let text = "a: \"1\"\nb: 1.10\nc: 'yes'\nd: ~\ne: 2026-01-01\nf: 18446744073709551615\ng: -3\nh: 1.0.0\ni: |\n  two\n  lines\nj: [y, on, no, true]\n";
        let document = Document::parse("f.yaml", text).unwrap();
        assert_eq!(
            document.value(),
            &json!({"a": "1", "b": 1.10, "c": "yes", "d": null, "e": "2026-01-01", "f": u64::MAX, "g": -3, "h": "1.0.0",
                "i": "two\nlines\n", "j": ["y", "on", "no", true]})
        );
    }

    #[test]
    fn json_is_yaml_too() {
        let document = Document::parse("f.json", "{\"a\": {\"b\": [1,\n2]}}").unwrap();
        assert_eq!(at(&document, "/a/b/1"), (2, 1));
    }

    #[test]
    fn says_where_it_stops_being_yaml() {
        let cases = [
            ("a: [1, 2\nb: 3\n", "f.yaml:2"),
            ("a: 1\na: 2\n", "f.yaml:2:1"),
            ("a: *nowhere\n", "f.yaml:1:4"),
            ("a: \"open\n", "f.yaml:"),
            ("a: 1\n---\nb: 2\n", "f.yaml:"),
        ];
        for (text, start) in cases {
            let problems = Document::parse("f.yaml", text).unwrap_err().to_string();
            assert!(problems.starts_with(start), "{text:?}: {problems}");
        }
    }

    #[test]
    fn alias_bombs_and_deep_nesting_are_refused() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for i in 1..9 {
            let refs = vec![format!("*a{}", i - 1); 10].join(", ");
            bomb.push_str(&format!("a{i}: &a{i} [{refs}]\n"));
        }
        Document::parse("f.yaml", &bomb).unwrap_err();
        Document::parse("f.yaml", &"[".repeat(100_000)).unwrap_err();
        let block: String = (0..3_000).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
        Document::parse("f.yaml", &block[..block.len().min(MAX_BYTES)]).unwrap_err();
    }

    #[test]
    fn depth_is_bounded_and_costs_the_caller_no_stack() {
        let nested = |depth: usize| {
            let flow = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            let block: String = (0..depth).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
            [flow, block]
        };
        // Reading 64 levels took 2 MiB and more without optimisation; the caller has an eighth of that here.
        let most = MAX_DEPTH + 1;
        let small = std::thread::Builder::new().stack_size(256 << 10);
        let reading = small.spawn(move || {
            for text in nested(most) {
                Document::parse("f.yaml", &text).unwrap();
            }
            for text in nested(most + 1).into_iter().chain(nested(2_000)) {
                let problems = Document::parse("f.yaml", &text).unwrap_err().to_string();
                assert!(
                    problems.contains("epth") || problems.contains("recursion"),
                    "{problems}"
                );
            }
        });
        reading.unwrap().join().unwrap();
    }
}
