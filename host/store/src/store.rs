//! [`Store`]'s answers that are the same on both databases: each asks through `sql`.

/// Writes `impl Store` for a type with `reading()` and `writing()`, which give connections. What is in braces is its own.
macro_rules! store {
    ($store:ty { $($own:tt)* }) => {
        #[async_trait::async_trait]
        impl Store for $store {
            async fn blueprints(&self) -> Result<Vec<BlueprintRow>> {
                ask!(self.reading(), |conn| sql::definitions::blueprints(conn))
            }

            async fn remove_plugin(&self, digest: &Digest, now: Millis) -> Result<()> {
                ask!(self.writing(), |conn| sql::definitions::remove_plugin(conn, digest, now))
            }

            async fn removed_plugins(&self) -> Result<Vec<PluginRow>> {
                ask!(self.reading(), |conn| sql::definitions::removed_plugins(conn))
            }

            async fn put_plugin(&self, plugin: &PluginRow) -> Result<()> {
                ask!(self.writing(), |conn| sql::definitions::put_plugin(conn, plugin))
            }

            async fn plugins(&self) -> Result<Vec<PluginRow>> {
                ask!(self.reading(), |conn| sql::definitions::plugins(conn))
            }

            async fn put_installation(&self, installation: &InstallationRow) -> Result<()> {
                ask!(self.writing(), |conn| sql::definitions::put_installation(conn, installation))
            }

            async fn installations(&self) -> Result<Vec<InstallationRow>> {
                ask!(self.reading(), |conn| sql::definitions::installations(conn))
            }

            async fn put_decision(&self, decision: &Decision, note: &DefinitionChange) -> Result<()> {
                ask!(self.writing(), |conn| sql::definitions::put_decision(conn, decision, note))
            }

            async fn decisions(&self, digest: Option<&Digest>) -> Result<Vec<Decision>> {
                ask!(self.reading(), |conn| sql::definitions::decisions(conn, digest))
            }

            async fn put_policy(&self, change: &PolicyChange) -> Result<()> {
                ask!(self.writing(), |conn| sql::definitions::put_policy(conn, change))
            }

            async fn policies(&self) -> Result<Vec<PolicyChange>> {
                ask!(self.reading(), |conn| sql::definitions::policies(conn))
            }

            async fn put_definition_change(&self, change: &DefinitionChange, begun: Option<&str>) -> Result<bool> {
                ask!(self.writing(), |conn| sql::history::put_begun(conn, change, begun))
            }

            async fn definition_changes(
                &self,
                filter: &DefinitionFilter,
                before: Option<i64>,
                limit: usize,
            ) -> Result<Vec<(i64, DefinitionChange)>> {
                ask!(self.reading(), |conn| sql::history::changes(conn, filter, before, limit))
            }

            async fn put_integration(&self, integration: &Integration, now: Millis) -> Result<IntegrationRow> {
                ask!(self.writing(), |conn| sql::integrations::put(conn, integration, now))
            }

            async fn set_paused(&self, name: &IntegrationName, paused: bool) -> Result<bool> {
                ask!(self.writing(), |conn| sql::integrations::set_paused(conn, name, paused))
            }

            async fn set_stopped(&self, name: &IntegrationName, reason: Option<&str>) -> Result<bool> {
                ask!(self.writing(), |conn| sql::integrations::set_stopped(conn, name, reason))
            }

            async fn begin_removal(&self, name: &IntegrationName) -> Result<bool> {
                ask!(self.writing(), |conn| sql::integrations::begin_removal(conn, name))
            }

            async fn next_to_clear(&self, integration: i64) -> Result<Option<i64>> {
                ask!(self.reading(), |conn| sql::partitions::first(conn, integration))
            }

            async fn remove_integration(&self, integration: i64) -> Result<()> {
                ask!(self.writing(), |conn| sql::integrations::remove(conn, integration))
            }

            async fn integrations(&self) -> Result<Vec<IntegrationRow>> {
                ask!(self.reading(), |conn| sql::integrations::all(conn))
            }

            async fn remove_credential(&self, name: &CredentialName) -> Result<bool> {
                ask!(self.writing(), |conn| sql::credentials::remove(conn, name))
            }

            async fn credentials(&self) -> Result<Vec<CredentialRow>> {
                ask!(self.reading(), |conn| sql::credentials::all(conn))
            }

            async fn put_partitions(
                &self,
                integration: i64,
                kind: &str,
                names: &[String],
                now: Millis,
            ) -> Result<Vec<PartitionRow>> {
                ask!(self.writing(), |conn| sql::partitions::put(conn, integration, kind, names, now))
            }

            async fn kinds(&self, integration: i64) -> Result<Vec<String>> {
                ask!(self.reading(), |conn| sql::partitions::kinds(conn, integration))
            }

            async fn vanished(&self, integration: i64, kind: &str) -> Result<Vanished> {
                ask!(self.reading(), |conn| sql::partitions::vanished(conn, integration, kind))
            }

            async fn partitions(&self, integration: i64) -> Result<Vec<PartitionRow>> {
                ask!(self.reading(), |conn| sql::partitions::all(conn, integration))
            }

            async fn lease(&self, partition: i64, owner: &str, now: Millis, length: Millis) -> Result<Option<i64>> {
                ask!(self.writing(), |conn| sql::lease::PARTITION.take(conn, partition, owner, now, length))
            }

            async fn release(&self, partition: i64, fence: i64, seen: Millis, due: Millis) -> Result<()> {
                ask!(self.writing(), |conn| sql::partitions::release(conn, partition, fence, seen, due))
            }

            async fn forget_cursor(&self, partition: i64, fence: i64) -> Result<()> {
                ask!(self.writing(), |conn| sql::partitions::forget_cursor(conn, partition, fence))
            }

            async fn due(&self, partition: i64) -> Result<Option<Millis>> {
                ask!(self.reading(), |conn| sql::partitions::due(conn, partition))
            }

            async fn make_due(&self, integration: i64, now: Millis) -> Result<()> {
                ask!(self.writing(), |conn| sql::partitions::make_due(conn, integration, now))
            }

            async fn begin_pass(&self, partition: i64, fence: i64, now: Millis) -> Result<PassRow> {
                ask!(self.writing(), |conn| sql::passes::begin(conn, partition, fence, false, now))
            }

            async fn begin_closing(&self, partition: i64, fence: i64, now: Millis) -> Result<PassRow> {
                ask!(self.writing(), |conn| sql::passes::begin(conn, partition, fence, true, now))
            }

            async fn end_pass(
                &self,
                pass: i64,
                fence: Option<i64>,
                state: PassState,
                error: Option<&str>,
                now: Millis,
            ) -> Result<()> {
                ask!(self.writing(), |conn| sql::passes::end(conn, pass, fence, state, error, now))
            }

            async fn note_pass(&self, pass: i64, note: Option<&str>) -> Result<()> {
                ask!(self.writing(), |conn| sql::passes::note(conn, pass, note))
            }

            async fn note_checkouts(&self, pass: i64, checkouts: &str) -> Result<()> {
                ask!(self.writing(), |conn| sql::passes::note_checkouts(conn, pass, checkouts))
            }

            async fn passes(&self, integration: Option<i64>, before: Option<i64>, limit: usize) -> Result<Vec<PassRow>> {
                ask!(self.reading(), |conn| sql::passes::all(conn, integration, before, limit))
            }

            async fn newest_passes(&self, integration: i64) -> Result<Vec<PassRow>> {
                ask!(self.reading(), |conn| sql::passes::newest(conn, integration))
            }

            async fn last_ended(&self, integration: i64) -> Result<Option<Millis>> {
                ask!(self.reading(), |conn| sql::passes::last_ended(conn, integration))
            }

            async fn trim_passes(&self, keep: u64, keep_failed: u64, limit: usize) -> Result<u64> {
                ask!(self.writing(), |conn| sql::passes::trim(conn, keep, keep_failed, limit))
            }

            async fn rejected(&self, integration: Option<i64>, before: Option<i64>, limit: usize) -> Result<Vec<RejectedRow>> {
                ask!(self.reading(), |conn| sql::passes::rejected(conn, integration, before, limit))
            }

            async fn put_egress(&self, records: &[EgressRow]) -> Result<()> {
                ask!(self.writing(), |conn| sql::egress::put(conn, records))
            }

            async fn egress(&self, filter: &EgressFilter, before: Option<i64>, limit: usize) -> Result<Vec<EgressRow>> {
                ask!(self.reading(), |conn| sql::egress::list(conn, filter, before, limit))
            }

            async fn egress_usage(&self) -> Result<Vec<EgressUsageRow>> {
                ask!(self.reading(), |conn| sql::egress::usage(conn))
            }

            async fn put_capability_uses(&self, uses: &[CapabilityUsageRow]) -> Result<()> {
                ask!(self.writing(), |conn| sql::egress::put_uses(conn, uses))
            }

            async fn capability_usage(&self) -> Result<Vec<CapabilityUsageRow>> {
                ask!(self.reading(), |conn| sql::egress::uses(conn))
            }

            async fn trim_egress(&self, before: Millis, keep: u64) -> Result<u64> {
                ask!(self.writing(), |conn| sql::egress::trim(conn, before, keep))
            }

            async fn create_run(&self, run: &RunRow) -> Result<(RunRow, bool)> {
                ask!(self.writing(), |conn| sql::runs::create(conn, run))
            }

            async fn update_run(&self, run: &RunRow, log: &[LogLine], duty: &Duty) -> Result<()> {
                ask!(self.writing(), |conn| sql::runs::update(conn, run, log, duty))
            }

            async fn run(&self, id: &str) -> Result<Option<RunRow>> {
                ask!(self.reading(), |conn| sql::runs::one(conn, id))
            }

            async fn runs(&self, before: Option<i64>, limit: usize) -> Result<Vec<RunRow>> {
                ask!(self.reading(), |conn| sql::runs::all(conn, before, limit))
            }

            async fn open_runs(&self) -> Result<Vec<RunRow>> {
                ask!(self.reading(), |conn| sql::runs::open(conn))
            }

            async fn run_log(&self, id: &str, after: i64) -> Result<Vec<LogLine>> {
                ask!(self.reading(), |conn| sql::runs::log(conn, id, after))
            }

            async fn verdicts(&self, filter: &VerdictFilter) -> Result<Vec<VerdictRow>> {
                ask!(self.reading(), |conn| sql::verdicts::list(conn, filter))
            }

            async fn setting(&self, name: &str) -> Result<Option<Value>> {
                ask!(self.reading(), |conn| sql::settings::get(conn, name))
            }

            async fn put_setting(&self, name: &str, value: &Value) -> Result<()> {
                ask!(self.writing(), |conn| sql::settings::put(conn, name, value))
            }

            async fn swap_setting(&self, name: &str, before: Option<&Value>, after: Option<&Value>) -> Result<bool> {
                ask!(self.writing(), |conn| sql::settings::swap(conn, name, before, after))
            }

            async fn settings(&self, prefix: &str) -> Result<Vec<(String, Value)>> {
                ask!(self.reading(), |conn| sql::settings::beginning(conn, prefix))
            }

            async fn pulse(&self) -> Result<Pulse> {
                ask!(self.reading(), |conn| sql::replicas::pulse(conn))
            }

            async fn moved(&self, after: i64, limit: usize) -> Result<Vec<Moved>> {
                ask!(self.reading(), |conn| sql::replicas::moved(conn, after, limit))
            }

            async fn take_duty(&self, name: &str, owner: &str, length: Millis) -> Result<Option<Duty>> {
                ask!(self.writing(), |conn| sql::replicas::take(conn, name, owner, length))
            }

            async fn drop_duty(&self, duty: &Duty) -> Result<()> {
                ask!(self.writing(), |conn| sql::replicas::drop(conn, duty))
            }

            async fn put_component(&self, digest: &Digest, bytes: &[u8]) -> Result<()> {
                ask!(self.writing(), |conn| sql::definitions::put_component(conn, digest, bytes))
            }

            async fn component(&self, digest: &Digest) -> Result<Option<Vec<u8>>> {
                ask!(self.reading(), |conn| sql::definitions::component(conn, digest))
            }

            async fn waiting_deliveries(&self, integration: i64, after: i64, limit: usize) -> Result<Vec<DeliveryRow>> {
                ask!(self.reading(), |conn| sql::deliveries::waiting(conn, integration, after, limit))
            }

            async fn deliveries(&self, filter: &DeliveryFilter, before: Option<i64>, limit: usize) -> Result<Vec<DeliveryRow>> {
                ask!(self.reading(), |conn| sql::deliveries::list(conn, filter, before, limit))
            }

            async fn delivery(&self, id: i64) -> Result<Option<DeliveryRow>> {
                ask!(self.reading(), |conn| sql::deliveries::one(conn, id))
            }

            async fn update_deliveries(
                &self,
                outcomes: &[DeliveryOutcome],
                duty: Option<&Duty>,
                now: Millis,
            ) -> Result<()> {
                ask!(self.writing(), |conn| sql::deliveries::update(conn, outcomes, duty, now))
            }

            async fn trim_deliveries(&self, older: Millis) -> Result<u64> {
                ask!(self.writing(), |conn| sql::deliveries::trim(conn, older))
            }

            async fn client_partition(&self, source: &str, now: Millis) -> Result<i64> {
                ask!(self.writing(), |conn| sql::clients::partition(conn, source, now))
            }

            async fn client_sources(&self) -> Result<Vec<ClientSourceRow>> {
                ask!(self.reading(), |conn| sql::clients::sources(conn))
            }

            async fn items(&self, partition: i64, after: &str, limit: usize) -> Result<Vec<ItemRow>> {
                ask!(self.reading(), |conn| sql::clients::items(conn, partition, after, limit))
            }

            async fn contributions(&self, entity: i64) -> Result<Vec<ContributionRow>> {
                ask!(self.reading(), |conn| sql::clients::contributions(conn, entity))
            }

            async fn subscriptions(&self) -> Result<Vec<SubscriptionRow>> {
                ask!(self.reading(), |conn| sql::subscriptions::all(conn))
            }

            async fn pause_subscription(&self, name: &SubscriptionName, paused: bool, now: Millis) -> Result<bool> {
                ask!(self.writing(), |conn| sql::subscriptions::set_paused(conn, name, paused, now))
            }

            async fn note_subscription(&self, id: i64, problem: Option<&str>) -> Result<()> {
                ask!(self.writing(), |conn| sql::subscriptions::set_problem(conn, id, problem))
            }

            async fn remove_subscription(&self, name: &SubscriptionName) -> Result<bool> {
                ask!(self.writing(), |conn| sql::subscriptions::remove(conn, name))
            }

            async fn lease_subscription(
                &self,
                id: i64,
                owner: &str,
                now: Millis,
                length: Millis,
            ) -> Result<Option<i64>> {
                ask!(self.writing(), |conn| sql::lease::SUBSCRIPTION.take(conn, id, owner, now, length))
            }

            async fn settle_subscription(&self, id: i64, fence: i64, outcome: &Settlement, now: Millis) -> Result<bool> {
                ask!(self.writing(), |conn| sql::subscriptions::settle(conn, id, fence, outcome, now))
            }

            async fn waiting_letters(&self, id: i64, limit: usize) -> Result<Vec<LetterRow>> {
                ask!(self.reading(), |conn| sql::letters::waiting(conn, id, limit))
            }

            async fn waiting_entities(&self, id: i64) -> Result<Vec<String>> {
                ask!(self.reading(), |conn| sql::letters::waiting_entities(conn, id))
            }

            async fn letters(
                &self,
                id: i64,
                state: Option<LetterState>,
                before: Option<i64>,
                limit: usize,
            ) -> Result<Vec<LetterRow>> {
                ask!(self.reading(), |conn| sql::letters::all(conn, id, state, before, limit))
            }

            async fn letter(&self, id: i64, letter: i64) -> Result<Option<LetterRow>> {
                ask!(self.reading(), |conn| sql::letters::one(conn, id, letter))
            }

            async fn retry_letter(&self, id: i64, letter: i64, now: Millis) -> Result<bool> {
                ask!(self.writing(), |conn| sql::letters::retry(conn, id, letter, now))
            }

            async fn drop_letter(&self, id: i64, letter: i64) -> Result<bool> {
                ask!(self.writing(), |conn| sql::letters::drop_dead(conn, id, letter))
            }

            async fn log_start(&self) -> Result<i64> {
                ask!(self.reading(), |conn| sql::log::start(conn))
            }

            async fn trim_changes(&self, older: Millis, upto: i64, limit: usize) -> Result<u64> {
                ask!(self.writing(), |conn| sql::log::trim(conn, older, upto, limit))
            }

            $($own)*
        }
    };
}

/// Asks on a connection, and again on another one where the answer says that this is safe.
macro_rules! ask {
    ($connection:expr, |$conn:ident| $ask:expr) => {{
        let mut tries = 0;
        loop {
            let mut session = $connection.await?;
            let answer = {
                let $conn = &mut session.conn();
                $ask.await
            };
            match answer {
                Err(error) if error.is_safe_to_repeat() && tries < $crate::store::TRIES => tries += 1,
                answer => {
                    $crate::postgres::again::note(&answer);
                    return answer;
                }
            }
        }
    }};
}

pub(crate) use {ask, store};

/// How often a question is asked again at most. A restart of the database leaves as many dead connections as there are.
pub(crate) const TRIES: u32 = 16;
