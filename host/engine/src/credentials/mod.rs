//! Named credentials. Secrets go in and never come out, but to the door.

mod shelf;

use crate::{Engine, EngineError, Problem, Result};
use seawall_domain::{
    CredentialName, IntegrationName,
    credential::{Credential, SecretSource},
    manifest::Attach,
};
use seawall_runtime::{
    credential::{Minter, Status, Unminted},
    door::Secret,
};
use seawall_store::CredentialRow;
use shelf::{Place, Shelf};
use std::sync::{Arc, PoisonError};

/// A credential and how it stands in this process.
#[derive(Debug, Clone)]
pub struct CredentialView {
    /// What is stored.
    pub row: CredentialRow,
    /// What came of it so far.
    pub status: Status,
    /// Integrations that use it.
    pub used_by: Vec<IntegrationName>,
}

impl Engine {
    /// All credentials, without secrets.
    ///
    /// # Errors
    /// The database's.
    pub async fn credentials(&self) -> Result<Vec<CredentialView>> {
        let integrations = self.inner.store.integrations().await?;
        let mut all = Vec::new();
        for row in self.inner.store.credentials().await? {
            let minters = self.inner.minters.read().unwrap_or_else(PoisonError::into_inner);
            let status = minters.get(&row.name).map(|m| m.status()).unwrap_or_default();
            let uses = integrations.iter().filter(|i| i.integration.uses(&row.name));
            all.push(CredentialView {
                used_by: uses.map(|i| i.integration.name.clone()).collect(),
                row,
                status,
            });
        }
        Ok(all)
    }

    /// Creates or replaces a credential. `secret` is needed where it is to be sealed and is not yet, and refused where it is
    /// not to be.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] with each field that is wrong.
    pub async fn put_credential(&self, wanted: Credential, secret: Option<&str>) -> Result<()> {
        let known = self.inner.store.credentials().await?;
        self.check(&wanted, secret, &known)?;
        let row = CredentialRow {
            name: wanted.name.clone(),
            source: wanted.source,
            attach: None,
            exchange: wanted.exchange,
            updated_at: self.now(),
        };
        self.inner.store.put_credential(&row, secret).await?;
        let mut changed = vec![wanted.name];
        let needing = known
            .iter()
            .filter(|other| other.document().needs().iter().any(|(_, n)| **n == row.name));
        changed.extend(needing.map(|other| other.name.clone()));
        self.forget_secrets(&changed).await
    }

    fn check(&self, wanted: &Credential, secret: Option<&str>, known: &[CredentialRow]) -> Result<()> {
        let wrong = wanted.problems().into_iter();
        let mut problems: Vec<Problem> = wrong
            .map(|(field, why)| Problem::at(format!("/{field}"), why))
            .collect();
        for (field, name) in wanted.needs() {
            if !known.iter().any(|row| row.name == *name) {
                let why = format!("there is no credential `{name}`; set it first: `seawall credential set {name} …`");
                problems.push(Problem::at(format!("/{field}"), why));
            }
        }
        let was_sealed = known
            .iter()
            .any(|row| row.name == wanted.name && row.source == SecretSource::Sealed);
        match (&wanted.source, secret) {
            (SecretSource::Sealed, Some("")) => {
                problems.push(Problem::at("/secret", "the secret is empty"));
            }
            (SecretSource::Sealed, None) if !was_sealed => {
                problems.push(Problem::at("/secret", "a sealed credential needs its secret"));
            }
            (SecretSource::Sealed, _) | (_, None) => {}
            (_, Some(_)) => problems.push(Problem::at(
                "/secret",
                "the secret comes from elsewhere; leave it out, or set `source: sealed`",
            )),
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(EngineError::Invalid(problems)),
        }
    }

