//! [`Store`] for PostgreSQL: what is not the same on both databases.

use super::{PgStore, again::again, clear, deliveries, derive, page, read::Reader, sweep, verdicts};
use crate::{
    Result, Store, StoreError,
    model::*,
    page::Page,
    sql::{self, Ask},
    store::{ask, store},
};
use seawall_domain::{
    Blueprint, BlueprintId, CredentialName, Digest, EntityId, IntegrationName, Millis, SubscriptionName,
    credential::SecretSource, definition::DefinitionChange, grant::Decision, integration::Integration, pass::PassState,
    policy::PolicyChange, subscription::Secrets,
};
use serde_json::Value;

/// Reads on a connection, in a transaction where statements do not stay prepared. Such a transaction is only dropped: what ends it
/// is sent when the connection goes back, and nobody waits for it.
macro_rules! read {
    ($self:ident, |$reader:ident, $conn:ident| $ask:expr) => {{
        let $reader = Reader {
            names: &$self.names,
            keep: $self.keep,
        };
        again!(async {
            if $self.keep {
                let mut held = $self.pool.acquire().await?;
                let $conn = &mut *held;
                $ask.await
            } else {
                let mut tx = $self.pool.begin().await?;
                let $conn = &mut *tx;
                $ask.await
            }
        })
    }};
}

