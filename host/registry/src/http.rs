//! Requests and answers, bounded in time and size. Plain HTTP is spoken with this machine alone, redirects included.

use crate::{RegistryError, Result, reference::is_loopback, transfer::Progress};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::{
        legacy::{
            self,
            connect::{Connection, HttpConnector, proxy::Tunnel},
        },
        proxy::matcher::Matcher,
    },
    rt::TokioExecutor,
};
use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};
use url::Url;

/// How often a redirect is followed.
const MAX_REDIRECTS: usize = 5;
/// The longest that a registry is waited for when it asks for it.
const MAX_WAIT: Duration = Duration::from_secs(20);
/// How often a request is sent again after such a wait.
const MAX_RETRIES: usize = 3;
/// The least bytes a second that an answer may come with, once its first seconds of silence are over.
const SLOWEST: u64 = 1 << 10;
/// Bodies are sent in pieces of this size, so that there is progress to show.
const PIECE: usize = 64 << 10;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What is sent; it can be sent again.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) progress: Progress,
}

impl Outgoing {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            progress: Progress::none(),
        }
    }

    pub(crate) fn header(mut self, name: header::HeaderName, value: &'static str) -> Self {
        self.headers.insert(name, header::HeaderValue::from_static(value));
        self
    }

    fn request(&self) -> Result<Request<Body>> {
        let has_body = matches!(self.method, Method::PUT | Method::POST | Method::PATCH);
        let body = if self.body.is_empty() {
            Full::new(Bytes::new()).boxed_unsync()
        } else {
            let (whole, progress) = (self.body.clone(), self.progress.clone());
            let pieces = (0..whole.len()).step_by(PIECE).map(move |at| {
                let end = (at + PIECE).min(whole.len());
                progress.at(end as u64);
                Ok(Frame::data(whole.slice(at..end)))
            });
            StreamBody::new(futures::stream::iter(pieces)).boxed_unsync()
        };
        let mut request = Request::builder().method(self.method.clone()).uri(self.url.as_str());
        if has_body {
            request = request.header(header::CONTENT_LENGTH, self.body.len());
        }
        let mut request = request
            .body(body)
            .map_err(|e| garbage(&self.url, format!("a URL that is none: {e}")))?;
        request.headers_mut().extend(self.headers.clone());
        Ok(request)
    }
}

type Client<C> = legacy::Client<HttpsConnector<C>, Body>;

/// A client for one registry and where it leads.
pub(crate) struct Http {
    direct: Client<HttpConnector>,
    /// What the environment says of proxies (HTTPS_PROXY, NO_PROXY, …).
    proxies: Matcher,
    silence: Duration,
}

impl Http {
    /// `silence` is the longest that nothing may come before it is given up.
    pub(crate) fn new(silence: Duration) -> Self {
        Self {
            direct: client(connector(silence)),
            proxies: Matcher::from_env(),
            silence,
        }
    }

    /// Plain HTTP goes to this machine alone, and so past every proxy.
    async fn request(&self, request: Request<Body>) -> Result<Response<Incoming>, legacy::Error> {
        let through = (request.uri().scheme_str() == Some("https")).then(|| self.proxies.intercept(request.uri()));
        let Some(proxy) = through.flatten() else {
            return self.direct.request(request).await;
        };
        let mut tunnel = Tunnel::new(proxy.uri().clone(), connector(self.silence));
        if let Some(auth) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(auth.clone());
        }
        client(tunnel).request(request).await
    }

    /// Sends a request, waits where it is asked to, and follows redirects of GET and HEAD. The authorization goes no further
    /// than the host it is meant for.
    pub(crate) async fn send(&self, mut outgoing: Outgoing) -> Result<Answer> {
        let (mut redirects, mut retries) = (0, 0);
        loop {
            allowed(&outgoing.url)?;
            let response = self.once(&outgoing).await?;
            let status = response.status();
            if matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
                && matches!(outgoing.method, Method::GET | Method::HEAD)
            {
                redirects += 1;
                if redirects > MAX_REDIRECTS {
                    return Err(garbage(
                        &outgoing.url,
                        format!("with more than {MAX_REDIRECTS} redirects"),
                    ));
                }
                let to = location(&outgoing.url, response.headers())?;
                if to.scheme() == "http" && outgoing.url.scheme() == "https" {
                    return Err(garbage(
                        &outgoing.url,
                        format!("with a redirect to {to}, away from TLS"),
                    ));
                }
                if to.origin() != outgoing.url.origin() {
                    outgoing.headers.remove(header::AUTHORIZATION);
                }
                outgoing.url = to;
                continue;
            }
            if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
                let seconds = retry_after(response.headers());
                let wait = seconds.map(Duration::from_secs).filter(|wait| *wait <= MAX_WAIT);
                match wait {
                    Some(wait) if retries < MAX_RETRIES => {
                        retries += 1;
                        tokio::time::sleep(wait).await;
                        continue;
                    }
                    _ if status == StatusCode::TOO_MANY_REQUESTS => {
                        let registry = authority(&outgoing.url);
                        return Err(RegistryError::TooMany { registry, seconds });
                    }
                    _ => {}
                }
            }
            return Ok(Answer {
                response,
                url: outgoing.url,
                silence: self.silence,
            });
        }
    }

    async fn once(&self, outgoing: &Outgoing) -> Result<Response<Incoming>> {
        let mut request = outgoing.request()?;
        let agent = header::HeaderValue::from_static(concat!("seawall/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(header::USER_AGENT, agent);
        // Sending counts: a slow line takes its time for a large body, and says nothing before the end.
        let silence = self.silence + Duration::from_secs(outgoing.body.len() as u64 / (64 << 10));
        let unreachable = |why: String| RegistryError::Unreachable {
            registry: authority(&outgoing.url),
            why,
        };
        match tokio::time::timeout(silence, self.request(request)).await {
            Err(_) => Err(unreachable(format!(
                "nothing came within {} seconds",
                silence.as_secs()
            ))),
            Ok(Err(error)) if error.is_connect() => Err(unreachable(innermost(&error))),
            Ok(Err(error)) => Err(garbage(&outgoing.url, format!("no HTTP ({})", innermost(&error)))),
            Ok(Ok(response)) => Ok(response),
        }
    }
}

fn connector(silence: Duration) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(silence.min(Duration::from_secs(10))));
    connector.set_nodelay(true);
    connector
}

