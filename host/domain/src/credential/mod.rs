//! Named credentials: where a secret comes from, and what the host makes of it before a tool sees anything.

use crate::{
    CredentialName,
    document::{Problems, definition},
};
use serde::{Deserialize, Serialize};

mod schema;

pub use schema::credential_schema;
pub(crate) use schema::pem;

/// A credential as its YAML document says: a name, where its secret comes from, and what is made of it. The secret itself
/// is never in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// Names it; integrations use this name.
    pub name: CredentialName,
    /// Where its secret comes from.
    pub source: SecretSource,
    /// What the host makes of the secret; absent: the secret itself is attached, as the manifest says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Exchange>,
}

/// Where a credential's secret comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SecretSource {
    /// An environment variable of the host.
    Env(String),
    /// A file on the host; its trailing line break is cut. It is read again every few seconds, so that what rotates it needs to
    /// tell nobody.
    File(String),
    /// A field of a secret in OpenBao or Vault.
    Openbao(OpenbaoPath),
    /// Sealed in the database under the master key.
    Sealed,
}

impl SecretSource {
    /// Whether it is read as this role of this server.
    pub fn logs_in(&self, address: &str, role: &AppRole) -> bool {
        matches!(self, Self::Openbao(from) if from.address == address && from.approle.as_ref() == Some(role))
    }
}

/// A field of a secret in OpenBao, or in Vault, whose API it shares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenbaoPath {
    /// The server, such as `https://bao.example.com:8200`.
    pub address: String,
    /// The path as the API has it, without `/v1/`: `secret/data/unleash` for version 2 of the key-value engine.
    pub path: String,
    /// The field of the secret.
    pub field: String,
    /// The credential whose secret is the token; absent: `approle` says who logs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<CredentialName>,
    /// The host logs in by AppRole, and its token is renewed and had anew by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approle: Option<AppRole>,
    /// Authorities that the server's certificate may come from, as PEM; absent: the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// Who logs in to OpenBao by AppRole: <https://openbao.org/docs/auth/approle/>.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppRole {
    /// The credential whose secret is the role id.
    pub role_id: CredentialName,
    /// The credential whose secret is the secret id.
    pub secret_id: CredentialName,
    /// Where the method is enabled, below `auth/`.
    #[serde(default = "approle")]
    pub mount: String,
}

fn approle() -> String {
    "approle".to_owned()
}

/// What the host makes of a secret. What comes of it, not the secret, goes to the tool; neither reaches the plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Exchange {
    /// An access token of an OAuth 2.0 authorisation server (RFC 6749).
    Oauth2(Oauth2),
    /// An installation token of a GitHub App; the secret is the app's private key as PEM.
    GithubApp(GithubApp),
    /// Requests signed with AWS Signature Version 4; the secret is the secret access key.
    AwsSigv4(AwsSigv4),
    /// A client certificate for TLS; the secret is its private key as PEM. Nothing is attached to the requests themselves.
    ClientCertificate(ClientCertificate),
}

/// See [`Exchange::Oauth2`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oauth2 {
    /// The token endpoint.
    pub token_url: String,
    /// The client.
    pub client_id: String,
    /// How a token is had.
    #[serde(default)]
    pub flow: Oauth2Flow,
    /// With the flow `refresh-token`, where the client has a secret too: the credential that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<CredentialName>,
    /// How the client says who it is.
    #[serde(default)]
    pub client_auth: ClientAuth,
    /// Scopes to ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Further parameters of the request, such as `audience` or `resource`.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub parameters: std::collections::BTreeMap<String, String>,
    /// Authorities that the server's certificate may come from, as PEM; absent: the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// How a token is had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Oauth2Flow {
    /// The secret is the client's (RFC 6749, 4.4).
    #[default]
    ClientCredentials,
    /// The secret is a refresh token (RFC 6749, 6). One that the server replaces is kept, which a sealed one survives a restart
    /// with.
    RefreshToken,
}

/// How a client says who it is (RFC 6749, 2.3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuth {
    /// In an `Authorization` header.
    #[default]
    Basic,
    /// In the body.
    Post,
}

/// See [`Exchange::GithubApp`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GithubApp {
    /// The app's client id or app id.
    pub app_id: String,
    /// The installation: the number at the end of its settings page's address.
    pub installation_id: u64,
    /// The API; for GitHub Enterprise Server `https://HOST/api/v3`.
    #[serde(default = "github")]
    pub api_url: String,
    /// Only these permissions of the installation, such as `{contents: read}`; absent: all that it has.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub permissions: std::collections::BTreeMap<String, String>,
    /// Only these repositories, by name without owner; absent: all of the installation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<String>,
    /// Authorities that the server's certificate may come from, as PEM; absent: the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

fn github() -> String {
    "https://api.github.com".to_owned()
}

/// See [`Exchange::AwsSigv4`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsSigv4 {
    /// The access key's id.
    pub access_key_id: String,
    /// The region; absent: as the host's name says, such as `ec2.eu-central-1.amazonaws.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The service; absent: as the host's name says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// With temporary keys: the credential that holds the session token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_token: Option<CredentialName>,
}

