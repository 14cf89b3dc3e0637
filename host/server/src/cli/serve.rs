//! `seawall serve`.

use crate::cli::{
    args::{self, Database, Wasi},
    client::data_folder,
    error::{CliError, Result},
};
use crate::serve::{ServeOptions, run};
use std::{net::SocketAddr, path::PathBuf};

/// Starts the server. On its first start it makes a token, kept in its data folder in the file `token`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall serve
  seawall serve --data ./data --listen 127.0.0.1:8080
  SEAWALL_DATABASE=postgres://seawall:PASSWORD@db.example/seawall seawall serve
  RUST_LOG=seawall=debug seawall serve")]
pub(crate) struct Serve {
    #[command(flatten)]
    database: Database,
    /// Where the plugins, the master key, the token and the database's file are kept [default: $XDG_DATA_HOME/seawall, or ~/.local/share/seawall]
    #[arg(long, env = "SEAWALL_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1:7700", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// How long a server takes work for where several share a database: another one goes on with it so long after this one has died
    #[arg(long, env = "SEAWALL_LEASE_SECONDS", default_value = "30", value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=600))]
    lease_seconds: u32,
    /// Ask this DNS server, and nobody else, for names that plugins and subscriptions reach; several may be given [default: the system's resolver]
    #[arg(long = "dns-server", env = "SEAWALL_DNS_SERVER", value_name = "IP[:PORT]", value_delimiter = ',', value_parser = args::dns_server)]
    dns_servers: Vec<SocketAddr>,
    #[command(flatten)]
    wasi: Wasi,
}

impl Serve {
    pub(crate) async fn run(self) -> Result {
        let options = ServeOptions {
            data: data_folder(self.data),
            database: self.database.given()?,
            listen: self.listen,
            lease: std::time::Duration::from_secs(self.lease_seconds.into()),
            wasi_0_3: self.wasi.wasi_0_3,
            dns_servers: self.dns_servers,
        };
        run(options).await.map_err(|e| CliError::Failed(format!("{e:#}")))
    }
}
