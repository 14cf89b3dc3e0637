//! `seawall credential set`.

use crate::cli::{
    Global,
    client::Client,
    error::{CliError, Result},
    output::items,
};
use serde_json::{Value, json};
use std::{
    io::{IsTerminal, Read},
    path::PathBuf,
};

/// Creates or replaces a credential. Plugins never see its secret: the server attaches it to their requests
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall credential set unleash-token --env UNLEASH_TOKEN       the server reads it from its environment
  seawall credential set unleash-token --file /run/secrets/unleash
  seawall credential set unleash-token --sealed                  asks for it, and seals it in the database
  pass show unleash | seawall credential set unleash-token --sealed

What is made of the secret (`exchange` in its document, see `seawall credential add --help`) stays as it is.")]
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
    /// A file that the server reads, and so has to be on its machine; a path that is not absolute is one of the folder in which
    /// this command runs. The file's trailing line break is cut
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Read the secret now, from a prompt or stdin, and seal it in the server's database
    #[arg(long)]
    sealed: bool,
}

impl Set {
    pub(super) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let known = client.get(&["credentials"]).await?;
        let known = items(&known).iter().find(|known| known["name"] == self.name.as_str());
        let exchange = known.map_or(Value::Null, |known| known["exchange"].clone());
        let mut body = match self.source {
            Source {
                env: Some(variable), ..
            } => json!({"source": {"env": variable}}),
            Source { file: Some(path), .. } => {
                // The server has a folder of its own, which the person who types this does not mean.
                let path = std::path::absolute(&path)?;
                json!({"source": {"file": path}})
            }
            Source { .. } => json!({"source": "sealed", "secret": secret(&self.name)?}),
        };
        body["exchange"] = exchange;
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
pub(super) fn secret(name: &str) -> Result<String> {
    let secret = if std::io::stdin().is_terminal() {
        rpassword::prompt_password(format!("secret of {name}: "))?
    } else {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes)?;
        text(bytes)?
    };
    if secret.is_empty() {
        Err(CliError::Usage("the secret is empty".into()))
    } else {
        Ok(secret)
    }
}

/// What was piped in, without its trailing line break.
fn text(bytes: Vec<u8>) -> Result<String> {
    let Ok(mut secret) = String::from_utf8(bytes) else {
        return Err(CliError::Usage(
            "the secret is not text in UTF-8; give it in the form in which the tool takes it in a request, such as base64 or PEM: \
             `base64 -w0 FILE | seawall credential set NAME --sealed`"
                .into(),
        ));
    };
    let end = secret.trim_end_matches(['\r', '\n']).len();
    secret.truncate(end);
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_refused_with_what_to_do() {
        assert!(text(b"hush\r\n".to_vec()).is_ok_and(|secret| secret == "hush"));
        let why = text(vec![0xff, 0xfe]).map_err(|error| error.to_string());
        assert!(why.is_err_and(|why| why.contains("UTF-8") && why.contains("base64")));
    }
}
