//! `seawall credential add`.

use crate::cli::{
    Global, args,
    client::Client,
    error::{CliError, Result},
    integration::documents::{self, Definition, put_credential},
    output::items,
};
use serde_json::json;
use std::path::PathBuf;

/// Creates or replaces credentials from a YAML file of one or more documents. A sealed one that has no secret yet is asked for it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall credential add acme.yaml
  seawall credential add acme.yaml < acme-secret.txt         the secret of a sealed one, from stdin
  seawall credential add acme.yaml && seawall credential check acme

A file, with one of the kinds of `exchange`, or none where the secret itself is attached:
  kind: Credential
  name: acme
  source: sealed           # or {env: NAME}, {file: /path},
                           # {openbao: {address: https://bao.example.com:8200, path: secret/data/acme, field: token, token: bao-token}}
  exchange:
    oauth2: {token_url: \"https://id.example.com/token\", client_id: seawall, scopes: [read]}
    # github-app: {app_id: \"123456\", installation_id: 7654321}      the secret is the app's private key
    # aws-sigv4: {access_key_id: AKIAIOSFODNN7EXAMPLE}               the secret is the secret access key
    # client-certificate: {}                                        the secret is certificate and key as PEM")]
pub(crate) struct Add {
    /// The file; `-` reads stdin
    file: PathBuf,
}

impl Add {
    pub(super) async fn run(self, global: &Global) -> Result {
        let text = args::read(&self.file)?;
        let definitions = documents::read(&self.file.display().to_string(), &text)?;
        let client = Client::new(global)?;
        let mut added = Vec::new();
        for (definition, document) in documents::in_order(definitions) {
            let Definition::Credential(credential) = definition else {
                return Err(CliError::Usage(
                    "this file holds an integration too; add it with `seawall integration add`".into(),
                ));
            };
            let known = client.get(&["credentials"]).await?;
            let sealed = |known: &serde_json::Value| known["source"] == "sealed";
            let has_secret = items(&known)
                .iter()
                .any(|known| known["name"] == credential.name.as_str() && sealed(known));
            let secret = match credential.source == seawall_domain::credential::SecretSource::Sealed && !has_secret {
                true => Some(super::set::secret(credential.name.as_str())?),
                false => None,
            };
            put_credential(&client, &credential, secret.as_deref(), &document).await?;
            added.push(json!({"name": credential.name, "source": credential.source, "exchange": credential.exchange}));
        }
        match global.output().is_table() {
            true => Ok(()),
            false => global.output().data(&json!({"items": added, "next": null})),
        }
    }
}
