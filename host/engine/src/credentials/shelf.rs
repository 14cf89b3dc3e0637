//! Where a secret is kept, and reading it from there.

use seawall_domain::{
    CredentialName,
    credential::{Exchange, SecretSource},
};
use seawall_runtime::credential::{Access, Keeper, Kept, Logins, RoleIds, Unminted, read_openbao};
use seawall_store::{CredentialRow, Store};
use std::{sync::Arc, time::Duration};

/// A file is read again after so long.
const FILE: Duration = Duration::from_secs(5);
/// How often a file that is missing or empty is looked at.
const LOOKS: u8 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// A credential may need another one, which may need another one.
const DEEPEST: u8 = 4;

/// Where secrets are, and who logs in there.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) store: Arc<dyn Store>,
    pub(super) logins: Arc<Logins>,
}

/// Reads one credential's secret.
pub(super) struct Shelf {
    place: Place,
    row: CredentialRow,
}

impl Shelf {
    pub(super) fn new(place: Place, row: CredentialRow) -> Self {
        Self { place, row }
    }
}

#[async_trait::async_trait]
impl Keeper for Shelf {
    async fn read(&self) -> Result<Kept, Unminted> {
        let mut kept = read(&self.place, &self.row).await?;
        let second = match &self.row.exchange {
            Some(Exchange::Oauth2(oauth2)) => oauth2.client_secret.as_ref(),
            Some(Exchange::AwsSigv4(aws)) => aws.session_token.as_ref(),
            _ => None,
        };
        if let Some(name) = second {
            let other = named(&self.place, name, 0).await?;
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
        match self.place.store.reseal(&self.row.name, secret).await {
            Ok(true) => Ok(()),
            Ok(false) => Err("the credential was replaced meanwhile".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// A secret in a file. What replaces a file in its place empties it first, or takes it away: so that is looked at again.
async fn file(path: &str) -> Result<String, Unminted> {
    let mut looks = 0;
    loop {
        let why = match tokio::fs::read_to_string(path).await {
            Ok(text) => match text.trim_end_matches(['\n', '\r']) {
                "" => format!("the file {path} is empty"),
                text => return Ok(text.to_owned()),
            },
            Err(e) => format!("the file {path} cannot be read: {e}"),
        };
        looks += 1;
        if looks == LOOKS {
            return Err(Unminted::later(why));
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// Reads a credential's own secret.
pub(super) async fn read(place: &Place, row: &CredentialRow) -> Result<Kept, Unminted> {
    read_at(place, row, 0).await
}

async fn named(place: &Place, name: &CredentialName, depth: u8) -> Result<Kept, Unminted> {
    let all = place
        .store
        .credentials()
        .await
        .map_err(|e| Unminted::later(e.to_string()))?;
    let row = all.iter().find(|row| row.name == *name);
    let row = row.ok_or_else(|| Unminted::refused(format!("it needs the credential `{name}`, which is not there")))?;
    Box::pin(read_at(place, row, depth + 1)).await
}

async fn read_at(place: &Place, row: &CredentialRow, depth: u8) -> Result<Kept, Unminted> {
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
        SecretSource::File(path) => Ok(Kept {
            fresh: Some(FILE),
            ..for_ever(file(path).await?)
        }),
        SecretSource::Openbao(_) if depth > DEEPEST => Err(Unminted::refused(
            "the credentials that it needs need each other".to_owned(),
        )),
        SecretSource::Openbao(from) => {
            let access = match (&from.token, &from.approle) {
                (Some(token), _) => Access::Token(named(place, token, depth).await?.secret),
                (None, Some(role)) => Access::AppRole {
                    logins: &place.logins,
                    ids: RoleIds {
                        role_id: named(place, &role.role_id, depth).await?.secret,
                        secret_id: named(place, &role.secret_id, depth).await?.secret,
                    },
                },
                (None, None) => return Err(Unminted::refused("it has neither `token` nor `approle`; set it again")),
            };
            read_openbao(from, access).await
        }
        SecretSource::Sealed => {
            let found = place
                .store
                .unseal(&row.name)
                .await
                .map_err(|e| Unminted::refused(e.to_string()))?;
            found
                .map(for_ever)
                .ok_or_else(|| Unminted::refused("it has no secret; set it again"))
        }
    }
}
