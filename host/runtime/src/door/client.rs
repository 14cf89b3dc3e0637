//! One integration's connections: what its grant opens, and what is said where a request gets no response.

use super::{
    bounds::CountedBody,
    connect::{Addresses, Closed, Denied, Pooled, Unresolved, pooled},
    names::Names,
    tls::Trust,
};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::client::legacy::{
    self,
    connect::{CaptureConnection, HttpInfo, capture_connection},
};
use seawall_domain::egress::AddressPolicy;
use std::{error::Error as StdError, io, net::IpAddr};

pub(super) type Outgoing = CountedBody;

/// One integration's connections.
pub(super) struct Client {
    inner: Pooled<Policy, Outgoing>,
    policy: Policy,
}

/// What a client's connections are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// All that the grant opens.
    Granted,
    /// Credentials over plain HTTP: loopback, and nothing else.
    Loopback,
    /// Rules whose host is `*`: public addresses alone, whatever the grant opens.
    Public,
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

/// What the grant opens.
#[derive(Clone)]
struct Policy {
    addresses: AddressPolicy,
    loopback_only: bool,
    /// Whether it is for rules whose host is `*`, to which no range of the grant opens anything.
    any_host: bool,
}

impl Addresses for Policy {
    fn check(&self, ip: IpAddr) -> Result<(), Closed> {
        if self.loopback_only && !ip.to_canonical().is_loopback() {
            return Err(Closed {
                reason: format!("{ip}, which is not loopback, and the credential may go without TLS to loopback only"),
                openable: false,
            });
        }
        let checked = match self.any_host {
            true => self.addresses.public().check(ip),
            false => self.addresses.check(ip),
        };
        checked.map_err(|kind| match self.addresses.bans(ip) {
            true => Closed {
                reason: format!("{ip} ({kind}), which the policy never allows"),
                openable: false,
            },
            false if self.any_host => Closed {
                reason: format!(
                    "{ip} ({kind}), and a rule whose host is `*` leads to public addresses alone; the manifest would have to name the host"
                ),
                openable: false,
            },
            false => Closed {
                reason: format!("{ip} ({kind})"),
                openable: true,
            },
        })
    }
}

impl Client {
    /// # Errors
    /// Where what it shows or trusts cannot be used.
    pub(super) fn new(addresses: AddressPolicy, reach: Reach, trust: &Trust, names: &Names) -> Result<Self, String> {
        let policy = Policy {
            addresses,
            loopback_only: reach == Reach::Loopback,
            any_host: reach == Reach::Public,
        };
        let inner = pooled(policy.clone(), names, super::tls::config(trust)?, true);
        Ok(Self { inner, policy })
    }

    pub(super) async fn send(&self, request: Request<Outgoing>) -> Result<Response<Incoming>, Refused> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let written = self.policy.check_written(request.uri());
        written.map_err(|closed| Refused::Address {
            host: host.clone(),
            closed,
        })?;
        self.inner
            .request(request)
            .await
            .map_err(|error| account(&host, &error))
    }
}

/// The connection that a request takes, once it has one.
pub(super) struct Connection(CaptureConnection);

/// To be asked for before the request is sent.
pub(super) fn connection<B>(request: &mut Request<B>) -> Connection {
    Connection(capture_connection(request))
}

impl Connection {
    /// The address that it is with.
    pub(super) fn address(&self) -> Option<IpAddr> {
        let mut known = http::Extensions::new();
        if let Some(connected) = &*self.0.connection_metadata() {
            connected.get_extras(&mut known);
        }
        known.get::<HttpInfo>().map(|info| info.remote_addr().ip())
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    fn chosen(loopback_only: bool, found: &[&str]) -> Result<Vec<String>, String> {
        let policy = Policy {
            addresses: AddressPolicy::default(),
            loopback_only,
            any_host: false,
        };
        choose(&policy, found)
    }

    fn choose(policy: &Policy, found: &[&str]) -> Result<Vec<String>, String> {
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
    }

    #[test]
    fn a_rule_of_every_host_leads_to_public_addresses_whatever_is_granted() {
        let any = Policy {
            addresses: AddressPolicy {
                private_ranges: ["127.0.0.0/8", "10.0.0.0/8"]
                    .iter()
                    .filter_map(|range| range.parse().ok())
                    .collect(),
                never: Vec::new(),
            },
            loopback_only: false,
            any_host: true,
        };
        assert_eq!(any.addresses.private_ranges.len(), 2);
        let mixed = ["10.0.0.7", "93.184.216.34", "127.0.0.1"];
        assert_eq!(choose(&any, &mixed), Ok(vec!["93.184.216.34".to_owned()]));
        for found in ["127.0.0.1", "::ffff:10.0.0.7"] {
            let refused = choose(&any, &[found]);
            let says = |why: &String| why.starts_with(found) && why.contains("public addresses alone");
            assert!(refused.as_ref().is_err_and(says), "{refused:?}");
        }
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
