//! What is wrong with a mapping.

use super::Spot;
use crate::{
    document::{Document, Position},
    text::cut,
};
use std::fmt;

/// One thing that is wrong with a mapping file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingError {
    /// Where in the file, as a JSON Pointer, such as `/resources/0/port/entity/mappings/title`.
    pub pointer: String,
    /// The kind of the resource, as far as known.
    pub kind: Option<String>,
    /// The field, such as `properties.tier` or `selector.query`.
    pub field: Option<String>,
    /// The expression, where one does not compile.
    pub expression: Option<String>,
    /// Where in the expression.
    pub at: Option<Spot>,
    /// What is wrong, and what to do.
    pub message: String,
    /// The file and the place in it, where it was read from text.
    pub place: Option<(String, Position)>,
}

impl MappingError {
    pub(super) fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            kind: None,
            field: None,
            expression: None,
            at: None,
            message: message.into(),
            place: None,
        }
    }

    pub(super) fn locate(&mut self, file: &str, document: &Document) {
        self.place = document
            .position(&self.pointer)
            .map(|position| (file.to_owned(), position));
    }
}

impl fmt::Display for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((file, Position { line, column })) = &self.place {
            write!(f, "{file}:{line}:{column}: ")?;
        }
        if let Some(kind) = &self.kind {
            write!(f, "kind `{kind}`, ")?;
        }
        match &self.field {
            Some(field) => write!(f, "field `{field}`: ")?,
            None if self.pointer.is_empty() => {}
            None => write!(f, "at {}: ", self.pointer)?,
        }
        f.write_str(&self.message)?;
        if let Some(Spot { line, column }) = self.at {
            write!(f, " at line {line}, column {column} of the expression")?;
        }
        if let Some(expression) = &self.expression {
            write!(f, ": `{}`", cut(expression, 200))?;
            write!(
                f,
                "; for example `{}`",
                example(self.field.as_deref().unwrap_or_default())
            )?;
        }
        Ok(())
    }
}

/// An expression that a field could have.
fn example(field: &str) -> &'static str {
    match field {
        "identifier" => ".id | tostring",
        "title" => ".name",
        "blueprint" => "\"service\"",
        "selector.query" => ".archived | not",
        "itemsToParse" => ".versions",
        _ if field.starts_with("relations") => ".owner.id",
        _ => ".metadata.labels.tier",
    }
}

impl std::error::Error for MappingError {}
