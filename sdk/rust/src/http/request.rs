//! What is sent.

use super::{Error, Response, url};
use serde::Serialize;
use std::{fmt, time::Duration};

/// The longest wait for a connection, for the first byte, and between two, unless the request says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "RFC 9110 says what they are")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

impl Method {
    /// The method as it is sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request in the making.
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) timeout: Duration,
    /// What went wrong while it was made; `send` answers it.
    pub(super) broken: Option<String>,
}

impl Request {
    pub(super) fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: Vec::new(),
            body: None,
            timeout: TIMEOUT,
            broken: None,
        }
    }

    /// Adds a header. A header of the credential's own name is dropped by the host.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.as_ref().to_vec()));
        self
    }

    /// Adds a query parameter; name and value are encoded.
    pub fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        let separator = if self.url.contains('?') { '&' } else { '?' };
        self.url.push(separator);
        self.url.push_str(&url::encode(name));
        self.url.push('=');
        self.url.push_str(&url::encode(&value.to_string()));
        self
    }

    /// Sends this value as JSON.
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.body("application/json", body),
            Err(error) => Self {
                broken: Some(format!("its body cannot be written as JSON: {error}")),
                ..self
            },
        }
    }

    /// Sends these bytes.
    pub fn body(mut self, content_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Some(bytes.into());
        self.header("content-type", content_type)
    }

    /// The longest wait for a connection, for the first byte, and between two. 30 seconds where nothing is said; the
    /// host's own limits hold beside it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends it and waits for the answer, whatever its status. Redirects are answers too: each hop is a request of its
    /// own, since each has to be granted.
    pub fn send(mut self) -> Result<Response, Error> {
        for (name, value) in [
            ("accept", "application/json, */*;q=0.5"),
            ("user-agent", "seawall-plugin"),
        ] {
            if !self.headers.iter().any(|(n, _)| n == name) {
                self.headers.push((name.to_owned(), value.as_bytes().to_vec()));
            }
        }
        if let Some(body) = &self.body {
            let length = body.len().to_string().into_bytes();
            self.headers.push(("content-length".to_owned(), length));
        }
        let invalid = |reason: String| Error::InvalidRequest {
            request: self.name(),
            reason,
        };
        if let Some(reason) = &self.broken {
            return Err(invalid(reason.clone()));
        }
        let parts = url::split(&self.url).map_err(|reason| invalid(reason.to_owned()))?;
        self.transmit(&parts)
    }

    /// Method and address without the query, which may be long: what errors call the request.
    pub(super) fn name(&self) -> String {
        let address = self.url.split(['?', '#']).next().unwrap_or(&self.url);
        format!("{} {address}", self.method)
    }

    #[cfg(target_arch = "wasm32")]
    fn transmit(&self, parts: &url::Parts<'_>) -> Result<Response, Error> {
        super::sandbox::send(self, parts)
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn transmit(&self, parts: &url::Parts<'_>) -> Result<Response, Error> {
        let scheme = if parts.https { "https" } else { "http" };
        Err(Error::Unreachable {
            request: self.name(),
            reason: format!(
                "native tests send nothing ({scheme}, {}, {})",
                parts.authority, parts.path
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{get, post};

    #[test]
    fn query_parameters_are_encoded_and_chained() {
        let request = get("http://x/a").query("q", "a b").query("page", 2);
        assert_eq!(request.url, "http://x/a?q=a%20b&page=2");
        assert_eq!(request.name(), "GET http://x/a");
    }

    #[test]
    fn a_wrong_address_is_named() {
        let error = post("x/a").json(&1).send().map(|r| r.status());
        let expected = "POST x/a cannot be sent: it does not begin with http:// or https://";
        assert_eq!(error.map_err(|e| e.to_string()), Err(expected.to_owned()));
    }
}
