//! What is wrong with a question.

use std::fmt;

/// Where it is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// JSON pointer into the rules (RFC 6901).
    Pointer(String),
    /// Line and column of a filter, both from 1; columns are characters.
    Text {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
}

/// A question that cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}{detail}")]
pub struct QueryError {
    /// Where.
    pub at: At,
    /// What is wrong and what to write instead.
    pub detail: String,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pointer(pointer) if pointer.is_empty() => Ok(()),
            Self::Pointer(pointer) => write!(f, "{pointer}: "),
            Self::Text { line: 1, column } => write!(f, "column {column}: "),
            Self::Text { line, column } => write!(f, "line {line}, column {column}: "),
        }
    }
}

impl QueryError {
    /// One at a place.
    pub fn new(at: At, detail: impl Into<String>) -> Self {
        Self {
            at,
            detail: detail.into(),
        }
    }
}

/// ` (did you mean `x`?)`, or `; there are: …`, for names.
pub(super) fn or_nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = crate::text::nearest(given, known.clone()) {
        return format!("; did you mean `{near}`?");
    }
    let all: Vec<&str> = known.into_iter().take(30).collect();
    if all.is_empty() {
        String::new()
    } else {
        format!("; there are: {}", all.join(", "))
    }
}