    /// Has what was made of these secrets made anew, and starts what waited for them.
    async fn forget_secrets(&self, names: &[CredentialName]) -> Result<()> {
        self.inner
            .minters
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|name, _| !names.contains(name));
        let rows = self.inner.store.credentials().await?;
        self.inner.logins.retain(|address, role| {
            let is_new = names.contains(&role.role_id) || names.contains(&role.secret_id);
            !is_new && rows.iter().any(|row| row.source.logs_in(address, role))
        });
        let mut waiting = Vec::new();
        for row in self.inner.store.integrations().await? {
            let signs = row
                .integration
                .webhook
                .as_ref()
                .is_some_and(|w| names.contains(&w.secret));
            if signs {
                self.forget_hook(&row.integration.name);
            }
            if row.integration.credentials.values().any(|c| names.contains(c)) {
                // A refused credential stops an integration until it is replaced: it was.
                self.inner.store.set_stopped(&row.integration.name, None).await?;
                waiting.push(row.integration.name);
            }
        }
        self.inner.sites.forget(|name, _| waiting.contains(name));
        waiting.iter().for_each(|n| self.inner.supervisors.wake(n));
        Ok(())
    }

    /// Removes a credential that nothing uses.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] that names what uses it.
    pub async fn remove_credential(&self, name: &CredentialName) -> Result<()> {
        let all = self.credentials().await?;
        if let Some(view) = all.iter().find(|view| view.row.name == *name) {
            let others = all
                .iter()
                .filter(|v| v.row.document().needs().iter().any(|(_, n)| *n == name));
            let users = view.used_by.iter().map(|i| format!("the integration `{i}`"));
            let users: Vec<String> = users
                .chain(others.map(|v| format!("the credential `{}`", v.row.name)))
                .collect();
            if !users.is_empty() {
                let why = format!("`{name}` is used by {}; give it another one first", users.join(", "));
                return Err(EngineError::Conflict(why));
            }
        }
        if !self.inner.store.remove_credential(name).await? {
            return Err(EngineError::not_found("credential", name));
        }
        self.forget_secrets(std::slice::from_ref(name)).await
    }

    /// Reads the secret and makes of it what requests use, as the next request would.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] with the reason and what to do.
    pub async fn check_credential(&self, name: &CredentialName) -> Result<CredentialView> {
        let minter = self.minter(name).await?;
        minter.current().await.map_err(|e| unusable(name, &e))?;
        let all = self.credentials().await?;
        let found = all.into_iter().find(|view| view.row.name == *name);
        found.ok_or_else(|| EngineError::not_found("credential", name))
    }

    /// Makes a new master key and seals every secret under it. Nothing has to stop meanwhile.
    ///
    /// # Errors
    /// Where a sealed secret does not open, or the key's file cannot be written. Then nothing has changed.
    pub async fn rotate_master_key(&self) -> Result<()> {
        Ok(self.inner.store.rotate_master_key().await?)
    }

    /// The secret of a credential, for the door.
    pub(crate) async fn secret(&self, name: &CredentialName, attach: &Attach) -> Result<Secret> {
        let row = self.credential_row(name).await?;
        let attach = row.attach.clone().unwrap_or_else(|| attach.clone());
        if !matches!(row.source, SecretSource::Openbao(_)) {
            // What is at hand is looked at now, so that what is missing is said to the one who asks and not only in a pass.
            shelf::read(&self.place(), &row).await.map_err(|e| unusable(name, &e))?;
        }
        Ok(Secret::minted(attach, self.minter(name).await?))
    }

    /// What makes and keeps what requests use of a credential: one for all integrations.
    async fn minter(&self, name: &CredentialName) -> Result<Arc<Minter>> {
        if let Some(minter) = self
            .inner
            .minters
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
        {
            return Ok(minter.clone());
        }
        let row = self.credential_row(name).await?;
        let exchange = row.exchange.clone();
        let minter = Minter::new(exchange, Box::new(Shelf::new(self.place(), row)));
        let mut all = self.inner.minters.write().unwrap_or_else(PoisonError::into_inner);
        Ok(all.entry(name.clone()).or_insert(minter).clone())
    }

    /// The secret of a credential, to check signatures with.
    pub(crate) async fn secret_text(&self, name: &CredentialName) -> Result<String> {
        let row = self.credential_row(name).await?;
        let kept = shelf::read(&self.place(), &row).await.map_err(|e| unusable(name, &e))?;
        Ok(kept.secret)
    }

    fn place(&self) -> Place {
        Place {
            store: self.inner.store.clone(),
            logins: self.inner.logins.clone(),
        }
    }

    async fn credential_row(&self, name: &CredentialName) -> Result<CredentialRow> {
        let all = self.inner.store.credentials().await?;
        all.into_iter().find(|c| c.name == *name).ok_or_else(|| {
            EngineError::not_found_but(
                "credential",
                name,
                format!("add it: `seawall credential set {name} --env VARIABLE`"),
            )
        })
    }
}

fn unusable(name: &CredentialName, error: &Unminted) -> EngineError {
    EngineError::Conflict(format!("the credential `{name}` cannot be used: {error}"))
}
