//! Why there is no checkout.

use crate::WireError;

/// What was in the way, by what helps against it. What was there before stays whatever it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// The server wants another credential.
    #[error("{0}")]
    Unauthorized(String),
    /// There is no such repository, branch or tag, or no commit in it.
    #[error("{0}")]
    NotFound(String),
    /// The server asks to wait so many milliseconds.
    #[error("the git server asks to wait {0} ms")]
    RateLimited(u32),
    /// It may be better the next time.
    #[error("{0}")]
    Unavailable(String),
    /// The host itself does not send it.
    #[error("{0}")]
    Refused(String),
    /// A bound that the operator sets.
    #[error(
        "{what} of {url} is over the limit `{limit}` of {bound}; raise it in the integration's `limits`, or make the repository smaller"
    )]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The repository.
        url: String,
        /// The limit's name.
        limit: &'static str,
        /// Its bound, with the unit.
        bound: String,
    },
    /// The repository, or the server, cannot be used.
    #[error("{0}")]
    Unusable(String),
    /// This machine's disk.
    #[error("the checkouts' folder: {0}")]
    Disk(String),
}

impl GitError {
    pub(crate) fn disk(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::Disk(format!("{}: {error}", path.display()))
    }

    /// What a request that got no answer comes to; `limits` are what may have been crossed.
    pub(crate) fn wire(error: WireError, url: &str, bounds: &crate::Bounds) -> Self {
        match error {
            WireError::Refused(why) => Self::Refused(why),
            WireError::Failed(why) => Self::Unavailable(format!("{url}: {why}")),
            WireError::TooLarge => bounds.pack(url),
            WireError::TooLate => bounds.late(url),
        }
    }
}
