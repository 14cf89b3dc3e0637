//! `seawall egress …`.

use crate::cli::{
    Global, args,
    error::Result,
    output::{Column, at, time},
    paging::{Paging, Shown},
};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Egress {
    /// List plugins' requests
    List(List),
}

/// Lists plugins' requests, newest first: where to, what allowed or refused them, what was attached, what came back
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall egress list --integration unleash-main
  seawall egress list --refused
  seawall egress list --plugin unleash --since 2027-01-26T00:00:00Z --until 2027-01-27T00:00:00Z
  seawall egress list --host api.github.com --limit 1000 -o json")]
pub(crate) struct List {
    /// Only of this integration
    #[arg(long, value_name = "NAME")]
    integration: Option<String>,
    /// Only of this plugin: its name (all versions), name@version, or digest or its first digits
    #[arg(long, value_name = "PLUGIN")]
    plugin: Option<String>,
    /// From this time on, such as 2027-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = args::moment)]
    since: Option<jiff::Timestamp>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = args::moment)]
    until: Option<jiff::Timestamp>,
    /// Only to this host, or connected to this address
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Only those that were refused
    #[arg(long, conflicts_with = "allowed")]
    refused: bool,
    /// Only those that were let through
    #[arg(long)]
    allowed: bool,
    #[command(flatten)]
    paging: Paging,
}

const COLUMNS: &[Column] = &[
    ("AT", |v| time(v, "/at")),
    ("INTEGRATION", |v| at(v, "/integration")),
    ("", |v| {
        if v["allowed"] == false {
            "refused".into()
        } else {
            at(v, "/status")
        }
    }),
    ("METHOD", |v| at(v, "/method")),
    ("URL", |v| {
        format!(
            "{}://{}:{}{}",
            at(v, "/scheme"),
            at(v, "/host"),
            at(v, "/port"),
            at(v, "/path")
        )
    }),
    ("ADDRESS", |v| at(v, "/address")),
    ("RULE", |v| at(v, "/rule")),
    ("CREDENTIAL", |v| at(v, "/credential")),
    ("BYTES", |v| at(v, "/received")),
    ("MS", |v| {
        v["micros"]
            .as_f64()
            .map(|micros| format!("{:.1}", micros / 1000.0))
            .unwrap_or_default()
    }),
    ("NOTE", |v| at(v, "/reason")),
];

impl Egress {
    pub(crate) async fn run(self, global: &Global) -> Result {
        let Self::List(list) = self;
        let mut query = Vec::new();
        query.extend(list.integration.map(|name| ("integration", name)));
        query.extend(list.plugin.map(|plugin| ("plugin", plugin)));
        query.extend(list.since.map(|since| ("since", since.to_string())));
        query.extend(list.until.map(|until| ("until", until.to_string())));
        query.extend(list.host.map(|host| ("host", host)));
        query.extend((list.allowed || list.refused).then(|| ("allowed", list.allowed.to_string())));
        let shown = Shown {
            columns: COLUMNS,
            empty: "no plugin has sent such a request",
        };
        list.paging.list(global, &["egress"], query, shown).await
    }
}
