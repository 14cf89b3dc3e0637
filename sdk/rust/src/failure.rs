//! Why a call could not be served, by what the host does next.

use crate::{bindings::types, http};
use std::{error::Error, fmt, time::Duration};

/// What every fallible function of a plugin answers.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a call could not be served. Any error becomes one with `?`: HTTP errors the one that fits their status, all
/// others [`Failure::Failed`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The operator must change the configuration. Not retried.
    InvalidConfig(String),
    /// The tool refused the credential. Not retried until it is replaced.
    Unauthorized(String),
    /// What the call names does not exist. Not retried.
    NotFound(String),
    /// Retried after this time (up to 49 days); no progress is lost.
    RateLimited(Duration),
    /// The tool no longer knows this cursor. The next pass starts without one.
    CursorExpired,
    /// The tool is failing. Retried with backoff.
    Unavailable(String),
    /// Anything else. Not retried.
    Failed(String),
}

impl Failure {
    /// [`Failure::Failed`] with this text.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    /// [`Failure::InvalidConfig`] with this text: say which field, what was expected, and an example.
    pub fn invalid_config(message: impl Into<String>) -> Self {
        Self::InvalidConfig(message.into())
    }

    /// The same failure with words before its own, where it has any.
    pub fn context(self, what: impl fmt::Display) -> Self {
        match self {
            Self::InvalidConfig(m) => Self::InvalidConfig(format!("{what}: {m}")),
            Self::Unauthorized(m) => Self::Unauthorized(format!("{what}: {m}")),
            Self::NotFound(m) => Self::NotFound(format!("{what}: {m}")),
            Self::Unavailable(m) => Self::Unavailable(format!("{what}: {m}")),
            Self::Failed(m) => Self::Failed(format!("{what}: {m}")),
            Self::RateLimited(_) | Self::CursorExpired => self,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidConfig(m) => write!(f, "the configuration is wrong: {m}"),
            Self::Unauthorized(m) => write!(f, "the tool refused the credential: {m}"),
            Self::NotFound(m) => write!(f, "not found: {m}"),
            Self::RateLimited(wait) => write!(f, "the tool asks to wait {} ms", wait.as_millis()),
            Self::CursorExpired => f.write_str("the tool no longer knows the cursor"),
            Self::Unavailable(m) => write!(f, "the tool is unavailable: {m}"),
            Self::Failed(m) => f.write_str(m),
        }
    }
}

// Failure itself is no `std::error::Error`, so that this can stand for all that are.
impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        if let Some(error) = (&error as &dyn std::any::Any).downcast_ref::<http::Error>() {
            return error.to_failure();
        }
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        Self::Failed(text)
    }
}

/// Words for what was being done, put before an error's own.
pub trait Context<T> {
    /// Adds them: `read(path).context("the index")?`.
    fn context(self, what: impl fmt::Display) -> Result<T>;
}

impl<T, E: Into<Failure>> Context<T> for std::result::Result<T, E> {
    fn context(self, what: impl fmt::Display) -> Result<T> {
        self.map_err(|e| e.into().context(what))
    }
}

impl From<Failure> for types::Failure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::InvalidConfig(m) => Self::InvalidConfig(m),
            Failure::Unauthorized(m) => Self::Unauthorized(m),
            Failure::NotFound(m) => Self::NotFound(m),
            Failure::RateLimited(wait) => Self::RateLimited(u32::try_from(wait.as_millis()).unwrap_or(u32::MAX)),
            Failure::CursorExpired => Self::CursorExpired,
            Failure::Unavailable(m) => Self::Unavailable(m),
            Failure::Failed(m) => Self::Failed(m),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn any_error_becomes_a_failure_with_its_causes() {
        let error = u8::try_from(300_u16).unwrap_err();
        assert_eq!(Failure::from(error), Failure::failed(error.to_string()));
    }

    #[test]
    fn context_stands_before_the_words_and_leaves_the_kind() {
        let result: Result<()> = Err(Failure::NotFound("x".into())).context("project 7");
        assert_eq!(result, Err(Failure::NotFound("project 7: x".into())));
        assert_eq!(Failure::CursorExpired.context("y"), Failure::CursorExpired);
    }
}
