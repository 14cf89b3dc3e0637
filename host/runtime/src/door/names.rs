//! How names become addresses: by the system's resolver, or by DNS servers that the operator names.

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    net::runtime::TokioRuntimeProvider,
};
use std::{io, net::SocketAddr};

/// See the module; by default the system's. Cheap to clone.
#[derive(Clone, Default)]
pub struct Names {
    servers: Option<TokioResolver>,
}

impl Names {
    /// Names are asked of these servers and nobody else: no hosts file is read, and no domain is put behind a name. Without
    /// servers, the system's resolver is asked.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn of(servers: &[SocketAddr]) -> Result<Self, String> {
        if servers.is_empty() {
            return Ok(Self::default());
        }
        let server = |address: &SocketAddr| {
            let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                connection.port = address.port();
                connection
            });
            NameServerConfig::new(address.ip(), true, connections.into())
        };
        let config = ResolverConfig::from_parts(None, Vec::new(), servers.iter().map(server).collect());
        let mut options = ResolverOpts::default();
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.use_hosts_file = ResolveHosts::Never;
        // Connections are kept, answers are not: as with the system's resolver, a new connection asks anew.
        options.cache_size = 0;
        let resolver = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            .with_options(options)
            .build();
        Ok(Self {
            servers: Some(resolver.map_err(|e| e.to_string())?),
        })
    }

    /// All addresses of a name, with port 0. Judging them is the caller's.
    ///
    /// # Errors
    /// Where the name does not resolve: the resolver's words.
    pub async fn addresses(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        let Some(resolver) = &self.servers else {
            return Ok(tokio::net::lookup_host((name, 0)).await?.collect());
        };
        let whole = format!("{}.", name.trim_end_matches('.'));
        let found = resolver.lookup_ip(whole).await.map_err(io::Error::other)?;
        Ok(found.iter().map(|ip| SocketAddr::new(ip, 0)).collect())
    }
}
