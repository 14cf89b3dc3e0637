//! A pooled client whose resolver gives only addresses that the policy allows, so that what was checked is what is
//! connected to.

use super::{bounds::CountedBody, names::Names, tls::Trust};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        self,
        connect::{HttpConnector, HttpInfo, dns::Name},
    },
    rt::{TokioExecutor, TokioTimer},
};
use seawall_domain::egress::AddressPolicy;
use std::{
    error::Error as StdError,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

pub(super) type Outgoing = CountedBody;

/// One integration's connections.
pub(super) struct Client {
    inner: legacy::Client<HttpsConnector<HttpConnector<Resolver>>, Outgoing>,
    policy: Policy,
}

/// Why a request did not come back with a response.
pub(super) enum Refused {
    Address { host: String, closed: Closed },
    Dns(String),
    Connect(String),
    Tls(String),
    Body(String),
    Http(String),
}

/// Why an address may not be connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Closed {
    /// In words.
    pub(super) reason: String,
    /// Whether a grant could open it.
    pub(super) openable: bool,
}

#[derive(Clone)]
struct Policy {
    addresses: AddressPolicy,
    loopback_only: bool,
}

impl Policy {
    fn check(&self, ip: IpAddr) -> Result<(), Closed> {
        if self.loopback_only && !ip.to_canonical().is_loopback() {
            return Err(Closed {
                reason: format!("{ip}, which is not loopback, and the credential may go without TLS to loopback only"),
                openable: false,
            });
        }
        self.addresses.check(ip).map_err(|kind| match self.addresses.bans(ip) {
            true => Closed {
                reason: format!("{ip} ({kind}), which the policy never allows"),
                openable: false,
            },
            false => Closed {
                reason: format!("{ip} ({kind})"),
                openable: true,
            },
        })
    }

    /// Of a name's addresses those that may be connected to, or why none may.
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
                    reason: match reasons.is_empty() {
                        true => "no address".to_owned(),
                        false => reasons.join(", "),
                    },
                    openable: denied.iter().any(|closed| closed.openable),
                })
            }
        }
    }
}

impl Client {
    /// # Errors
    /// Where what it shows or trusts cannot be used.
    pub(super) fn new(
        addresses: AddressPolicy,
        loopback_only: bool,
        trust: &Trust,
        names: &Names,
    ) -> Result<Self, String> {
        let policy = Policy {
            addresses,
            loopback_only,
        };
        let mut http = HttpConnector::new_with_resolver(Resolver {
            names: names.clone(),
            policy: policy.clone(),
        });
        http.enforce_http(false);
        http.set_connect_timeout(Some(Duration::from_secs(10)));
        http.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(super::tls::config(trust)?)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(http);
        let inner = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .build(connector);
        Ok(Self { inner, policy })
    }

    pub(super) async fn send(&self, request: Request<Outgoing>) -> Result<Response<Incoming>, Refused> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        self.check_literal(request.uri(), &host)?;
        self.inner
            .request(request)
            .await
            .map_err(|error| account(&host, &error))
    }

    /// The connector does not resolve an address that is written out, so it is checked here.
    fn check_literal(&self, uri: &Uri, host: &str) -> Result<(), Refused> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match (uri.host(), bare.parse::<IpAddr>()) {
            (Some(_), Ok(ip)) => self.policy.check(ip).map_err(|closed| Refused::Address {
                host: host.to_owned(),
                closed,
            }),
            _ => Ok(()),
        }
    }
}

/// The address that a response came from.
pub(super) fn address<B>(response: &Response<B>) -> Option<IpAddr> {
    let connection = response.extensions().get::<HttpInfo>();
    connection.map(|connection| connection.remote_addr().ip())
}

fn account(host: &str, error: &legacy::Error) -> Refused {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    let mut last = String::new();
    while let Some(cause) = next {
        next = cause.source();
        // An I/O error gives the source of what it holds and not that itself.
        let held = cause.downcast_ref::<io::Error>().and_then(held);
        for cause in [Some(cause), held].into_iter().flatten() {
            if let Some(denied) = cause.downcast_ref::<Denied>() {
                return Refused::Address {
                    host: host.to_owned(),
                    closed: denied.0.clone(),
                };
            }
            if let Some(Unresolved(detail)) = cause.downcast_ref() {
                return Refused::Dns(detail.clone());
            }
            if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
                return Refused::Tls(tls.to_string());
            }
        }
        if let Some(body) = cause.downcast_ref::<wasmtime_wasi_http::Error>() {
            return Refused::Body(body.to_string());
        }
        last = cause.to_string();
    }
    if error.is_connect() {
        Refused::Connect(last)
    } else {
        Refused::Http(last)
    }
}

/// What an I/O error holds, through any number of them.
fn held(error: &io::Error) -> Option<&(dyn StdError + 'static)> {
    let inner: &(dyn StdError + 'static) = error.get_ref()?;
    match inner.downcast_ref::<io::Error>() {
        Some(nested) => held(nested),
        None => Some(inner),
    }
}

/// Every address of a name is private or otherwise not allowed.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.reason)]
struct Denied(Closed);

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unresolved(String);

/// Resolves once per connection and drops what the policy does not allow.
#[derive(Clone)]
struct Resolver {
    names: Names,
    policy: Policy,
}

impl tower::Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (names, policy) = (self.names.clone(), self.policy.clone());
        Box::pin(async move {
            let found = names
                .addresses(name.as_str())
                .await
                .map_err(|e| io::Error::other(Unresolved(format!("{}: {e}", name.as_str()))))?;
            let allowed = policy
                .choose(found.into_iter())
                .map_err(|closed| io::Error::other(Denied(closed)))?;
            Ok(allowed.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(loopback_only: bool, found: &[&str]) -> Result<Vec<String>, String> {
        let policy = Policy {
            addresses: AddressPolicy::default(),
            loopback_only,
        };
        let found = found
            .iter()
            .filter_map(|ip| Some(SocketAddr::new(ip.parse().ok()?, 443)));
        policy
            .choose(found)
            .map(|chosen| chosen.iter().map(|address| address.ip().to_string()).collect())
            .map_err(|closed| closed.reason)
    }

    #[test]
    fn a_name_with_public_and_private_addresses_leads_to_the_public_ones() {
        let mixed = ["10.0.0.7", "93.184.216.34", "169.254.169.254", "::ffff:127.0.0.1"];
        assert_eq!(chosen(false, &mixed), Ok(vec!["93.184.216.34".to_owned()]));
    }

    #[test]
    fn a_name_with_private_addresses_only_leads_nowhere() {
        for found in ["169.254.169.254", "::1", "64:ff9b::a9fe:a9fe", "fd00::1"] {
            let refused = chosen(false, &[found]);
            assert!(refused.as_ref().is_err_and(|why| why.starts_with(found)), "{refused:?}");
        }
        assert_eq!(chosen(false, &[]), Err("no address".to_owned()));
    }

    #[test]
    fn a_credential_without_tls_goes_to_loopback_whatever_the_name_resolves_to() {
        let refused = chosen(true, &["93.184.216.34"]);
        assert!(
            refused.as_ref().is_err_and(|why| why.contains("not loopback")),
            "{refused:?}"
        );
    }
}