/// A company's own authorities are in the system's store, or in the file that SSL_CERT_FILE names.
fn client<C>(connector: C) -> Client<C>
where
    C: tower_service::Service<http::Uri> + Clone + Send + Sync + 'static,
    C::Response: Connection + hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let trusting =
        || rustls::ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let tls = trusting().ok().and_then(|config| config.with_native_roots().ok());
    let tls = tls.or_else(|| Some(trusting().ok()?.with_webpki_roots()));
    let builder = match tls {
        Some(tls) => HttpsConnectorBuilder::new().with_tls_config(tls.with_no_client_auth()),
        // ring has all versions of TLS: this is not reached, and hyper's own defaults are as good.
        None => HttpsConnectorBuilder::new().with_webpki_roots(),
    };
    let connector = builder.https_or_http().enable_all_versions().wrap_connector(connector);
    legacy::Client::builder(TokioExecutor::new()).build(connector)
}

/// What came back, of which the head is known.
pub(crate) struct Answer {
    response: Response<Incoming>,
    /// Where it came from in the end.
    pub(crate) url: Url,
    silence: Duration,
}

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// A header as text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// The whole body, of at most `most` bytes.
    pub(crate) async fn bytes(self, most: usize, progress: &Progress) -> Result<Bytes> {
        let (url, silence) = (self.url, self.silence);
        let expected = self
            .response
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        let mut body = self.response.into_body();
        let mut all = BytesMut::new();
        let began = Instant::now();
        loop {
            // Drops that come just often enough to be no silence would keep us for days.
            let earned = Duration::from_secs(all.len() as u64 / SLOWEST);
            let patience = (silence + earned).saturating_sub(began.elapsed()).min(silence);
            let frame = tokio::time::timeout(patience, body.frame()).await;
            let frame = frame.map_err(|_| RegistryError::Unreachable {
                registry: authority(&url),
                why: format!(
                    "{} bytes came in {} seconds, and then too little",
                    all.len(),
                    began.elapsed().as_secs()
                ),
            })?;
            match frame {
                None => return Ok(all.freeze()),
                Some(Err(error)) => {
                    let of = expected.map(|n| format!(" of {n}")).unwrap_or_default();
                    let why = format!("the answer ended after {}{of} bytes ({})", all.len(), innermost(&error));
                    let registry = authority(&url);
                    return Err(RegistryError::Unreachable { registry, why });
                }
                Some(Ok(frame)) => {
                    let data = frame.into_data().unwrap_or_default();
                    if all.len() + data.len() > most {
                        return Err(garbage(
                            &url,
                            format!("with more than {most} bytes, where less was announced"),
                        ));
                    }
                    all.extend_from_slice(&data);
                    progress.at(all.len() as u64);
                }
            }
        }
    }
}

/// Where an answer leads.
pub(crate) fn location(from: &Url, headers: &HeaderMap) -> Result<Url> {
    let to = headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
    let to = to.ok_or_else(|| garbage(from, "without a Location, where there has to be one".to_owned()))?;
    from.join(to)
        .map_err(|_| garbage(from, "with a Location that is no URL".to_owned()))
}

/// Host and port.
pub(crate) fn authority(url: &Url) -> String {
    url.authority().rsplit('@').next().unwrap_or_default().to_owned()
}

/// Something that is against the protocol.
pub(crate) fn garbage(url: &Url, what: String) -> RegistryError {
    RegistryError::Garbage {
        registry: authority(url),
        what,
    }
}

/// Plain HTTP is for this machine; everywhere else anybody on the way could read what signs in.
pub(crate) fn allowed(url: &Url) -> Result<()> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&authority(url)) => Ok(()),
        _ => Err(garbage(
            url,
            format!("a way to {url}, which is without TLS and not on this machine"),
        )),
    }
}

fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// The cause that people know: `Connection refused`.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}
