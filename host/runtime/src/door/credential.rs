//! Attaches a credential to a request. Its secret never enters the guest.

use super::{
    bounds::{Bounds, CountedBody},
    redact::Redactor,
};
use crate::credential::{Live, Minter, Signer, Unminted, Use, sign};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, header, request::Parts};
use http_body_util::{BodyExt, Full};
use seawall_domain::manifest::Attach;
use std::{sync::Arc, time::SystemTime};

/// A secret and how it is attached. Never printed.
#[derive(Clone)]
pub struct Secret {
    attach: Attach,
    minter: Arc<Minter>,
}

impl Secret {
    /// A secret that is attached in this way. For `Basic` the value is `user:password`.
    pub fn new(attach: Attach, value: String) -> Self {
        Self::minted(attach, Minter::fixed(value))
    }

    /// What `minter` makes, attached in this way where it is a text.
    pub fn minted(attach: Attach, minter: Arc<Minter>) -> Self {
        Self { attach, minter }
    }

    /// Finds what is at hand of it now.
    pub(super) fn redactor(&self) -> Redactor {
        self.minter.peek().map(|live| live.redactor()).unwrap_or_default()
    }

    /// How it is attached.
    pub(super) fn attach_as(&self) -> &Attach {
        &self.attach
    }

    /// What to attach now.
    pub(super) async fn live(&self) -> Result<Live, Unminted> {
        self.minter.current().await
    }

    /// What to attach after the tool refused this, if the secret has been rotated.
    pub(super) async fn instead_of(&self, refused: &Live) -> Option<Live> {
        self.minter.instead_of(refused).await
    }

    /// Attaches it to a request whose address is set, and drops the guest's own header or parameter of that name. A request
    /// that is signed is read whole first.
    pub(super) async fn attach(
        &self,
        live: &Live,
        mut parts: Parts,
        body: CountedBody,
        bounds: &Arc<Bounds>,
    ) -> Result<Request<CountedBody>, String> {
        match live.used() {
            Use::Text(value) => {
                let path = parts.uri.path_and_query().map_or("/", |p| p.as_str());
                let path = self.attach_text(value, &mut parts.headers, path)?;
                if let Some(path) = path {
                    let mut uri = std::mem::take(&mut parts.uri).into_parts();
                    uri.path_and_query = Some(path.parse().map_err(|e| format!("the credential in the query: {e}"))?);
                    parts.uri = http::Uri::from_parts(uri).map_err(|e| e.to_string())?;
                }
                Ok(Request::from_parts(parts, body))
            }
            Use::Certificate(_) => Ok(Request::from_parts(parts, body)),
            Use::SigV4 {
                access_key_id,
                secret,
                session_token,
                region,
                service,
            } => {
                let whole = body
                    .collect()
                    .await
                    .map_err(|e| format!("the body cannot be read: {e}"))?;
                let whole: Bytes = whole.to_bytes();
                let signer = Signer {
                    access_key_id,
                    secret,
                    session_token: session_token.as_deref(),
                    region: region.as_deref(),
                    service: service.as_deref(),
                };
                sign(
                    &signer,
                    parts.method.as_str(),
                    &parts.uri,
                    &mut parts.headers,
                    &whole,
                    SystemTime::now(),
                )?;
                let body = Full::new(whole).map_err(|never| match never {}).boxed_unsync();
                Ok(Request::from_parts(parts, bounds.outgoing(body)))
            }
        }
    }

    /// The path to send, where it changes.
    fn attach_text(&self, value: &str, headers: &mut HeaderMap, path: &str) -> Result<Option<String>, String> {
        let (name, value) = match &self.attach {
            Attach::Bearer => (header::AUTHORIZATION, format!("Bearer {value}")),
            Attach::Basic => (header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(value))),
            Attach::Header { name, prefix } => {
                let name = HeaderName::try_from(name.as_str()).map_err(|e| format!("the header `{name}`: {e}"))?;
                (name, format!("{prefix}{value}"))
            }
            Attach::Query { name } => return Ok(Some(with_parameter(path, name, value))),
        };
        let mut value = HeaderValue::try_from(value).map_err(
            |_| "the credential's secret has characters that no header may have; is there a line break in it?",
        )?;
        value.set_sensitive(true);
        headers.remove(&name);
        headers.insert(name, value);
        Ok(None)
    }
}

fn with_parameter(path: &str, name: &str, value: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    out.extend_pairs(url::form_urlencoded::parse(query.as_bytes()).filter(|(k, _)| k != name));
    out.append_pair(name, value);
    format!("{path}?{}", out.finish())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn replaces_the_guests_own_header_and_parameter() {
        let mut headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static("Bearer mine"))]);
        let bearer = Secret::new(Attach::Bearer, "-".into());
        bearer.attach_text("s3cret-value", &mut headers, "/a").unwrap();
        assert_eq!(
            headers.get_all(header::AUTHORIZATION).iter().collect::<Vec<_>>(),
            ["Bearer s3cret-value"]
        );
        let query = Secret::new(Attach::Query { name: "key".into() }, "-".into());
        assert_eq!(
            query
                .attach_text("a&b", &mut headers, "/a?key=mine&x=1")
                .unwrap()
                .unwrap(),
            "/a?x=1&key=a%26b"
        );
    }

    #[test]
    fn says_why_a_secret_cannot_be_a_header() {
        let bearer = Secret::new(Attach::Bearer, "-".into());
        let refused = bearer
            .attach_text("line\nbreak", &mut HeaderMap::new(), "/")
            .unwrap_err();
        assert!(refused.contains("line break"));
    }
}
