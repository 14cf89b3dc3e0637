//! What the guest gets: a tool's answer without what is the host's, or one of the host's own.

use super::{
    Bounds, Door, Stopped,
    body::Metered,
    bounds, bucket, cache, decode,
    record::Open,
    redact,
    tape::{Taking, Transport},
};
use crate::credential::{Live, Unminted};
use bytes::Bytes;
use http::{Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use seawall_domain::{CredentialName, egress::attach::kept_from_guest};
use std::sync::Arc;
use wasmtime_wasi_http::Error;

impl Door {
    /// Says in `Retry-After` what a tool says of its quota in headers of its own, so that a plugin in any language waits instead of
    /// taking it for a refused credential.
    pub(super) fn spell_out(&self, parts: &mut http::response::Parts, open: &mut Open) {
        let now = self.moment().unwrap_or_else(|| (self.config.now)());
        if let Some(seconds) = bucket::unsaid(parts.status, &parts.headers, now) {
            parts.headers.insert(header::RETRY_AFTER, seconds.into());
            open.note(&format!(
                "the tool's quota is used up; it wants to be left alone for {seconds} s"
            ));
        }
    }

    /// A tool's answer as the guest gets it.
    pub(super) fn answer(
        &self,
        response: Response<hyper::body::Incoming>,
        (asked, mut taking): (cache::Asked, Option<Taking>),
        live: Option<&Live>,
        bounds: &Arc<Bounds>,
        place: bounds::Place,
        open: &mut Open,
    ) -> Result<(Response<()>, Metered), Stopped> {
        let mut redactor = live.map(Live::redactor).unwrap_or_default();
        if let Transport::Recording(recorder) = &self.transport {
            redactor = recorder.count(redactor);
        }
        let (mut parts, body) = response.into_parts();
        if parts.status == StatusCode::NOT_MODIFIED
            && let Some((headers, kept)) = asked.kept()
        {
            open.note("unchanged: answered from the cache");
            open.unchanged();
            parts.status = StatusCode::OK;
            parts.headers = headers;
            let metered = Metered::new(Full::new(kept).map_err(|never| match never {}), bounds, place, redactor);
            return Ok((Response::from_parts(parts, ()), metered));
        }
        let mut body = body.map_err(Error::Hyper).boxed_unsync();
        if live.is_some() {
            let session: Vec<_> = parts
                .headers
                .keys()
                .filter(|name| kept_from_guest(name.as_str()))
                .cloned()
                .collect();
            for name in session {
                parts.headers.remove(name);
            }
        }
        if live.is_some() || taking.is_some() {
            body = decode::plain(&mut parts.headers, body).map_err(|encoding| {
                let why = format!(
                    "the tool answered in the encoding `{encoding}` although it was asked for none, so the host could not cut an \
                     echo of the credential out of it"
                );
                Stopped::failed(why, Error::HttpResponseContentCoding(Some(encoding)))
            })?;
        }
        for value in parts.headers.values_mut() {
            redactor.header(value);
        }
        let keep = self.cache.keep(asked, &parts);
        if let Some(taking) = &mut taking {
            taking.answered(parts.status, &parts.headers);
        }
        let metered = Metered::new(body, bounds, place, redactor).keeping(keep).taped(taking);
        Ok((Response::from_parts(parts, ()), metered))
    }
}

/// Where there is nothing to attach, the guest gets an answer that its plugin understands in every language: 401, which stops the
/// integration until somebody mends the credential, or 503, which is tried again.
pub(super) fn unminted_answer(
    name: &CredentialName,
    unminted: &Unminted,
    bounds: &Arc<Bounds>,
    place: bounds::Place,
    open: &mut Open,
) -> Result<(Response<()>, Metered), Stopped> {
    let status = match unminted.refused {
        true => StatusCode::UNAUTHORIZED,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let words = format!("answered by the host: there is nothing to attach for the credential `{name}`: {unminted}");
    open.note(&words);
    let response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
        .body(())
        .map_err(|e| Stopped::failed(e.to_string(), Error::InternalError(None)))?;
    let body = Full::new(Bytes::from(words)).map_err(|never| match never {});
    Ok((response, Metered::new(body, bounds, place, redact::Redactor::default())))
}

/// The host's own answer where a credential's rate is used up.
pub(super) fn too_many(seconds: u64) -> Result<Response<()>, Stopped> {
    Response::builder()
        .status(StatusCode::TOO_MANY_REQUESTS)
        .header(header::RETRY_AFTER, seconds)
        .body(())
        .map_err(|e| Stopped::failed(e.to_string(), Error::InternalError(None)))
}
