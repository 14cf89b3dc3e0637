//! [`Store`] for SQLite: what is not the same on both databases.

use super::{SqliteStore, clear, deliveries, derive, read, sweep, verdicts};
use crate::{
    Result, Store,
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
use std::sync::Arc;

store! { SqliteStore {
    async fn put_blueprint(
        &self,
        blueprint: &Blueprint,
        source: &str,
        now: Millis,
        change: Option<&DefinitionChange>,
    ) -> Result<bool> {
        let mut writer = self.writer().await;
        let changed = sql::definitions::put_blueprint(&mut writer.conn(), blueprint, source, now, change).await?;
        writer.forget_rules();
        Ok(changed)
    }

    async fn remove_blueprint(&self, blueprint: &BlueprintId, change: Option<&DefinitionChange>) -> Result<bool> {
        let mut writer = self.writer().await;
        let removed = sql::definitions::remove_blueprint(&mut writer.conn(), blueprint, change).await?;
        writer.forget_rules();
        Ok(removed)
    }

    fn is_shared(&self) -> bool {
        // The data folder is one process's.
        false
    }

    async fn derive(&self, writes: Vec<DeriveWrite>, cause: &str, _duty: &Duty, now: Millis) -> Result<PageResult> {
        let cause = cause.to_owned();
        self.write(
            || Ok(()),
            move |(), conn, memory| derive::derive(conn, memory, writes, cause, now),
        )
        .await
    }

    async fn merge_again(
        &self,
        blueprint: &BlueprintId,
        after: i64,
        limit: usize,
        cause: &str,
        now: Millis,
    ) -> Result<(PageResult, Option<i64>)> {
        let (blueprint, cause) = (blueprint.clone(), cause.to_owned());
        self.write(
            || Ok(()),
            move |(), conn, memory| derive::merge_again(conn, memory, (&blueprint, after, limit), cause, now),
        )
        .await
    }

    async fn clear_partition(
        &self,
        partition: i64,
        fence: i64,
        limit: usize,
        cause: &str,
        now: Millis,
    ) -> Result<SweepResult> {
        let cause = cause.to_owned();
        self.write(
            || Ok(cause),
            move |cause, conn, memory| clear::clear(conn, memory, partition, fence, limit, cause, now),
        )
        .await
    }

    async fn put_credential(&self, credential: &CredentialRow, secret: Option<&str>) -> Result<()> {
        let mut writer = self.writer().await;
        let sealed = match (&credential.source, secret) {
            (SecretSource::Sealed, Some(secret)) => Some(self.master_key().seal(credential.name.as_str(), secret)?),
            (SecretSource::Sealed, None) => {
                if sql::credentials::sealed(&mut writer.conn(), &credential.name)
                    .await?
                    .is_none()
                {
                    return Err(sql::credentials::nothing_to_seal(&credential.name));
                }
                None
            }
            _ => None,
        };
        sql::credentials::put(&mut writer.conn(), credential, sealed).await
    }

    async fn reseal(&self, name: &CredentialName, secret: &str) -> Result<bool> {
        let mut writer = self.writer().await;
        let sealed = self.master_key().seal(name.as_str(), secret)?;
        sql::credentials::reseal(&mut writer.conn(), name, sealed).await
    }

    async fn rotate_master_key(&self) -> Result<()> {
        self.rotate().await
    }

    async fn unseal(&self, name: &CredentialName) -> Result<Option<String>> {
        // Beside the writer, so that value and key are of one time: a change of the key is a transaction and a lock behind it.
        let writer = self.writer().await;
        let sealed = sql::credentials::sealed(&mut self.reading().await?.conn(), name).await?;
        let key = self.master_key();
        drop(writer);
        sealed.map(|sealed| key.unseal(name.as_str(), &sealed)).transpose()
    }

    async fn item_states(&self, partition: i64, keys: &[&str]) -> Result<Vec<Option<ItemState>>> {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        // Readers' caches go stale with every commit; the writer's own stays warm.
        if let Ok(mut writer) = Arc::clone(&self.writer).try_lock_owned() {
            return super::blocking(move || writer.read(|conn| read::item_states(conn, partition, &keys))).await;
        }
        self.readers
            .run(move |conn| read::item_states(conn, partition, &keys))
            .await
    }

    async fn items_named(&self, partition: i64, keys: &[&str]) -> Result<Vec<Option<ItemRow>>> {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        self.readers
            .run(move |conn| read::items_named(conn, partition, &keys))
            .await
    }

    async fn apply_page(&self, page: PageWrite) -> Result<PageResult> {
        self.write(
            move || Page::prepare(page),
            |page, conn, memory| page.apply(conn, memory),
        )
        .await
    }

    async fn missing(&self, pass: i64) -> Result<Missing> {
        self.readers.run(move |conn| sweep::missing(conn, pass)).await
    }

    async fn sweep(&self, pass: i64, fence: i64, limit: usize, now: Millis) -> Result<SweepResult> {
        self.write(
            || Ok(()),
            move |(), conn, memory| sweep::sweep(conn, memory, pass, fence, limit, now),
        )
        .await
    }

    async fn entities(&self, ids: &[i64]) -> Result<Vec<EntityRow>> {
        let (ids, blueprints) = (ids.to_owned(), Arc::clone(&self.blueprints));
        self.readers
            .run(move |conn| read::entities(conn, &blueprints, &ids))
            .await
    }

    async fn entities_named(&self, names: &[(&BlueprintId, &EntityId)]) -> Result<Vec<Option<EntityRow>>> {
        let names: Vec<(BlueprintId, EntityId)> = names
            .iter()
            .map(|(blueprint, identifier)| ((*blueprint).clone(), (*identifier).clone()))
            .collect();
        let blueprints = Arc::clone(&self.blueprints);
        self.readers
            .run(move |conn| read::entities_named(conn, &blueprints, &names))
            .await
    }

    async fn entity(&self, blueprint: &BlueprintId, identifier: &EntityId) -> Result<Option<EntityRow>> {
        let (blueprint, identifier, blueprints) = (blueprint.clone(), identifier.clone(), Arc::clone(&self.blueprints));
        self.readers
            .run(move |conn| read::entity(conn, &blueprints, &blueprint, &identifier))
            .await
    }

    async fn sources(&self, entity: i64) -> Result<Vec<SourceRow>> {
        self.readers.run(move |conn| read::sources(conn, entity)).await
    }

    async fn scan_entities(&self, after: i64, limit: usize) -> Result<Vec<EntityRow>> {
        let blueprints = Arc::clone(&self.blueprints);
        self.readers
            .run(move |conn| read::scan(conn, &blueprints, after, limit))
            .await
    }

    async fn history(
        &self,
        blueprint: &BlueprintId,
        identifier: &EntityId,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ChangeRow>> {
        let (blueprint, identifier) = (blueprint.clone(), identifier.clone());
        self.readers
            .run(move |conn| read::history(conn, &blueprint, &identifier, before.unwrap_or(i64::MAX), limit))
            .await
    }

    async fn changes(&self, after: i64, limit: usize) -> Result<Vec<ChangeRow>> {
        self.readers.run(move |conn| read::changes(conn, after, limit)).await
    }

    async fn position(&self) -> Result<i64> {
        self.readers.run(read::position).await
    }

    async fn put_verdicts(&self, verdicts: &[VerdictRow]) -> Result<()> {
        let rows = verdicts.to_vec();
        self.write(|| Ok(rows), |rows, conn, _| verdicts::put(conn, &rows))
            .await
    }

    async fn ping(&self) -> Result<()> {
        self.readers
            .run(|conn| Ok(conn.query_row("SELECT 1", [], |_| Ok(()))?))
            .await
    }

    async fn put_deliveries(&self, deliveries: Vec<NewDelivery>) -> Result<Vec<Option<i64>>> {
        self.write(move || Ok(deliveries), |all, conn, _| deliveries::put(conn, &all))
            .await
    }

    async fn put_subscription(&self, write: &SubscriptionWrite, now: Millis) -> Result<bool> {
        let mut writer = self.writer().await;
        let secrets = write.secrets.as_ref();
        let sealed = secrets
            .map(|secrets| sql::subscriptions::seal(&self.master_key(), &write.name, secrets))
            .transpose()?;
        sql::subscriptions::put(&mut writer.conn(), write, sealed, now).await
    }

    async fn subscription_secrets(&self, name: &SubscriptionName) -> Result<Option<Secrets>> {
        // As `unseal`: value and key are of one time.
        let writer = self.writer().await;
        let sealed = sql::subscriptions::sealed(&mut self.reading().await?.conn(), name).await?;
        let key = self.master_key();
        drop(writer);
        sealed
            .map(|sealed| sql::subscriptions::unseal(&key, name, &sealed))
            .transpose()
    }

    async fn put_subscription_secrets(&self, name: &SubscriptionName, secrets: &Secrets, now: Millis) -> Result<bool> {
        let mut writer = self.writer().await;
        let sealed = sql::subscriptions::seal(&self.master_key(), name, secrets)?;
        sql::subscriptions::reseal(&mut writer.conn(), name, sealed, now).await
    }
} }
