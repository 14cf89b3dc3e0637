//! Sends messages of subscriptions: one POST each, to addresses that the subscription may lead to and no others.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use seawall_domain::subscription::Destination;
use seawall_engine::{Message, Post, Reply};
use seawall_runtime::door::{
    Names, client_config,
    connect::{Addresses, Closed, Pooled, pooled},
};
use std::{
    error::Error,
    io,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
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

type Client = Pooled<To, Full<Bytes>>;

/// Where a subscription's messages may go.
#[derive(Clone)]
struct To(Arc<Destination>);

impl Addresses for To {
    fn check(&self, address: IpAddr) -> Result<(), Closed> {
        self.0.check(address).map_err(|reason| Closed {
            reason,
            openable: false,
        })
    }
}

/// See the module.
pub(crate) struct Poster {
    names: Names,
    clients: Mutex<Vec<(To, Instant, Client)>>,
}

#[async_trait]
impl Post for Poster {
    async fn post(&self, message: Message) -> Result<Reply, String> {
        let request = request(&message)?;
        let to = To(Arc::new(message.to.clone()));
        to.check_written(request.uri()).map_err(|closed| closed.reason)?;
        let client = self.client(&to)?;
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
    fn client(&self, to: &To) -> Result<Client, String> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.retain(|(_, made, _)| made.elapsed() < FRESH);
        if let Some((_, _, client)) = clients.iter().find(|(own, ..)| own.0 == to.0) {
            return Ok(client.clone());
        }
        let client = pooled(
            to.clone(),
            &self.names,
            client_config(to.0.ca.as_deref())?,
            to.0.plaintext,
        );
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
    request
        .body(Full::new(Bytes::from(message.body.clone())))
        .map_err(|e| format!("the message cannot be sent: {e}"))
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use seawall_domain::subscription::Subscription;
    use serde_json::json;
    use std::net::SocketAddr;

    fn to(document: serde_json::Value) -> To {
        let subscription: Subscription = serde_json::from_value(document).unwrap();
        To(Arc::new(subscription.destination(&[])))
    }

    #[test]
    fn of_a_names_addresses_only_allowed_ones_are_connected_to() {
        let addresses: [SocketAddr; 2] = ["10.0.0.1:0", "93.184.216.34:0"].map(|a| a.parse().unwrap());
        let found = || addresses.into_iter();
        let public = to(json!({"url": "https://example.com"}));
        assert_eq!(public.choose(found()).unwrap(), addresses[1..]);
        let refused = public.choose(found().take(1)).unwrap_err().reason;
        assert!(refused.contains("10.0.0.1 is no public address (private)"), "{refused}");
        let private = to(json!({"url": "http://example.com", "privateRanges": ["10.0.0.0/8"]}));
        assert_eq!(private.choose(found()).unwrap(), addresses[..1]);
    }

    #[test]
    fn an_error_says_its_innermost_cause() {
        let nested = io::Error::other(io::Error::other("why"));
        assert_eq!(innermost(&nested), "why");
    }
}
