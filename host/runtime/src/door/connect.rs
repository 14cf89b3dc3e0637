//! Pooled connections to addresses that may be connected to, and to no others: a name is resolved once for each connection, and the
//! resolver itself drops what is closed, so that what was checked is what is connected to. Plugins' requests and messages of
//! subscriptions go this way.

use super::names::Names;
use http::Uri;
use hyper::body::Body;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        self,
        connect::{HttpConnector, dns::Name},
    },
    rt::{TokioExecutor, TokioTimer},
};
use rustls::ClientConfig;
use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

/// Which addresses may be connected to.
pub trait Addresses: Clone + Send + Sync + 'static {
    /// Judges one.
    ///
    /// # Errors
    /// Why it may not be connected to.
    fn check(&self, address: IpAddr) -> Result<(), Closed>;

    /// Of a name's addresses those that may be connected to.
    ///
    /// # Errors
    /// Why none may.
    fn choose(&self, found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, Closed> {
        let (mut allowed, mut denied) = (Vec::new(), Vec::new());
        for address in found {
            match self.check(address.ip()) {
                Ok(()) => allowed.push(address),
                Err(closed) => denied.push(closed),
            }
        }
        denied.dedup();
        match allowed.is_empty() {
            false => Ok(allowed),
            true => {
                let reasons: Vec<_> = denied.iter().map(|closed| closed.reason.as_str()).collect();
                Err(Closed {
                    reason: reasons.join(", "),
                    openable: denied.iter().any(|closed| closed.openable),
                })
            }
        }
    }

    /// Judges the host of an address, where it is written out: the connector does not resolve it.
    ///
    /// # Errors
    /// Why it may not be connected to.
    fn check_written(&self, uri: &Uri) -> Result<(), Closed> {
        let host = uri.host().unwrap_or_default();
        match host.trim_start_matches('[').trim_end_matches(']').parse() {
            Ok(address) => self.check(address),
            Err(_) => Ok(()),
        }
    }
}

/// Why an address may not be connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// In words.
    pub reason: String,
    /// Whether a grant could open it.
    pub openable: bool,
}

/// A client whose connections are kept and used again.
pub type Pooled<A, B> = legacy::Client<HttpsConnector<HttpConnector<Resolver<A>>>, B>;

/// Makes a client. Whoever sends a request with it judges the address with [`Addresses::check_written`] first. `plaintext`: also
/// without TLS.
pub fn pooled<A, B>(addresses: A, names: &Names, tls: ClientConfig, plaintext: bool) -> Pooled<A, B>
where
    A: Addresses,
    B: Body + Send,
    B::Data: Send,
{
    let mut http = HttpConnector::new_with_resolver(Resolver {
        names: names.clone(),
        addresses,
    });
    http.enforce_http(false);
    http.set_connect_timeout(Some(Duration::from_secs(10)));
    http.set_nodelay(true);
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls);
    let connector = match plaintext {
        true => connector.https_or_http(),
        false => connector.https_only(),
    };
    legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(60))
        .build(connector.enable_all_versions().wrap_connector(http))
}

/// None of a name's addresses may be connected to.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.reason)]
pub(super) struct Denied(pub(super) Closed);

/// A name that has no addresses, with the resolver's words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unresolved(pub(super) String);

/// Resolves once for each connection and drops what is closed.
#[derive(Clone)]
pub struct Resolver<A> {
    names: Names,
    addresses: A,
}

impl<A: Addresses> tower::Service<Name> for Resolver<A> {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (names, addresses) = (self.names.clone(), self.addresses.clone());
        Box::pin(async move {
            let unresolved = |why: String| io::Error::other(Unresolved(format!("{}: {why}", name.as_str())));
            let found = names.addresses(name.as_str()).await;
            let found = found.map_err(|e| unresolved(e.to_string()))?;
            if found.is_empty() {
                return Err(unresolved("the name has no address".to_owned()));
            }
            let allowed = addresses.choose(found.into_iter());
            let allowed = allowed.map_err(|closed| io::Error::other(Denied(closed)))?;
            Ok(allowed.into_iter())
        })
    }
}
