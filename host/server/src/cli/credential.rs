//! `seawall credential …`.

use crate::cli::{
    Global,
    client::Client,
    error::{CliError, Result},
    output::{Column, at, time},
};
use serde_json::{Value, json};
use std::{
    io::{IsTerminal, Read},
    path::PathBuf,
};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Credential {
    /// Create or replace a credential
    Set(Set),
    /// List credentials, never their secrets
    List(List),
}

/// Creates or replaces a credential. Plugins never see its secret: the server attaches it to their requests
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall credential set unleash-token --env UNLEASH_TOKEN       the server reads it from its environment
  seawall credential set unleash-token --file /run/secrets/unleash
  seawall credential set unleash-token --sealed                  asks for it, and seals it in the database
  pass show unleash | seawall credential set unleash-token --sealed")]
pub(crate) struct Set {
    /// Its name; integrations use it
    name: String,
    #[command(flatten)]
    source: Source,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// An environment variable of the server
    #[arg(long, value_name = "VARIABLE")]
    env: Option<String>,
    /// A file on the server; its trailing line break is cut
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Read the secret now, from a prompt or stdin, and seal it in the server's database
    #[arg(long)]
    sealed: bool,
}

/// Lists credentials and where their secrets come from
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall credential list")]
pub(crate) struct List {}

const COLUMNS: &[Column] = &[
    ("NAME", |v| at(v, "/name")),
    ("SOURCE", source),
    ("CHANGED", |v| time(v, "/updatedAt")),
];

fn source(credential: &Value) -> String {
    match &credential["source"] {
        Value::Object(source) => source
            .iter()
            .map(|(kind, of)| format!("{kind} {}", of.as_str().unwrap_or_default()))
            .collect(),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

impl Credential {
    pub(crate) async fn run(self, global: &Global) -> Result {
        match self {
            Self::Set(set) => set.run(global).await,
            Self::List(_) => {
                let all = Client::new(global)?.all(&["credentials"], &[]).await?;
                global
                    .output()
                    .list(&all, COLUMNS, "there are none; make one with `seawall credential set`")
            }
        }
    }
}

impl Set {
    async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let body = match self.source {
            Source {
                env: Some(variable), ..
            } => json!({"source": {"env": variable}}),
            Source { file: Some(path), .. } => {
                let path = std::path::absolute(&path)?;
                json!({"source": {"file": path}})
            }
            Source { .. } => json!({"source": "sealed", "secret": secret(&self.name)?}),
        };
        // Without the secret, if there is one.
        let answer = json!({"name": self.name, "source": body["source"]});
        client.put(&["credentials", &self.name], body).await?;
        eprintln!("credential {} is there", self.name);
        if global.output().is_table() {
            return Ok(());
        }
        global.output().data(&answer)
    }
}

/// Asks on a terminal, without showing what is typed; reads all of stdin otherwise.
fn secret(name: &str) -> Result<String> {
    let mut secret = String::new();
    if std::io::stdin().is_terminal() {
        secret = rpassword::prompt_password(format!("secret of {name}: "))?;
    } else {
        std::io::stdin().read_to_string(&mut secret)?;
        let end = secret.trim_end_matches(['\r', '\n']).len();
        secret.truncate(end);
    }
    if secret.is_empty() {
        Err(CliError::Usage("the secret is empty".into()))
    } else {
        Ok(secret)
    }
}
