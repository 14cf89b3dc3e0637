//! Requests that did not come back with a response.

use super::{bounds, client::Refused};
use wasmtime_wasi_http::Error;

/// Stands for the command that grants anew, where the plugin's name is not at hand. An approval replaces the grant before it.
pub(super) const TERMS: &str = "(terms)";

/// Why a request did not come back with a response.
pub(crate) struct Stopped {
    /// Whether the door was against it; otherwise it failed.
    pub(super) refused: bool,
    /// Whether it had been let through before: the tool may have it, and the record says so.
    pub(super) under_way: bool,
    /// In words.
    pub(super) reason: String,
    /// The manifest's lines that would allow it.
    pub(super) suggestion: Option<String>,
    /// What the guest is told.
    pub(super) error: Error,
}

impl Stopped {
    pub(super) fn refused(reason: impl Into<String>, suggestion: Option<String>) -> Self {
        Self {
            refused: true,
            under_way: false,
            reason: reason.into(),
            suggestion,
            error: Error::HttpRequestDenied,
        }
    }

    /// The same for one that was let through before.
    pub(super) fn under_way(self) -> Self {
        Self {
            under_way: true,
            reason: format!("{}, while the request was under way", self.reason),
            ..self
        }
    }

    pub(super) fn failed(reason: impl Into<String>, error: Error) -> Self {
        Self {
            refused: false,
            under_way: false,
            reason: reason.into(),
            suggestion: None,
            error,
        }
    }

    pub(super) fn config(reason: String) -> Self {
        Self {
            refused: true,
            under_way: false,
            reason,
            suggestion: None,
            error: Error::ConfigurationError,
        }
    }

    pub(super) fn limit(limit: &'static str) -> Self {
        Self::from(bounds::Crossed(limit))
    }

    pub(super) fn line(&self) -> Option<String> {
        let what = match (self.refused, self.under_way) {
            (true, false) => "the host refused a request",
            (true, true) => "the host ended a request",
            (false, _) => "a request failed",
        };
        let hint = self
            .suggestion
            .as_ref()
            .map(|s| format!("; the manifest would need: {s}"))
            .unwrap_or_default();
        Some(format!("{what}: {}{hint}", self.reason))
    }
}

impl From<bounds::Crossed> for Stopped {
    fn from(crossed: bounds::Crossed) -> Self {
        Self::failed(
            format!("the call went over its limit `{}`", crossed.0),
            Error::ConnectionLimitReached,
        )
    }
}

impl From<Refused> for Stopped {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Address { host, closed } => Self {
                refused: true,
                under_way: false,
                suggestion: None,
                reason: match closed.openable {
                    true => format!(
                        "{host} resolves to {}; the grant may name its range: {TERMS} `--private RANGE` (in `plugin dev`: --allow-private RANGE)",
                        closed.reason
                    ),
                    false => format!("{host} resolves to {}", closed.reason),
                },
                error: Error::DestinationIpProhibited,
            },
            Refused::Dns(detail) => Self::failed(
                format!("the name does not resolve: {detail}"),
                Error::DnsError {
                    rcode: Some(detail),
                    info_code: None,
                },
            ),
            Refused::Connect(detail) => Self::failed(format!("no connection: {detail}"), Error::ConnectionRefused),
            Refused::Tls(detail) => Self::failed(format!("TLS: {detail}"), Error::TlsCertificateError),
            Refused::Body(error) => {
                Self::failed(format!("the request's body: {error}"), Error::HttpRequestBodySize(None))
            }
            Refused::Http(error) => Self::failed(format!("HTTP: {error}"), Error::HttpProtocolError),
        }
    }
}
