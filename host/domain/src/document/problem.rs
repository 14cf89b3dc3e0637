//! What is wrong with a document, in words that say what to write instead.

use crate::text::cut;
use serde_json::Value;
use std::fmt;

/// A place in a text, both counted from 1; columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// JSON Pointer to the value, or to what lacks it. The empty text is the whole document.
    pub pointer: String,
    /// Where that is in the text; none where the document came without one.
    pub position: Option<Position>,
    /// What would be accepted.
    pub expected: String,
    /// What is there instead. Empty where `expected` is a sentence that says both.
    pub found: String,
    /// Something that would be accepted.
    pub example: Option<String>,
    /// The accepted word that what was found nearly is.
    pub meant: Option<String>,
    /// Whether the name of the value is wrong, rather than the value.
    pub(crate) on_name: bool,
}

impl Problem {
    /// A problem at `pointer`.
    pub fn new(pointer: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            position: None,
            expected: expected.into(),
            found: found.into(),
            example: None,
            meant: None,
            on_name: false,
        }
    }

    /// A problem at `pointer` that a sentence says, with what to do.
    pub fn saying(pointer: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self::new(pointer, sentence, "")
    }

    /// With something that would be accepted.
    #[must_use]
    pub fn example(mut self, example: impl Into<String>) -> Self {
        self.example = Some(example.into());
        self
    }

    /// With the one of `words` that `given` nearly is.
    #[must_use]
    pub fn meant<'a>(mut self, given: &str, words: impl IntoIterator<Item = &'a str>) -> Self {
        let words: Vec<&str> = words.into_iter().collect();
        let same = words.iter().find(|word| word.eq_ignore_ascii_case(given)).copied();
        self.meant = same.or_else(|| crate::text::nearest(given, words)).map(str::to_owned);
        self
    }

    pub(crate) fn at(mut self, position: Option<Position>) -> Self {
        self.position = position;
        self
    }

    /// Points to the name of the field instead of its value.
    pub fn on_name(mut self) -> Self {
        self.on_name = true;
        self
    }

    /// What is wrong, without the field: for those who name the field themselves.
    pub fn words(&self) -> String {
        let mut words = match self.found.is_empty() {
            true => self.expected.clone(),
            false => format!("expected {}, found {}", self.expected, self.found),
        };
        if let Some(meant) = &self.meant {
            words.push_str(&format!("; did you mean `{meant}`?"));
        }
        if let Some(example) = &self.example {
            words.push_str(&format!("; for example `{example}`"));
        }
        words
    }

    /// The field as people write it: `capabilities.network[0].methods`. Empty for the whole document.
    pub fn path(&self) -> String {
        path(&self.pointer)
    }
}

/// A JSON Pointer as people write it.
pub(super) fn path(pointer: &str) -> String {
    let mut path = String::new();
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        let plain = !token.is_empty()
            && token
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$'));
        if !token.is_empty() && token.bytes().all(|b| b.is_ascii_digit()) {
            path.push_str(&format!("[{token}]"));
        } else if plain {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&token);
        } else {
            path.push_str(&format!("[{}]", Value::from(token)));
        }
    }
    path
}

/// `capabilities.network[0].methods: expected …, found …; did you mean …?; for example …`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path();
        if !path.is_empty() {
            write!(f, "{path}: ")?;
        }
        f.write_str(&self.words())
    }
}

/// All that is wrong with one document. Prints one line each: `plugin.yaml:12:5: FIELD: expected …, found …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// The document's name.
    pub file: String,
    /// In the order of the text; never empty.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&self.file)?;
            if let Some(Position { line, column }) = problem.position {
                write!(f, ":{line}:{column}")?;
            }
            write!(f, ": {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// A value as a sentence shows it: short ones as they are, long ones by their kind.
pub(crate) fn show(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(list) if list.is_empty() => "an empty list".to_owned(),
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Object(map) if map.is_empty() => "an empty object".to_owned(),
        Value::Object(map) => {
            let names: Vec<_> = map.keys().take(3).map(|name| cut(name, 30)).collect();
            format!(
                "an object (`{}`{})",
                names.join("`, `"),
                if map.len() > 3 { ", …" } else { "" }
            )
        }
        Value::String(text) if text.is_empty() => "an empty text".to_owned(),
        Value::String(text) => format!("`{}`", cut(&text.escape_debug().to_string(), 80)),
        Value::Bool(_) | Value::Number(_) => format!("`{value}`"),
    }
}

/// `a`, `b` or `c`.
pub(crate) fn any_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}