/// See [`Exchange::ClientCertificate`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificate {
    /// The certificate and those between it and its authority, as PEM; absent: they stand before or behind the key in the
    /// secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

impl Credential {
    /// Reads a credential's document; `file` is only named in errors.
    ///
    /// # Errors
    /// All that is wrong, each with line, column, field, what was expected, what was found and an example.
    pub fn parse(file: &str, yaml: &str) -> Result<Self, Problems> {
        definition(file, yaml, &credential_schema())
    }

    /// Other credentials that this one needs, each with the field that names it.
    pub fn needs(&self) -> Vec<(&'static str, &CredentialName)> {
        let mut all = Vec::new();
        if let SecretSource::Openbao(from) = &self.source {
            all.extend(from.token.as_ref().map(|name| ("source/openbao/token", name)));
            if let Some(AppRole { role_id, secret_id, .. }) = &from.approle {
                all.push(("source/openbao/approle/role_id", role_id));
                all.push(("source/openbao/approle/secret_id", secret_id));
            }
        }
        match &self.exchange {
            Some(Exchange::Oauth2(oauth2)) => {
                all.extend(
                    oauth2
                        .client_secret
                        .as_ref()
                        .map(|n| ("exchange/oauth2/client_secret", n)),
                );
            }
            Some(Exchange::AwsSigv4(aws)) => {
                all.extend(
                    aws.session_token
                        .as_ref()
                        .map(|n| ("exchange/aws-sigv4/session_token", n)),
                );
            }
            _ => {}
        }
        all
    }

    /// What is wrong beyond the schema, by the field's path.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut wrong: Vec<_> = bad_source(&self.source).into_iter().collect();
        if let SecretSource::Openbao(from) = &self.source {
            wrong.extend(bad_address("source/openbao/address", &from.address));
            match (&from.token, &from.approle) {
                (None, None) => {
                    let why = "expected `token`, the credential that holds one, or `approle: {role_id, secret_id}`, the credentials that hold those";
                    wrong.push(("source/openbao", why.to_owned()));
                }
                (Some(_), Some(_)) => {
                    let why = "there are two ways to log in, `token` and `approle`; leave one out";
                    wrong.push(("source/openbao", why.to_owned()));
                }
                _ => {}
            }
        }
        match &self.exchange {
            Some(Exchange::Oauth2(oauth2)) => wrong.extend(bad_address("exchange/oauth2/token_url", &oauth2.token_url)),
            Some(Exchange::GithubApp(app)) => wrong.extend(bad_address("exchange/github-app/api_url", &app.api_url)),
            _ => {}
        }
        if let Some(Exchange::Oauth2(Oauth2 {
            flow: Oauth2Flow::ClientCredentials,
            client_secret: Some(_),
            ..
        })) = &self.exchange
        {
            let why = "with the flow `client-credentials` the credential's own secret is the client's; leave it out, or set `flow: refresh-token`";
            wrong.push(("exchange/oauth2/client_secret", why.to_owned()));
        }
        if self.needs().iter().any(|(_, name)| **name == self.name) {
            wrong.push(("name", "the credential would need itself; name another one".to_owned()));
        }
        wrong
    }
}

/// What can name no variable, file or secret. Documents are held to the same by their schema.
fn bad_source(source: &SecretSource) -> Option<(&'static str, String)> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match source {
        SecretSource::Env(name)
            if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() || !name.chars().all(word) =>
        {
            let why =
                format!("expected the name of an environment variable, such as `PROMETHEUS_TOKEN`, found `{name}`");
            Some(("source/env", why))
        }
        SecretSource::File(path) if !path.starts_with('/') || path.len() < 2 => {
            let why = format!("expected an absolute path, such as `/run/secrets/prometheus`, found `{path}`");
            Some(("source/file", why))
        }
        SecretSource::Openbao(from) if from.path.split('/').any(|part| matches!(part, "" | "." | "..")) => {
            let path = &from.path;
            let why = format!("expected a path as the API has it, such as `secret/data/prometheus`, found `{path}`");
            Some(("source/openbao/path", why))
        }
        _ => None,
    }
}

fn bad_address(field: &'static str, text: &str) -> Option<(&'static str, String)> {
    check_address(text).err().map(|why| (field, why))
}

/// Whether a secret may be sent there: over TLS, or to this machine.
fn check_address(text: &str) -> Result<(), String> {
    let example = "expected an address such as https://id.example.com/token";
    let url = url::Url::parse(text).map_err(|e| format!("{example}: {e}"))?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(format!("{example}, without a user or a fragment"));
    }
    // A URL may have it in its host; it would be every host to whoever reads this.
    if url.host_str().is_some_and(|host| host.contains('*')) {
        return Err(format!("{example}, found `*` in the host"));
    }
    let loopback = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => return Err(example.to_owned()),
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        "http" => Err("a secret is sent over TLS only, or to this machine: write `https://`".to_owned()),
        other => Err(format!("{example}, found the scheme `{other}`")),
    }
}

#[cfg(test)]
mod tests;
