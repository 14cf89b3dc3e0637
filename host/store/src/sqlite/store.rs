//! [`Store`] for SQLite: who answers what.

use super::{SqliteStore, clear, clients, deliveries, derive, page::Page, read, sweep, verdicts};
use crate::{
    BlueprintRow, ChangeRow, ClientSourceRow, ContributionRow, CredentialRow, DeliveryFilter, DeliveryOutcome,
    DeliveryRow, DeriveWrite, EgressFilter, EgressRow, EgressUsageRow, EntityRow, InstallationRow, IntegrationRow,
    ItemRow, ItemState, LetterRow, LetterState, LogLine, Missing, NewDelivery, PageResult, PageWrite, PartitionRow,
    PassRow, PluginRow, RejectedRow, Result, RunRow, Settlement, SourceRow, Store, StoreError, SubscriptionRow,
    SubscriptionWrite, SweepResult, Vanished, VerdictFilter, VerdictRow, sql,
};
use async_trait::async_trait;
use seawall_domain::{
    Blueprint, BlueprintId, CredentialName, Digest, EntityId, IntegrationName, Millis, SubscriptionName,
    credential::SecretSource, grant::Decision, integration::Integration, pass::PassState, policy::PolicyChange,
    subscription::Secrets,
};
use serde_json::Value;
use std::sync::Arc;

#[async_trait]
impl Store for SqliteStore {
    async fn put_blueprint(&self, blueprint: &Blueprint, source: &str, now: Millis) -> Result<bool> {
        let mut writer = self.writer().await;
        let changed = sql::definitions::put_blueprint(&mut writer.conn, blueprint, source, now).await?;
        writer.forget_precedences();
        Ok(changed)
    }

    async fn remove_blueprint(&self, blueprint: &BlueprintId) -> Result<bool> {
        let mut writer = self.writer().await;
        let removed = sql::definitions::remove_blueprint(&mut writer.conn, blueprint).await?;
        writer.forget_precedences();
        Ok(removed)
    }

    async fn blueprints(&self) -> Result<Vec<BlueprintRow>> {
        sql::definitions::blueprints(&mut *self.reader().await?).await
    }

    async fn remove_plugin(&self, digest: &Digest) -> Result<()> {
        sql::definitions::remove_plugin(&mut self.writer().await.conn, digest).await
    }

    async fn put_plugin(&self, plugin: &PluginRow) -> Result<()> {
        sql::definitions::put_plugin(&mut self.writer().await.conn, plugin).await
    }

    async fn plugins(&self) -> Result<Vec<PluginRow>> {
        sql::definitions::plugins(&mut *self.reader().await?).await
    }

    async fn put_installation(&self, installation: &InstallationRow) -> Result<()> {
        sql::definitions::put_installation(&mut self.writer().await.conn, installation).await
    }

    async fn installations(&self) -> Result<Vec<InstallationRow>> {
        sql::definitions::installations(&mut *self.reader().await?).await
    }

    async fn put_decision(&self, decision: &Decision) -> Result<()> {
        sql::definitions::put_decision(&mut self.writer().await.conn, decision).await
    }

    async fn decisions(&self, digest: Option<&Digest>) -> Result<Vec<Decision>> {
        sql::definitions::decisions(&mut *self.reader().await?, digest).await
    }

    async fn put_policy(&self, change: &PolicyChange) -> Result<()> {
        sql::definitions::put_policy(&mut self.writer().await.conn, change).await
    }

    async fn policies(&self) -> Result<Vec<PolicyChange>> {
        sql::definitions::policies(&mut *self.reader().await?).await
    }

    async fn put_integration(&self, integration: &Integration, now: Millis) -> Result<IntegrationRow> {
        sql::integrations::put(&mut self.writer().await.conn, integration, now).await
    }

    async fn set_paused(&self, name: &IntegrationName, paused: bool) -> Result<bool> {
        sql::integrations::set_paused(&mut self.writer().await.conn, name, paused).await
    }

    async fn set_stopped(&self, name: &IntegrationName, reason: Option<&str>) -> Result<bool> {
        sql::integrations::set_stopped(&mut self.writer().await.conn, name, reason).await
    }

    async fn begin_removal(&self, name: &IntegrationName) -> Result<bool> {
        sql::integrations::begin_removal(&mut self.writer().await.conn, name).await
    }

