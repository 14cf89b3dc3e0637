//! Why a plugin's call could not be served: the WIT's `failure`, by what the host does next.

use serde::{Deserialize, Serialize};

/// A plugin's own account of a call that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "type", content = "detail", rename_all = "kebab-case")]
pub enum Failure {
    /// The operator must change the configuration. Not retried.
    #[error("the configuration is wrong: {0}")]
    InvalidConfig(String),
    /// The tool refused the credential. Not retried until it is replaced.
    #[error("the tool refused the credential: {0}")]
    Unauthorized(String),
    /// What the call names does not exist. Not retried.
    #[error("not found: {0}")]
    NotFound(String),
    /// Retried after this many milliseconds.
    #[error("the tool asks to wait {0} ms")]
    RateLimited(u32),
    /// The tool no longer knows the cursor. The next pass starts without one.
    #[error("the tool no longer knows the cursor")]
    CursorExpired,
    /// The tool is failing. Retried with backoff.
    #[error("the tool is unavailable: {0}")]
    Unavailable(String),
    /// Anything else. Not retried.
    #[error("{0}")]
    Failed(String),
}
