//! Where a secret is kept, and reading it from there.

use seawall_domain::{
    CredentialName,
    credential::{Exchange, SecretSource},
};
use seawall_runtime::credential::{Keeper, Kept, Unminted, read_openbao};
use seawall_store::{CredentialRow, Store};
use std::{sync::Arc, time::Duration};

/// A file is read again after so long.
const FILE: Duration = Duration::from_secs(5);
/// A credential may need another one, which may need another one.
const DEEPEST: u8 = 4;

/// Reads one credential's secret.
pub(super) struct Shelf {
    store: Arc<dyn Store>,
    row: CredentialRow,
}

impl Shelf {
    pub(super) fn new(store: Arc<dyn Store>, row: CredentialRow) -> Self {
        Self { store, row }
    }
}

#[async_trait::async_trait]
impl Keeper for Shelf {
    async fn read(&self) -> Result<Kept, Unminted> {
        let mut kept = read(&*self.store, &self.row).await?;
        let second = match &self.row.exchange {
            Some(Exchange::Oauth2(oauth2)) => oauth2.client_secret.as_ref(),
            Some(Exchange::AwsSigv4(aws)) => aws.session_token.as_ref(),
            _ => None,
        };
        if let Some(name) = second {
            let other = named(&*self.store, name, 0).await?;
            kept.second = Some(other.secret);
            kept.fresh = [kept.fresh, other.fresh].into_iter().flatten().min();
        }
        Ok(kept)
    }

    async fn replace(&self, secret: &str) -> Result<(), String> {
        if self.row.source != SecretSource::Sealed {
            return Err(format!(
                "the credential `{}` does not come from the database; seal it: `seawall credential set {0} --sealed`",
                self.row.name
            ));
        }
        match self.store.reseal(&self.row.name, secret).await {
            Ok(true) => Ok(()),
            Ok(false) => Err("the credential was replaced meanwhile".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Reads a credential's own secret.
pub(super) async fn read(store: &dyn Store, row: &CredentialRow) -> Result<Kept, Unminted> {
    read_at(store, row, 0).await
}

async fn named(store: &dyn Store, name: &CredentialName, depth: u8) -> Result<Kept, Unminted> {
    let all = store.credentials().await.map_err(|e| Unminted::later(e.to_string()))?;
    let row = all.iter().find(|row| row.name == *name);
    let row = row.ok_or_else(|| Unminted::refused(format!("it needs the credential `{name}`, which is not there")))?;
    Box::pin(read_at(store, row, depth + 1)).await
}

async fn read_at(store: &dyn Store, row: &CredentialRow, depth: u8) -> Result<Kept, Unminted> {
    let for_ever = |secret| Kept {
        secret,
        second: None,
        fresh: None,
    };
    match &row.source {
        SecretSource::Env(variable) => std::env::var(variable).map(for_ever).map_err(|_| {
            Unminted::refused(format!(
                "it needs the environment variable {variable}, which is not set for the server"
            ))
        }),
        SecretSource::File(path) => {
            let text = tokio::fs::read_to_string(path).await;
            let text = text.map_err(|e| Unminted::later(format!("the file {path} cannot be read: {e}")))?;
            let text = text.trim_end_matches(['\n', '\r']);
            if text.is_empty() {
                return Err(Unminted::later(format!("the file {path} is empty")));
            }
            Ok(Kept {
                fresh: Some(FILE),
                ..for_ever(text.to_owned())
            })
        }
        SecretSource::Openbao(_) if depth > DEEPEST => Err(Unminted::refused(
            "the credentials that it needs need each other".to_owned(),
        )),
        SecretSource::Openbao(from) => {
            let token = named(store, &from.token, depth).await?;
            read_openbao(from, &token.secret).await
        }
        SecretSource::Sealed => {
            let found = store
                .unseal(&row.name)
                .await
                .map_err(|e| Unminted::refused(e.to_string()))?;
            found
                .map(for_ever)
                .ok_or_else(|| Unminted::refused("it has no secret; set it again"))
        }
    }
}