    async fn next_to_clear(&self, integration: i64) -> Result<Option<i64>> {
        sql::partitions::first(&mut *self.reader().await?, integration).await
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

    async fn remove_integration(&self, integration: i64) -> Result<()> {
        sql::integrations::remove(&mut self.writer().await.conn, integration).await
    }

    async fn integrations(&self) -> Result<Vec<IntegrationRow>> {
        sql::integrations::all(&mut *self.reader().await?).await
    }

    async fn put_credential(&self, credential: &CredentialRow, secret: Option<&str>) -> Result<()> {
        let mut writer = self.writer().await;
        let sealed = match (&credential.source, secret) {
            (SecretSource::Sealed, Some(secret)) => Some(self.master_key().seal(credential.name.as_str(), secret)?),
            (SecretSource::Sealed, None) => {
                if sql::credentials::sealed(&mut writer.conn, &credential.name)
                    .await?
                    .is_none()
                {
                    return Err(StoreError::Seal(format!(
                        "credential `{}` is sealed, but there is no secret to seal; give one",
                        credential.name
                    )));
                }
                None
            }
            _ => None,
        };
        sql::credentials::put(&mut writer.conn, credential, sealed).await
    }

    async fn reseal(&self, name: &CredentialName, secret: &str) -> Result<bool> {
        let mut writer = self.writer().await;
        let sealed = self.master_key().seal(name.as_str(), secret)?;
        sql::credentials::reseal(&mut writer.conn, name, sealed).await
    }

    async fn remove_credential(&self, name: &CredentialName) -> Result<bool> {
        sql::credentials::remove(&mut self.writer().await.conn, name).await
    }

    async fn rotate_master_key(&self) -> Result<()> {
        self.rotate().await
    }

    async fn credentials(&self) -> Result<Vec<CredentialRow>> {
        sql::credentials::all(&mut *self.reader().await?).await
    }

    async fn unseal(&self, name: &CredentialName) -> Result<Option<String>> {
        // Beside the writer, so that value and key are of one time: a change of the key is a transaction and a lock behind it.
        let writer = self.writer().await;
        let sealed = sql::credentials::sealed(&mut *self.reader().await?, name).await?;
        let key = self.master_key();
        drop(writer);
        sealed.map(|sealed| key.unseal(name.as_str(), &sealed)).transpose()
    }

    async fn put_partitions(
        &self,
        integration: i64,
        kind: &str,
        names: &[String],
        now: Millis,
    ) -> Result<Vec<PartitionRow>> {
        sql::partitions::put(&mut self.writer().await.conn, integration, kind, names, now).await
    }

    async fn kinds(&self, integration: i64) -> Result<Vec<String>> {
        sql::partitions::kinds(&mut *self.reader().await?, integration).await
    }

    async fn vanished(&self, integration: i64, kind: &str) -> Result<Vanished> {
        sql::partitions::vanished(&mut *self.reader().await?, integration, kind).await
    }

    async fn partitions(&self, integration: i64) -> Result<Vec<PartitionRow>> {
        sql::partitions::all(&mut *self.reader().await?, integration).await
    }

    async fn lease(&self, partition: i64, owner: &str, now: Millis, until: Millis) -> Result<Option<i64>> {
        sql::partitions::lease(&mut self.writer().await.conn, partition, owner, now, until).await
    }

    async fn release(&self, partition: i64, fence: i64, due: Millis) -> Result<()> {
        sql::partitions::release(&mut self.writer().await.conn, partition, fence, due).await
    }

    async fn forget_cursor(&self, partition: i64) -> Result<()> {
        sql::partitions::forget_cursor(&mut self.writer().await.conn, partition).await
    }

    async fn make_due(&self, integration: i64, now: Millis) -> Result<()> {
        sql::partitions::make_due(&mut self.writer().await.conn, integration, now).await
    }

    async fn begin_pass(&self, partition: i64, fence: i64, now: Millis) -> Result<PassRow> {
        sql::passes::begin(&mut self.writer().await.conn, partition, fence, false, now).await
    }

    async fn begin_closing(&self, partition: i64, fence: i64, now: Millis) -> Result<PassRow> {
        sql::passes::begin(&mut self.writer().await.conn, partition, fence, true, now).await
    }

    async fn end_pass(&self, pass: i64, state: PassState, error: Option<&str>, now: Millis) -> Result<()> {
        sql::passes::end(&mut self.writer().await.conn, pass, state, error, now).await
    }

    async fn note_pass(&self, pass: i64, note: Option<&str>) -> Result<()> {
        sql::passes::note(&mut self.writer().await.conn, pass, note).await
    }

    async fn note_checkouts(&self, pass: i64, checkouts: &str) -> Result<()> {
        sql::passes::note_checkouts(&mut self.writer().await.conn, pass, checkouts).await
    }

    async fn passes(&self, integration: Option<i64>, before: Option<i64>, limit: usize) -> Result<Vec<PassRow>> {
        sql::passes::all(&mut *self.reader().await?, integration, before, limit).await
    }

    async fn newest_passes(&self, integration: i64) -> Result<Vec<PassRow>> {
        sql::passes::newest(&mut *self.reader().await?, integration).await
    }

    async fn last_ended(&self, integration: i64) -> Result<Option<Millis>> {
        sql::passes::last_ended(&mut *self.reader().await?, integration).await
    }

    async fn trim_passes(&self, keep: u64, keep_failed: u64, limit: usize) -> Result<u64> {
        sql::passes::trim(&mut self.writer().await.conn, keep, keep_failed, limit).await
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

    async fn rejected(&self, integration: Option<i64>, before: Option<i64>, limit: usize) -> Result<Vec<RejectedRow>> {
        sql::passes::rejected(&mut *self.reader().await?, integration, before, limit).await
    }

    async fn entities(&self, ids: &[i64]) -> Result<Vec<EntityRow>> {
        let (ids, blueprints) = (ids.to_owned(), Arc::clone(&self.blueprints));
        self.readers
            .run(move |conn| read::entities(conn, &blueprints, &ids))
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

    async fn contributions(&self, entity: i64) -> Result<Vec<ContributionRow>> {
        self.readers.run(move |conn| clients::contributions(conn, entity)).await
    }

    async fn derive(&self, writes: Vec<DeriveWrite>, cause: &str, now: Millis) -> Result<PageResult> {
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

    async fn client_partition(&self, source: &str, now: Millis) -> Result<i64> {
        let source = source.to_owned();
        self.write(|| Ok(()), move |(), conn, _| clients::partition(conn, &source, now))
            .await
    }

    async fn client_sources(&self) -> Result<Vec<ClientSourceRow>> {
        self.readers.run(clients::sources).await
    }

    async fn item(&self, partition: i64, key: &str) -> Result<Option<ItemRow>> {
        let key = key.to_owned();
        self.readers.run(move |conn| clients::item(conn, partition, &key)).await
    }

    async fn items(&self, partition: i64, after: &str, limit: usize) -> Result<Vec<ItemRow>> {
        let after = after.to_owned();
        self.readers
            .run(move |conn| clients::items(conn, partition, &after, limit))
            .await
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

    async fn put_egress(&self, records: &[EgressRow]) -> Result<()> {
        sql::egress::put(&mut self.writer().await.conn, records).await
    }

    async fn egress(&self, filter: &EgressFilter, before: Option<i64>, limit: usize) -> Result<Vec<EgressRow>> {
        sql::egress::list(&mut *self.reader().await?, filter, before, limit).await
    }

    async fn egress_usage(&self) -> Result<Vec<EgressUsageRow>> {
        sql::egress::usage(&mut *self.reader().await?).await
    }

    async fn trim_egress(&self, before: Millis, keep: u64) -> Result<u64> {
        sql::egress::trim(&mut self.writer().await.conn, before, keep).await
    }

    async fn create_run(&self, run: &RunRow) -> Result<(RunRow, bool)> {
        sql::runs::create(&mut self.writer().await.conn, run).await
    }

    async fn update_run(&self, run: &RunRow, log: &[LogLine]) -> Result<()> {
        sql::runs::update(&mut self.writer().await.conn, run, log).await
    }

    async fn run(&self, id: &str) -> Result<Option<RunRow>> {
        sql::runs::one(&mut *self.reader().await?, id).await
    }

    async fn runs(&self, before: Option<i64>, limit: usize) -> Result<Vec<RunRow>> {
        sql::runs::all(&mut *self.reader().await?, before, limit).await
    }

    async fn open_runs(&self) -> Result<Vec<RunRow>> {
        sql::runs::open(&mut *self.reader().await?).await
    }

    async fn run_log(&self, id: &str, after: i64) -> Result<Vec<LogLine>> {
        sql::runs::log(&mut *self.reader().await?, id, after).await
    }

    async fn put_verdicts(&self, verdicts: &[VerdictRow]) -> Result<()> {
        let rows = verdicts.to_vec();
        self.write(|| Ok(rows), |rows, conn, _| verdicts::put(conn, &rows))
            .await
    }

    async fn verdicts(&self, filter: &VerdictFilter) -> Result<Vec<VerdictRow>> {
        sql::verdicts::list(&mut *self.reader().await?, filter).await
    }

    async fn setting(&self, name: &str) -> Result<Option<Value>> {
        sql::settings::get(&mut *self.reader().await?, name).await
    }

    async fn put_setting(&self, name: &str, value: &Value) -> Result<()> {
        sql::settings::put(&mut self.writer().await.conn, name, value).await
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

    async fn waiting_deliveries(&self, integration: i64, after: i64, limit: usize) -> Result<Vec<DeliveryRow>> {
        sql::deliveries::waiting(&mut *self.reader().await?, integration, after, limit).await
    }

    async fn deliveries(&self, filter: &DeliveryFilter, before: Option<i64>, limit: usize) -> Result<Vec<DeliveryRow>> {
        sql::deliveries::list(&mut *self.reader().await?, filter, before, limit).await
    }

    async fn delivery(&self, id: i64) -> Result<Option<DeliveryRow>> {
        sql::deliveries::one(&mut *self.reader().await?, id).await
    }

    async fn update_deliveries(&self, outcomes: &[DeliveryOutcome], now: Millis) -> Result<()> {
        sql::deliveries::update(&mut self.writer().await.conn, outcomes, now).await
    }

    async fn trim_deliveries(&self, older: Millis) -> Result<u64> {
        sql::deliveries::trim(&mut self.writer().await.conn, older).await
    }

    async fn put_subscription(&self, write: &SubscriptionWrite, now: Millis) -> Result<bool> {
        let mut writer = self.writer().await;
        let secrets = write.secrets.as_ref();
        let sealed = secrets
            .map(|secrets| self.seal_secrets(&write.name, secrets))
            .transpose()?;
        sql::subscriptions::put(&mut writer.conn, write, sealed, now).await
    }

    async fn subscriptions(&self) -> Result<Vec<SubscriptionRow>> {
        sql::subscriptions::all(&mut *self.reader().await?).await
    }

    async fn subscription_secrets(&self, name: &SubscriptionName) -> Result<Option<Secrets>> {
        // As `unseal`: value and key are of one time.
        let writer = self.writer().await;
        let sealed = sql::subscriptions::sealed(&mut *self.reader().await?, name).await?;
        let key = self.master_key();
        drop(writer);
        let Some(sealed) = sealed else { return Ok(None) };
        let text = key.unseal(&sql::subscriptions::seal_name(name.as_str()), &sealed)?;
        Ok(Some(super::from_json("subscription", &text)?))
    }

    async fn put_subscription_secrets(&self, name: &SubscriptionName, secrets: &Secrets, now: Millis) -> Result<bool> {
        let mut writer = self.writer().await;
        let sealed = self.seal_secrets(name, secrets)?;
        sql::subscriptions::reseal(&mut writer.conn, name, sealed, now).await
    }

    async fn pause_subscription(&self, name: &SubscriptionName, paused: bool, now: Millis) -> Result<bool> {
        sql::subscriptions::set_paused(&mut self.writer().await.conn, name, paused, now).await
    }

    async fn note_subscription(&self, id: i64, problem: Option<&str>) -> Result<()> {
        sql::subscriptions::set_problem(&mut self.writer().await.conn, id, problem).await
    }

    async fn remove_subscription(&self, name: &SubscriptionName) -> Result<bool> {
        sql::subscriptions::remove(&mut self.writer().await.conn, name).await
    }

    async fn lease_subscription(&self, id: i64, owner: &str, now: Millis, length: Millis) -> Result<Option<i64>> {
        sql::subscriptions::lease(&mut self.writer().await.conn, id, owner, now, length).await
    }

    async fn settle_subscription(&self, id: i64, fence: i64, outcome: &Settlement, now: Millis) -> Result<bool> {
        sql::subscriptions::settle(&mut self.writer().await.conn, id, fence, outcome, now).await
    }

    async fn waiting_letters(&self, id: i64, limit: usize) -> Result<Vec<LetterRow>> {
        sql::subscriptions::waiting(&mut *self.reader().await?, id, limit).await
    }

    async fn waiting_entities(&self, id: i64) -> Result<Vec<String>> {
        sql::subscriptions::waiting_entities(&mut *self.reader().await?, id).await
    }

    async fn letters(
        &self,
        id: i64,
        state: Option<LetterState>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<LetterRow>> {
        sql::subscriptions::letters(&mut *self.reader().await?, id, state, before, limit).await
    }

    async fn letter(&self, id: i64, letter: i64) -> Result<Option<LetterRow>> {
        sql::subscriptions::letter(&mut *self.reader().await?, id, letter).await
    }

    async fn retry_letter(&self, id: i64, letter: i64, now: Millis) -> Result<bool> {
        sql::subscriptions::retry(&mut self.writer().await.conn, id, letter, now).await
    }

    async fn drop_letter(&self, id: i64, letter: i64) -> Result<bool> {
        sql::subscriptions::drop_dead(&mut self.writer().await.conn, id, letter).await
    }

    async fn log_start(&self) -> Result<i64> {
        sql::subscriptions::log_start(&mut *self.reader().await?).await
    }

    async fn trim_changes(&self, older: Millis, upto: i64, limit: usize) -> Result<u64> {
        sql::subscriptions::trim(&mut self.writer().await.conn, older, upto, limit).await
    }
}

impl SqliteStore {
    fn seal_secrets(&self, name: &SubscriptionName, secrets: &Secrets) -> Result<Vec<u8>> {
        let text = super::to_json("subscription", secrets)?;
        self.master_key()
            .seal(&sql::subscriptions::seal_name(name.as_str()), &text)
    }
}
