//! Who signs in: what was given, or what `docker login` and its likes keep.

use crate::{RegistryError, Result};
use docker_credential::{CredentialRetrievalError as E, DockerCredential};

/// How to sign in to a registry.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// As nobody.
    Anonymous,
    /// By name and password.
    Basic {
        /// Who.
        username: String,
        /// What only they know.
        password: String,
    },
    /// By a token that opens a session.
    Identity(String),
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Basic { .. } => "Basic",
            Self::Identity(_) => "Identity",
        })
    }
}

impl Credentials {
    /// What Docker's configuration has for a registry (`$DOCKER_CONFIG/config.json`, `~/.docker/config.json`), credential
    /// helpers included; nobody where it has nothing.
    ///
    /// # Errors
    /// Where it has something that cannot be used.
    pub fn of_docker(registry: &str) -> Result<Self> {
        // Docker writes the host alone; other tools, and Docker for its own hub, a URL.
        for name in [
            registry.to_owned(),
            format!("https://{registry}"),
            format!("https://{registry}/v2/"),
        ] {
            match docker_credential::get_credential(&name) {
                Ok(DockerCredential::UsernamePassword(username, password)) => {
                    return Ok(Self::Basic { username, password });
                }
                Ok(DockerCredential::IdentityToken(token)) => return Ok(Self::Identity(token)),
                // No file, or nothing in it; a helper that knows nobody of this name says so by failing.
                Err(E::ConfigNotFound | E::NoCredentialConfigured) => {}
                Err(E::HelperFailure { stdout, .. }) if stdout.contains("not found") => {}
                Err(E::ConfigReadError) if !has_config() => {}
                Err(error) => {
                    return Err(RegistryError::Usage(format!(
                        "Docker's configuration for {registry} cannot be used: {error}; give --username and --password-stdin instead"
                    )));
                }
            }
        }
        Ok(Self::Anonymous)
    }
}

fn has_config() -> bool {
    let folder = std::env::var_os("DOCKER_CONFIG").map(std::path::PathBuf::from);
    let home = || Some(std::path::PathBuf::from(std::env::var_os("HOME")?).join(".docker"));
    folder
        .or_else(home)
        .is_some_and(|folder| folder.join("config.json").exists())
}
