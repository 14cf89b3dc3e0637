//! What can go wrong, by what the caller can do about it.

use seawall_store::StoreError;

/// A result of the engine.
pub type Result<T, E = EngineError> = std::result::Result<T, E>;

/// One thing that is wrong with what was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// JSON pointer to the field (RFC 6901); empty for the whole.
    pub pointer: String,
    /// What is wrong and what to write instead.
    pub detail: String,
}

impl Problem {
    /// A problem at `pointer`.
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }
}

/// Why the engine did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Nothing has that name.
    #[error("{what} `{name}` does not exist{hint}")]
    NotFound {
        /// `integration`, `plugin`, …
        what: &'static str,
        /// What was asked for.
        name: String,
        /// What to do, with a leading `; `; may be empty.
        hint: String,
    },
    /// What was handed in is wrong.
    #[error("{}", list(.0))]
    Invalid(Vec<Problem>),
    /// What it was made from is no longer so.
    #[error("{0}")]
    Precondition(String),
    /// It cannot be done as things stand.
    #[error("{0}")]
    Conflict(String),
    /// The policy does not let this person do it.
    #[error("{0}")]
    Forbidden(String),
    /// The plugin or its tool failed.
    #[error("{0}")]
    Plugin(#[from] seawall_runtime::CallError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The host itself.
    #[error("{0}")]
    Internal(String),
}

impl EngineError {
    pub(crate) fn not_found(what: &'static str, name: impl ToString) -> Self {
        Self::NotFound {
            what,
            name: name.to_string(),
            hint: String::new(),
        }
    }

    pub(crate) fn not_found_but(what: &'static str, name: impl ToString, hint: impl Into<String>) -> Self {
        Self::NotFound {
            what,
            name: name.to_string(),
            hint: format!("; {}", hint.into()),
        }
    }

    pub(crate) fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem::at(pointer, detail)])
    }
}

fn list(problems: &[Problem]) -> String {
    let one = |p: &Problem| {
        if p.pointer.is_empty() {
            p.detail.clone()
        } else {
            format!("{}: {}", p.pointer, p.detail)
        }
    };
    problems.iter().map(one).collect::<Vec<_>>().join("; ")
}
