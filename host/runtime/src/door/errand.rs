//! What the host itself sends for an integration: a plugin's request in all but who asks. It is judged, resolved, counted and
//! recorded as that is, and the credential is attached on its way out.

use super::{Bounds, Door};
use crate::log::Lines;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use seawall_domain::limits::Limits;
use std::sync::Arc;
use wasmtime_wasi_http::{RequestOptions, WasiBody};

/// Requests that belong together, under one set of bounds.
pub struct Errand {
    door: Arc<Door>,
    bounds: Arc<Bounds>,
    lines: Arc<Lines>,
}

/// Why a request got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ErrandError {
    /// The door did not let it through. Asking again would not help.
    #[error("the host refused a request: {0}")]
    Refused(String),
    /// The tool could not be reached, or broke off.
    #[error("{0}")]
    Failed(String),
    /// It went over one of the bounds, by its name in [`Limits`].
    #[error("it went over the limit `{0}`")]
    Crossed(&'static str),
}

/// What the tool says.
pub struct ErrandAnswer {
    /// Its status.
    pub status: u16,
    headers: HeaderMap,
    body: WasiBody,
    bounds: Arc<Bounds>,
}

impl Door {
    /// Begins an errand. `timeout_ms` of `limits` counts from now.
    pub fn errand(self: &Arc<Self>, limits: &Limits) -> Errand {
        Errand {
            door: self.clone(),
            bounds: Arc::new(Bounds::new(limits)),
            lines: Lines::new(Arc::new(|_| {}), limits.log_lines),
        }
    }
}

impl Errand {
    /// Sends one request.
    ///
    /// # Errors
    /// [`ErrandError`].
    pub async fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<ErrandAnswer, ErrandError> {
        let request = request(method, url, headers, body).map_err(ErrandError::Refused)?;
        let sent = self
            .door
            .attempt(request, RequestOptions::default(), &self.bounds, &self.lines)
            .await;
        let response = sent.map_err(|stopped| match self.bounds.crossed() {
            Some(limit) => ErrandError::Crossed(limit),
            None if stopped.refused => ErrandError::Refused(stopped.reason),
            None => ErrandError::Failed(stopped.reason),
        })?;
        let (parts, body) = response.into_parts();
        Ok(ErrandAnswer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
            bounds: self.bounds.clone(),
        })
    }
}

impl ErrandAnswer {
    /// A header of the answer, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The next piece of the body; none at its end.
    ///
    /// # Errors
    /// [`ErrandError`] where it breaks off or goes over a bound.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, ErrandError> {
        loop {
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => {
                    return Err(match self.bounds.crossed() {
                        Some(limit) => ErrandError::Crossed(limit),
                        None => ErrandError::Failed(format!("the answer broke off: {error}")),
                    });
                }
                // Trailers say nothing here.
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }
}

fn request(method: &str, url: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Result<Request<WasiBody>, String> {
    let body = Full::new(Bytes::from(body))
        .map_err(|never| match never {})
        .boxed_unsync();
    let mut request = Request::new(body);
    *request.method_mut() = Method::from_bytes(method.as_bytes()).map_err(|e| format!("the method `{method}`: {e}"))?;
    *request.uri_mut() = url.parse::<Uri>().map_err(|e| format!("the address `{url}`: {e}"))?;
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|e| format!("the header `{name}`: {e}"))?;
        let value = HeaderValue::from_str(value).map_err(|e| format!("the header `{name}`: {e}"))?;
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}