store! { PgStore {
    async fn put_blueprint(
        &self,
        blueprint: &Blueprint,
        source: &str,
        now: Millis,
        change: Option<&DefinitionChange>,
    ) -> Result<bool> {
        ask!(self.writing(), |conn| sql::definitions::put_blueprint(conn, blueprint, source, now, change))
    }

    async fn remove_blueprint(&self, blueprint: &BlueprintId, change: Option<&DefinitionChange>) -> Result<bool> {
        ask!(self.writing(), |conn| sql::definitions::remove_blueprint(conn, blueprint, change))
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn derive(&self, writes: Vec<DeriveWrite>, cause: &str, duty: &Duty, now: Millis) -> Result<PageResult> {
        again!(derive::derive(self, &writes, cause, duty, now))
    }

    async fn merge_again(
        &self,
        blueprint: &BlueprintId,
        after: i64,
        limit: usize,
        cause: &str,
        now: Millis,
    ) -> Result<(PageResult, Option<i64>)> {
        self.know([blueprint].into_iter()).await?;
        again!(derive::again(self, (blueprint, after, limit), cause, now))
    }

    async fn clear_partition(
        &self,
        partition: i64,
        fence: i64,
        limit: usize,
        cause: &str,
        now: Millis,
    ) -> Result<SweepResult> {
        again!(clear::clear(self, partition, fence, limit, cause, now))
    }

    async fn put_credential(&self, credential: &CredentialRow, secret: Option<&str>) -> Result<()> {
        let sealed = match (&credential.source, secret) {
            (SecretSource::Sealed, Some(secret)) => Some(self.master_key().seal(credential.name.as_str(), secret)?),
            (SecretSource::Sealed, None) => {
                let known = async || -> Result<_> {
                    ask!(self.reading(), |conn| sql::credentials::sealed(conn, &credential.name))
                };
                if known().await?.is_none() {
                    return Err(sql::credentials::nothing_to_seal(&credential.name));
                }
                None
            }
            _ => None,
        };
        ask!(self.writing(), |conn| sql::credentials::put(conn, credential, sealed.clone()))
    }

    async fn reseal(&self, name: &CredentialName, secret: &str) -> Result<bool> {
        let sealed = self.master_key().seal(name.as_str(), secret)?;
        ask!(self.writing(), |conn| sql::credentials::reseal(conn, name, sealed.clone()))
    }

    async fn rotate_master_key(&self) -> Result<()> {
        Err(StoreError::Unusable(
            "on PostgreSQL other processes may hold the master key too: stop them all, change it with \
             `seawall admin change-master-key`, give each the new one, and start them again"
                .to_owned(),
        ))
    }

    async fn unseal(&self, name: &CredentialName) -> Result<Option<String>> {
        let sealed = async || -> Result<_> { ask!(self.reading(), |conn| sql::credentials::sealed(conn, name)) };
        let key = self.master_key();
        sealed().await?.map(|sealed| key.unseal(name.as_str(), &sealed)).transpose()
    }

    async fn item_states(&self, partition: i64, keys: &[&str]) -> Result<Vec<Option<ItemState>>> {
        read!(self, |reader, conn| reader.item_states(conn, partition, keys))
    }

    async fn items_named(&self, partition: i64, keys: &[&str]) -> Result<Vec<Option<ItemRow>>> {
        read!(self, |reader, conn| reader.items_named(conn, partition, keys))
    }

    async fn apply_page(&self, page: PageWrite) -> Result<PageResult> {
        let page = tokio::task::spawn_blocking(|| Page::prepare(page))
            .await
            .map_err(|e| StoreError::Database(sqlx::Error::Io(std::io::Error::other(e))))??;
        let said = page.upserts.iter().flat_map(|item| &item.says);
        let expected = page.expect.iter().filter_map(|expect| match expect {
            Expect::Entity { blueprint, .. } => Some(blueprint),
            Expect::Item { .. } => None,
        });
        self.know(said.map(crate::merge::Said::blueprint).chain(expected)).await?;
        again!(page::apply(self, &page))
    }

    async fn missing(&self, pass: i64) -> Result<Missing> {
        again!(sweep::missing(self, pass))
    }

    async fn sweep(&self, pass: i64, fence: i64, limit: usize, now: Millis) -> Result<SweepResult> {
        again!(sweep::sweep(self, pass, fence, limit, now))
    }

    async fn entities(&self, ids: &[i64]) -> Result<Vec<EntityRow>> {
        read!(self, |reader, conn| reader.entities(conn, ids))
    }

    async fn entities_named(&self, names: &[(&BlueprintId, &EntityId)]) -> Result<Vec<Option<EntityRow>>> {
        read!(self, |reader, conn| reader.entities_named(conn, names))
    }

    async fn entity(&self, blueprint: &BlueprintId, identifier: &EntityId) -> Result<Option<EntityRow>> {
        read!(self, |reader, conn| reader.entity(conn, blueprint, identifier))
    }

    async fn sources(&self, entity: i64) -> Result<Vec<SourceRow>> {
        read!(self, |reader, conn| reader.sources(conn, entity))
    }

    async fn scan_entities(&self, after: i64, limit: usize) -> Result<Vec<EntityRow>> {
        read!(self, |reader, conn| reader.scan(conn, after, limit))
    }

    async fn history(
        &self,
        blueprint: &BlueprintId,
        identifier: &EntityId,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ChangeRow>> {
        let before = before.unwrap_or(i64::MAX);
        read!(self, |reader, conn| reader.history(conn, blueprint, identifier, before, limit))
    }

    async fn changes(&self, after: i64, limit: usize) -> Result<Vec<ChangeRow>> {
        read!(self, |reader, conn| reader.changes(conn, after, limit))
    }

    async fn position(&self) -> Result<i64> {
        read!(self, |reader, conn| reader.position(conn))
    }

    async fn put_verdicts(&self, verdicts: &[VerdictRow]) -> Result<()> {
        again!(verdicts::put(self, verdicts))
    }

    async fn ping(&self) -> Result<()> {
        read!(self, |reader, conn| reader.ping(conn))
    }

    async fn put_deliveries(&self, deliveries: Vec<NewDelivery>) -> Result<Vec<Option<i64>>> {
        again!(deliveries::put(self, &deliveries))
    }

    async fn put_subscription(&self, write: &SubscriptionWrite, now: Millis) -> Result<bool> {
        let secrets = write.secrets.as_ref();
        let sealed = secrets
            .map(|secrets| sql::subscriptions::seal(&self.master_key(), &write.name, secrets))
            .transpose()?;
        ask!(self.writing(), |conn| sql::subscriptions::put(conn, write, sealed.clone(), now))
    }

    async fn subscription_secrets(&self, name: &SubscriptionName) -> Result<Option<Secrets>> {
        let sealed = async || -> Result<_> { ask!(self.reading(), |conn| sql::subscriptions::sealed(conn, name)) };
        let key = self.master_key();
        sealed()
            .await?
            .map(|sealed| sql::subscriptions::unseal(&key, name, &sealed))
            .transpose()
    }

    async fn put_subscription_secrets(&self, name: &SubscriptionName, secrets: &Secrets, now: Millis) -> Result<bool> {
        let sealed = sql::subscriptions::seal(&self.master_key(), name, secrets)?;
        ask!(self.writing(), |conn| sql::subscriptions::reseal(conn, name, sealed.clone(), now))
    }
} }
