//! Named credentials. Secrets go in and never come out, but to the door.

use crate::{Engine, EngineError, Result};
use seawall_domain::{CredentialName, integration::SecretSource, manifest::Attach};
use seawall_runtime::door::Secret;
use seawall_store::CredentialRow;
use std::sync::PoisonError;

impl Engine {
    /// All credentials, without secrets.
    ///
    /// # Errors
    /// The database's.
    pub async fn credentials(&self) -> Result<Vec<CredentialRow>> {
        Ok(self.inner.store.credentials().await?)
    }

    /// Creates or replaces a credential. `secret` is needed where it is to be sealed, and refused where it is not.
    ///
    /// # Errors
    /// Where the secret is missing or too much.
    pub async fn put_credential(&self, name: CredentialName, source: SecretSource, secret: Option<&str>) -> Result<()> {
        match (&source, secret) {
            (SecretSource::Sealed, None | Some("")) => {
                return Err(EngineError::invalid("/secret", "a sealed credential needs its secret"));
            }
            (SecretSource::Env(_) | SecretSource::File(_), Some(_)) => {
                return Err(EngineError::invalid(
                    "/secret",
                    "the secret comes from elsewhere; leave it out, or set `source: sealed`",
                ));
            }
            _ => {}
        }
        let row = CredentialRow {
            name: name.clone(),
            source,
            attach: None,
            updated_at: self.now(),
        };
        self.inner.store.put_credential(&row, secret).await?;
        let mut waiting = Vec::new();
        for row in self.inner.store.integrations().await? {
            let signs = row
                .integration
                .webhook
                .as_ref()
                .is_some_and(|webhook| webhook.secret == name);
            if signs {
                self.forget_hook(&row.integration.name);
            }
            if row.integration.credentials.values().any(|c| *c == name) {
                // A refused credential stops an integration until it is replaced: it was.
                self.inner.store.set_stopped(&row.integration.name, None).await?;
                waiting.push(row.integration.name);
            }
        }
        self.inner
            .sites
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|n, _| !waiting.contains(n));
        waiting.iter().for_each(|n| self.inner.supervisors.wake(n));
        Ok(())
    }

    /// The secret of a credential, for the door.
    pub(crate) async fn secret(&self, name: &CredentialName, attach: &Attach) -> Result<Secret> {
        let (row, value) = self.secret_of(name).await?;
        Ok(Secret::new(row.attach.unwrap_or_else(|| attach.clone()), value))
    }

    /// The secret of a credential, to check signatures with.
    pub(crate) async fn secret_text(&self, name: &CredentialName) -> Result<String> {
        Ok(self.secret_of(name).await?.1)
    }

    async fn secret_of(&self, name: &CredentialName) -> Result<(CredentialRow, String)> {
        let all = self.inner.store.credentials().await?;
        let row = all.into_iter().find(|c| c.name == *name).ok_or_else(|| {
            EngineError::not_found_but(
                "credential",
                name,
                format!("add it: `seawall credential set {name} --env VARIABLE`"),
            )
        })?;
        let value =
            match &row.source {
                SecretSource::Env(variable) => std::env::var(variable).map_err(|_| {
                    EngineError::Conflict(format!(
                        "the credential `{name}` needs the environment variable {variable}, which is not set"
                    ))
                })?,
                SecretSource::File(path) => {
                    let text = tokio::fs::read_to_string(path)
                        .await
                        .map_err(|source| EngineError::File {
                            path: path.clone(),
                            source,
                        })?;
                    text.trim_end_matches(['\n', '\r']).to_owned()
                }
                SecretSource::Sealed => self.inner.store.unseal(name).await?.ok_or_else(|| {
                    EngineError::Conflict(format!("the credential `{name}` has no secret; set it again"))
                })?,
            };
        Ok((row, value))
    }
}
