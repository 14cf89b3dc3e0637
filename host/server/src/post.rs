//! Sends messages of subscriptions: one POST each, to addresses that the subscription may lead to and no others.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        self,
        connect::{HttpConnector, dns::Name},
    },
    rt::{TokioExecutor, TokioTimer},
};
use rustls::ClientConfig;
use seawall_domain::subscription::Destination;
use seawall_engine::{Message, Post, Reply};
use seawall_runtime::door::Names;
use std::{
    error::Error,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// The specification recommends 15 to 30 seconds.
const PATIENCE: Duration = Duration::from_secs(20);
/// Of an answer no more is read.
const MOST: usize = 64 << 10;
/// And no more is kept.
const KEPT: usize = 500;
/// Clients that are kept, with their connections; the oldest goes first.
const CLIENTS: usize = 64;
/// A client is made anew after so long, so that authorities that an operator installs are seen.
const FRESH: Duration = Duration::from_secs(600);

type Client = legacy::Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>;

/// See the module.
pub(crate) struct Poster {
    names: Names,
    clients: Mutex<Vec<(Destination, Instant, Client)>>,
}

#[async_trait]
impl Post for Poster {
    async fn post(&self, message: Message) -> Result<Reply, String> {
        let request = request(&message)?;
        let client = self.client(&message.to)?;
        let sent = tokio::time::timeout(PATIENCE, async {
            let response = client.request(request).await.map_err(|e| innermost(&e))?;
            Ok(reply(response).await)
        });
        sent.await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())))
    }
}

impl Poster {
    /// `names` is asked for the addresses of destinations.
    pub(crate) fn new(names: Names) -> Self {
        Self {
            names,
            clients: Mutex::default(),
        }
    }

    /// The client of a destination, so that connections are used again.
    fn client(&self, to: &Destination) -> Result<Client, String> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.retain(|(_, made, _)| made.elapsed() < FRESH);
        if let Some((_, _, client)) = clients.iter().find(|(own, ..)| own == to) {
            return Ok(client.clone());
        }
        let client = connect(to, &self.names)?;
        if clients.len() >= CLIENTS {
            clients.remove(0);
        }
        clients.push((to.clone(), Instant::now(), client.clone()));
        Ok(client)
    }
}

fn request(message: &Message) -> Result<Request<Full<Bytes>>, String> {
    let mut request = Request::post(message.to.url.as_str())
        .header(header::USER_AGENT, concat!("seawall/", env!("CARGO_PKG_VERSION")));
    for (name, value) in &message.headers {
        request = request.header(name, value);
    }
    let request = request
        .body(Full::new(Bytes::from(message.body.clone())))
        .map_err(|e| format!("the message cannot be sent: {e}"))?;
    // The connector does not resolve an address that is written out, so it is judged here.
    let host = request.uri().host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        message.to.check(address)?;
    }
    Ok(request)
}

fn connect(to: &Destination, names: &Names) -> Result<Client, String> {
    let mut http = HttpConnector::new_with_resolver(Resolver {
        names: names.clone(),
        to: to.clone(),
    });
    http.enforce_http(false);
    http.set_connect_timeout(Some(Duration::from_secs(10)));
    http.set_nodelay(true);
    let tls = match &to.ca {
        Some(ca) => ClientConfig::builder().with_root_certificates(seawall_runtime::door::authorities(ca)?),
        None => ClientConfig::builder()
            .with_native_roots()
            .unwrap_or_else(|_| ClientConfig::builder().with_webpki_roots()),
    };
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls.with_no_client_auth());
    let connector = match to.plaintext {
        true => connector.https_or_http(),
        false => connector.https_only(),
    };
    Ok(legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(60))
        .build(connector.enable_all_versions().wrap_connector(http)))
}

/// An answer whose body cannot be read is one all the same.
async fn reply(response: Response<Incoming>) -> Reply {
    let (parts, body) = response.into_parts();
    let text = |name| text(&parts.headers, name);
    let (retry_after, location) = (text(header::RETRY_AFTER), text(header::LOCATION));
    let body = Limited::new(body, MOST).collect().await;
    let body = body.map(|whole| whole.to_bytes()).unwrap_or_default();
    let kept = body.get(..KEPT).unwrap_or(&body);
    Reply {
        status: parts.status.as_u16(),
        retry_after,
        location,
        text: String::from_utf8_lossy(kept).into_owned(),
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// The innermost cause, which is the one that helps.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    loop {
        // An I/O error gives the source of what it holds and not that itself.
        let held = last.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match held
            .map(|held| held as &(dyn Error + 'static))
            .or_else(|| last.source())
        {
            Some(cause) => last = cause,
            None => return last.to_string(),
        }
    }
}

/// Resolves once for each connection and drops the addresses that the destination does not allow.
#[derive(Clone)]
struct Resolver {
    names: Names,
    to: Destination,
}

impl tower::Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (names, to) = (self.names.clone(), self.to.clone());
        Box::pin(async move {
            let found = names
                .addresses(name.as_str())
                .await
                .map_err(|e| io::Error::other(format!("{}: {e}", name.as_str())))?;
            choose(&to, found.into_iter())
                .map(Vec::into_iter)
                .map_err(io::Error::other)
        })
    }
}

/// Of a name's addresses those that may be connected to, or why none may.
fn choose(to: &Destination, found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, String> {
    let (mut allowed, mut refused) = (Vec::new(), Vec::new());
    for address in found {
        match to.check(address.ip()) {
            Ok(()) => allowed.push(address),
            Err(why) => refused.push(why),
        }
    }
    match (allowed.is_empty(), refused.is_empty()) {
        (false, _) => Ok(allowed),
        (true, true) => Err("the name has no address".to_owned()),
        (true, false) => Err(refused.join("; ")),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use seawall_domain::subscription::Subscription;
    use serde_json::json;

    fn to(document: serde_json::Value) -> Destination {
        serde_json::from_value::<Subscription>(document)
            .unwrap()
            .destination(&[])
    }

    #[test]
    fn of_a_names_addresses_only_allowed_ones_are_connected_to() {
        let found = || {
            ["10.0.0.1:0", "93.184.216.34:0"]
                .map(|a| a.parse().unwrap())
                .into_iter()
        };
        let public = to(json!({"url": "https://example.com"}));
        assert_eq!(choose(&public, found()).unwrap(), ["93.184.216.34:0".parse().unwrap()]);
        let refused = choose(&public, found().take(1)).unwrap_err();
        assert!(refused.contains("10.0.0.1 is no public address (private)"), "{refused}");
        let private = to(json!({"url": "http://example.com", "privateRanges": ["10.0.0.0/8"]}));
        assert_eq!(choose(&private, found()).unwrap(), ["10.0.0.1:0".parse().unwrap()]);
    }

    #[test]
    fn an_error_says_its_innermost_cause() {
        let nested = io::Error::other(io::Error::other("why"));
        assert_eq!(innermost(&nested), "why");
    }
}
