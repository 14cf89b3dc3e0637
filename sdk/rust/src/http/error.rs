//! Why there was no answer, or none of use.

use crate::failure::Failure;
use std::{fmt, time::Duration};

/// How long to wait where a tool asks to wait and does not say how long.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// Why a request failed. `request` is its method and address without the query.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are said above and in each variant")]
pub enum Error {
    /// It could not be sent as it was made.
    InvalidRequest { request: String, reason: String },
    /// The host refused it: it is not granted, or it leads to an address that no grant names.
    Denied { request: String, reason: String },
    /// No connection, or it broke off, or it took too long.
    Unreachable { request: String, reason: String },
    /// The answer went over a limit of the host.
    TooLarge { request: String, reason: String },
    /// The tool answered with a status that is no success. `begin` is how the body begins.
    Status {
        request: String,
        status: u16,
        retry_after: Option<Duration>,
        begin: String,
    },
    /// The body is not what was expected.
    Body {
        request: String,
        reason: String,
        begin: String,
    },
}

impl Error {
    /// The status, where the tool answered with one that is no success.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The failure that fits. `?` does the same.
    pub fn to_failure(&self) -> Failure {
        let text = self.to_string();
        match self {
            Self::InvalidRequest { .. } | Self::Denied { .. } | Self::TooLarge { .. } | Self::Body { .. } => {
                Failure::Failed(text)
            }
            Self::Unreachable { .. } => Failure::Unavailable(text),
            Self::Status {
                status: 429,
                retry_after,
                ..
            } => Failure::RateLimited(retry_after.unwrap_or(RETRY_AFTER)),
            // Some tools answer 403 to one that asks too often, and 503 while they restart.
            Self::Status {
                status: 403 | 503,
                retry_after: Some(wait),
                ..
            } => Failure::RateLimited(*wait),
            Self::Status { status: 401 | 403, .. } => Failure::Unauthorized(text),
            Self::Status { status: 404 | 410, .. } => Failure::NotFound(text),
            Self::Status {
                status: 408 | 500.., ..
            } => Failure::Unavailable(text),
            Self::Status { .. } => Failure::Failed(text),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidRequest { request, reason } => write!(f, "{request} cannot be sent: {reason}"),
            Self::Denied { request, reason } => write!(
                f,
                "the host refused {request} ({reason}): the manifest has to ask for it under `capabilities.network` \
                 and the grant has to allow it; the log names the nearest rule"
            ),
            Self::Unreachable { request, reason } => write!(f, "{request} got no answer: {reason}"),
            Self::TooLarge { request, reason } => write!(f, "{request} was cut off: {reason}"),
            Self::Status {
                request, status, begin, ..
            } if begin.is_empty() => write!(f, "{request} answered {status}"),
            Self::Status {
                request, status, begin, ..
            } => write!(f, "{request} answered {status}: {begin}"),
            Self::Body { request, reason, begin } if begin.is_empty() => {
                write!(
                    f,
                    "{request} answered no JSON of the expected shape ({reason}); it is empty"
                )
            }
            Self::Body { request, reason, begin } => {
                write!(
                    f,
                    "{request} answered no JSON of the expected shape ({reason}); it begins with: {begin}"
                )
            }
        }
    }
}

impl std::error::Error for Error {}
