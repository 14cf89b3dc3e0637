//! The only SQL. One [`Store`] over SQLite and PostgreSQL; the same contract tests run on each.
//!
//! Rows are found by identity here; lists, filters, sorts and counts are the read index's. Everything that belongs
//! together is one transaction: a page's items, contributions, merged entities, relations, change rows and cursor.

mod body;
mod copy;
mod error;
mod files;
mod merge;
mod model;
mod page;
mod postgres;
mod seal;
mod sql;
mod sqlite;
mod store;
mod url;

pub use copy::{Copied, Progress, backup, copy, restore};
pub use error::{Result, StoreError};
pub use model::*;
pub use postgres::{PgAddress, PgStore};
pub use seal::MasterKey;
pub use sqlite::SqliteStore;
pub use url::{DatabaseUrl, KeySource};

use async_trait::async_trait;
use seawall_domain::{
    Blueprint, BlueprintId, Digest, EntityId, IntegrationName, Millis, SubscriptionName, definition::DefinitionChange,
    grant::Decision, pass::PassState, policy::PolicyChange, subscription::Secrets,
};
use serde_json::Value;

/// The central database.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    // ---- blueprints

    /// Creates or replaces a blueprint; true when anything changed. Then `change` is kept with it, in one transaction.
    async fn put_blueprint(
        &self,
        blueprint: &Blueprint,
        source: &str,
        now: Millis,
        change: Option<&DefinitionChange>,
    ) -> Result<bool>;
    /// Removes a blueprint; false where there is none. Its entities stay. `change` is kept with it, in one transaction.
    async fn remove_blueprint(&self, blueprint: &BlueprintId, change: Option<&DefinitionChange>) -> Result<bool>;
    /// All blueprints, by identifier.
    async fn blueprints(&self) -> Result<Vec<BlueprintRow>>;

    // ---- plugins and grants

    /// Records an installed component; its bytes are kept outside, by digest. Installing the same digest again changes nothing.
    async fn put_plugin(&self, plugin: &PluginRow) -> Result<()>;
    /// Keeps a component's bytes, for processes that have no file of it.
    async fn put_component(&self, digest: &Digest, bytes: &[u8]) -> Result<()>;
    /// A component's bytes, where they were kept.
    async fn component(&self, digest: &Digest) -> Result<Option<Vec<u8>>>;
    /// Removes a component from the list, and its bytes; what it asked for, its decisions and its records stay.
    async fn remove_plugin(&self, digest: &Digest, now: Millis) -> Result<()>;
    /// All components that were removed and are not installed again, the last removed first.
    async fn removed_plugins(&self) -> Result<Vec<PluginRow>>;
    /// All installed components, newest first.
    async fn plugins(&self) -> Result<Vec<PluginRow>>;
    /// Keeps an installation. The newest of a digest counts.
    async fn put_installation(&self, installation: &InstallationRow) -> Result<()>;
    /// All installations, oldest first.
    async fn installations(&self) -> Result<Vec<InstallationRow>>;
    /// Keeps a decision, and its note in the history with it. The newest decision of a digest is the one in force.
    async fn put_decision(&self, decision: &Decision, note: &DefinitionChange) -> Result<()>;
    /// All decisions, oldest first; of one digest, or of all.
    async fn decisions(&self, digest: Option<&Digest>) -> Result<Vec<Decision>>;

    /// Keeps a policy, which is the one in force from now on.
    async fn put_policy(&self, change: &PolicyChange) -> Result<()>;
    /// All policies that were ever set, oldest first.
    async fn policies(&self) -> Result<Vec<PolicyChange>>;

    /// Keeps a change of a definition, and with it, in one transaction, takes away the setting `begun`; false, and nothing is kept,
    /// where that is not there any more.
    async fn put_definition_change(&self, change: &DefinitionChange, begun: Option<&str>) -> Result<bool>;
    /// Changes of definitions with their ids, newest first.
    async fn definition_changes(
        &self,
        filter: &DefinitionFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<(i64, DefinitionChange)>>;

    // ---- integrations and credentials

    /// Creates or replaces an integration. Its partitions and items stay.
    async fn put_integration(
        &self,
        integration: &seawall_domain::integration::Integration,
        now: Millis,
    ) -> Result<IntegrationRow>;
    /// Pauses or resumes.
    async fn set_paused(&self, name: &IntegrationName, paused: bool) -> Result<bool>;
    /// Sets why it is stopped until the operator acts; none clears it.
    async fn set_stopped(&self, name: &IntegrationName, reason: Option<&str>) -> Result<bool>;
    /// All integrations, by name.
    async fn integrations(&self) -> Result<Vec<IntegrationRow>>;
    /// Marks an integration as being removed, from which it does not come back; false where there is none. Then
    /// [`Store::clear_partition`] takes its partitions one by one, and [`Store::remove_integration`] the rest.
    async fn begin_removal(&self, name: &IntegrationName) -> Result<bool>;
    /// The next partition of an integration that is being removed, gone or not.
    async fn next_to_clear(&self, integration: i64) -> Result<Option<i64>>;
    /// Removes at most `limit` items of a partition with what they say; change rows name `cause`. Where none are left the
    /// partition goes, with its passes and what they rejected. Call it until nothing is removed.
    async fn clear_partition(
        &self,
        partition: i64,
        fence: i64,
        limit: usize,
        cause: &str,
        now: Millis,
    ) -> Result<SweepResult>;
    /// Removes an integration that is being removed and has no partitions any more.
    async fn remove_integration(&self, integration: i64) -> Result<()>;
    /// Creates or replaces a credential; `secret` is sealed under the master key where the source is `Sealed`.
    async fn put_credential(&self, credential: &CredentialRow, secret: Option<&str>) -> Result<()>;
    /// Replaces the secret of a credential that is sealed; false where there is none.
    async fn reseal(&self, name: &seawall_domain::CredentialName, secret: &str) -> Result<bool>;
    /// Removes a credential; false where there is none.
    async fn remove_credential(&self, name: &seawall_domain::CredentialName) -> Result<bool>;
    /// Makes a new master key and puts every sealed secret under it, all or none. [`StoreError::Unusable`] where the key is not this
    /// process's alone to change.
    async fn rotate_master_key(&self) -> Result<()>;
    /// All credentials, without secrets.
    async fn credentials(&self) -> Result<Vec<CredentialRow>>;
    /// The sealed secret of a credential, unsealed.
    async fn unseal(&self, name: &seawall_domain::CredentialName) -> Result<Option<String>>;

    // ---- partitions and passes

    /// Makes sure that exactly these partitions of a kind exist. Others are marked gone and are due at once: their items
    /// stay until a closing pass removes them. One that comes back is due at once too, without its cursor, and its
    /// closing pass, where one is open, is cancelled. Returns all that are listed.
    async fn put_partitions(
        &self,
        integration: i64,
        kind: &str,
        names: &[String],
        now: Millis,
    ) -> Result<Vec<PartitionRow>>;
    /// All partitions of an integration, by kind and name. Of those that are gone, only the ones with something left to
    /// do: items, or a pass that was cut off.
    async fn partitions(&self, integration: i64) -> Result<Vec<PartitionRow>>;
    /// The kinds of an integration that have a partition which is not gone.
    async fn kinds(&self, integration: i64) -> Result<Vec<String>>;
    /// What would go with all partitions of a kind that are gone.
    async fn vanished(&self, integration: i64, kind: &str) -> Result<Vanished>;
    /// Takes the partition for `owner` for `length` from now on, if nobody else holds it. The returned fence must come with
    /// every page; a later lease makes it stale. The owner itself may renew and gets the same fence. Where several processes
    /// share the database, its clock counts and `now` does not, so that no process with a wrong clock takes what another holds.
    async fn lease(&self, partition: i64, owner: &str, now: Millis, length: Millis) -> Result<Option<i64>>;
    /// Gives a lease back and says when the next pass is due. Where somebody made it due after `seen`, when it was due as the
    /// lease was taken, it stays so.
    async fn release(&self, partition: i64, fence: i64, seen: Millis, due: Millis) -> Result<()>;
    /// Forgets a partition's cursor, under its lease.
    async fn forget_cursor(&self, partition: i64, fence: i64) -> Result<()>;
    /// When a partition's next pass is due.
    async fn due(&self, partition: i64) -> Result<Option<Millis>>;
    /// Makes every partition of an integration due at once.
    async fn make_due(&self, integration: i64, now: Millis) -> Result<()>;
    /// The partition's running pass, or a new one. A pass that a crash cut off is the running one, with its counts.
    async fn begin_pass(&self, partition: i64, fence: i64, now: Millis) -> Result<PassRow>;
    /// The partition's closing pass, which lists nothing, so that a sweep removes all: the open one (running, or held),
    /// or a new one.
    async fn begin_closing(&self, partition: i64, fence: i64, now: Millis) -> Result<PassRow>;
    /// Ends a pass: under its partition's lease, or, without a fence, one that nobody works on.
    async fn end_pass(
        &self,
        pass: i64,
        fence: Option<i64>,
        state: PassState,
        error: Option<&str>,
        now: Millis,
    ) -> Result<()>;
    /// Notes an error that a running pass goes on from, and how often it has been tried.
    async fn note_pass(&self, pass: i64, note: Option<&str>) -> Result<()>;
    /// Notes which commits a pass reads, in the engine's own words.
    async fn note_checkouts(&self, pass: i64, checkouts: &str) -> Result<()>;
    /// Passes, newest first; of one integration, or of all.
    async fn passes(&self, integration: Option<i64>, before: Option<i64>, limit: usize) -> Result<Vec<PassRow>>;
    /// The newest pass of each of the partitions that [`Store::partitions`] gives, newest first.
    async fn newest_passes(&self, integration: i64) -> Result<Vec<PassRow>>;
    /// When the last pass of an integration ended.
    async fn last_ended(&self, integration: i64) -> Result<Option<Millis>>;
    /// Drops at most `limit` passes that have ended. Of each partition the newest `keep` of them stay, and those that
    /// failed among the newest `keep_failed`, which is also the most that stay. The oldest go first. Returns how many were
    /// dropped; call it until that is less than `limit`.
    async fn trim_passes(&self, keep: u64, keep_failed: u64, limit: usize) -> Result<u64>;

    // ---- pages

    /// Of each key, in order: the item's id and hash, where the partition has it.
    async fn item_states(&self, partition: i64, keys: &[&str]) -> Result<Vec<Option<ItemState>>>;
    /// Stores one page: all of it, or, with an error, nothing.
    async fn apply_page(&self, page: PageWrite) -> Result<PageResult>;
    /// How many of the partition's items the pass has not listed, and how many there are.
    async fn missing(&self, pass: i64) -> Result<Missing>;
    /// Removes at most `limit` items that the pass has not listed. Call it until nothing is removed.
    async fn sweep(&self, pass: i64, fence: i64, limit: usize, now: Millis) -> Result<SweepResult>;
    /// What passes left out or set aside and what still stands so, newest first; of one integration, or of all.
    async fn rejected(&self, integration: Option<i64>, before: Option<i64>, limit: usize) -> Result<Vec<RejectedRow>>;

    // ---- clients

    /// The partition whose items are what clients say under this name, one for each entity; made where there is none. Write
    /// it with [`Store::apply_page`] outside a pass.
    async fn client_partition(&self, source: &str, now: Millis) -> Result<i64>;
    /// All sources of clients, by name.
    async fn client_sources(&self) -> Result<Vec<ClientSourceRow>>;
    /// Of each key, in order: the item, where the partition has it.
    async fn items_named(&self, partition: i64, keys: &[&str]) -> Result<Vec<Option<ItemRow>>>;
    /// Items of a partition by key, from the one behind `after`.
    async fn items(&self, partition: i64, after: &str, limit: usize) -> Result<Vec<ItemRow>>;

    // ---- entities

    /// Entities by id; those that are gone are left out.
    async fn entities(&self, ids: &[i64]) -> Result<Vec<EntityRow>>;
    /// Of each name, in order: the entity, where it is there. All of one moment.
    async fn entities_named(&self, names: &[(&BlueprintId, &EntityId)]) -> Result<Vec<Option<EntityRow>>>;
    /// One entity.
    async fn entity(&self, blueprint: &BlueprintId, identifier: &EntityId) -> Result<Option<EntityRow>>;
    /// Who says what of an entity: the integration, kind, partition and key of each contribution.
    async fn sources(&self, entity: i64) -> Result<Vec<SourceRow>>;
    /// What each item says of an entity, with whose it is: integrations in the order in which they were added, then
    /// clients; where no precedence says otherwise, a later one's words count.
    async fn contributions(&self, entity: i64) -> Result<Vec<ContributionRow>>;
    /// Stores computed values, in one transaction. Entities that are gone are passed over, and what is as it was leaves no
    /// change row.
    async fn derive(&self, writes: Vec<DeriveWrite>, cause: &str, duty: &Duty, now: Millis) -> Result<PageResult>;
    /// Merges anew at most `limit` entities of a blueprint that have several sources, by id from the one behind `after`,
    /// after the blueprint's precedence has changed. Gives the last of them; none where there were no more.
    async fn merge_again(
        &self,
        blueprint: &BlueprintId,
        after: i64,
        limit: usize,
        cause: &str,
        now: Millis,
    ) -> Result<(PageResult, Option<i64>)>;
    /// Walks all entities by id, for filling the index.
    async fn scan_entities(&self, after: i64, limit: usize) -> Result<Vec<EntityRow>>;
    /// An entity's changes, newest first. Changes of an entity that was removed stay.
    async fn history(
        &self,
        blueprint: &BlueprintId,
        identifier: &EntityId,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ChangeRow>>;
    /// The change log after a position, in order.
    async fn changes(&self, after: i64, limit: usize) -> Result<Vec<ChangeRow>>;
    /// The position of the newest change.
    async fn position(&self) -> Result<i64>;

    // ---- egress records

    /// Keeps records, and adds them to the per-rule totals.
    async fn put_egress(&self, records: &[EgressRow]) -> Result<()>;
    /// Records, newest first.
    async fn egress(&self, filter: &EgressFilter, before: Option<i64>, limit: usize) -> Result<Vec<EgressRow>>;
    /// Totals per digest, integration and rule, however old the records.
    async fn egress_usage(&self) -> Result<Vec<EgressUsageRow>>;
    /// Adds to the totals of what was used beside requests.
    async fn put_capability_uses(&self, uses: &[CapabilityUsageRow]) -> Result<()>;
    /// Those totals, by digest, integration and capability. [`Store::put_egress`] adds the private ranges to them.
    async fn capability_usage(&self) -> Result<Vec<CapabilityUsageRow>>;
    /// Drops records older than `before`, and the oldest above `keep`. Totals stay. Returns how many were dropped.
    async fn trim_egress(&self, before: Millis, keep: u64) -> Result<u64>;

    // ---- runs and verdicts

    /// Creates a run. With an idempotency key that is known, returns the run that has it, and false.
    async fn create_run(&self, run: &RunRow) -> Result<(RunRow, bool)>;
    /// Stores a run's new state and adds lines to its log, in one transaction.
    async fn update_run(&self, run: &RunRow, log: &[LogLine], duty: &Duty) -> Result<()>;
    /// One run.
    async fn run(&self, id: &str) -> Result<Option<RunRow>>;
    /// Runs, newest first.
    async fn runs(&self, before: Option<i64>, limit: usize) -> Result<Vec<RunRow>>;
    /// Runs that have not ended.
    async fn open_runs(&self) -> Result<Vec<RunRow>>;
    /// A run's log, from line `after`.
    async fn run_log(&self, id: &str, after: i64) -> Result<Vec<LogLine>>;
    /// Stores the newest verdicts of one rule. Replaces those of the same rule and entity.
    async fn put_verdicts(&self, verdicts: &[VerdictRow]) -> Result<()>;
    /// Verdicts of one rule, or of all, by entity.
    async fn verdicts(&self, filter: &VerdictFilter) -> Result<Vec<VerdictRow>>;

    // ---- subscriptions

    /// Creates or replaces a subscription; true where it is new. Secrets are sealed under the master key; without them one that
    /// is there keeps its own, and what waits is due at once.
    async fn put_subscription(&self, write: &SubscriptionWrite, now: Millis) -> Result<bool>;
    /// All subscriptions, by name.
    async fn subscriptions(&self) -> Result<Vec<SubscriptionRow>>;
    /// What is secret of one, unsealed; none where there is no such subscription.
    async fn subscription_secrets(&self, name: &SubscriptionName) -> Result<Option<Secrets>>;
    /// Replaces it; false where there is none.
    async fn put_subscription_secrets(&self, name: &SubscriptionName, secrets: &Secrets, now: Millis) -> Result<bool>;
    /// Pauses, or resumes with what waits due at once, and forgets its problem; false where there is none.
    async fn pause_subscription(&self, name: &SubscriptionName, paused: bool, now: Millis) -> Result<bool>;
    /// Says what it could not do; none: all is well.
    async fn note_subscription(&self, id: i64, problem: Option<&str>) -> Result<()>;
    /// Removes one with its letters; false where there is none.
    async fn remove_subscription(&self, name: &SubscriptionName) -> Result<bool>;
    /// Takes the sending for `owner` for `length` from now on, if nobody else holds it; time is told as by [`Store::lease`]. The
    /// returned fence must come with what is settled; the owner itself gets the same one again. None where another holds it, or
    /// it is gone.
    async fn lease_subscription(&self, id: i64, owner: &str, now: Millis, length: Millis) -> Result<Option<i64>>;
    /// Stores what a round of sending came to, in one transaction; false, and nothing, where the lease was lost.
    async fn settle_subscription(&self, id: i64, fence: i64, outcome: &Settlement, now: Millis) -> Result<bool>;
    /// Of each entity with letters that wait the first one, by when it is due, with its body.
    async fn waiting_letters(&self, id: i64, limit: usize) -> Result<Vec<LetterRow>>;
    /// The entities (`BLUEPRINT/IDENTIFIER`) with letters that wait.
    async fn waiting_entities(&self, id: i64) -> Result<Vec<String>>;
    /// Letters, newest first, without bodies, from the id below `before`.
    async fn letters(
        &self,
        id: i64,
        state: Option<LetterState>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<LetterRow>>;
    /// One letter with its body.
    async fn letter(&self, id: i64, letter: i64) -> Result<Option<LetterRow>>;
    /// Lets a dead letter be tried again, from its first try; false where there is no such dead one.
    async fn retry_letter(&self, id: i64, letter: i64, now: Millis) -> Result<bool>;
    /// Drops a dead letter; false where there is no such dead one.
    async fn drop_letter(&self, id: i64, letter: i64) -> Result<bool>;

    // ---- the end of the change log

    /// The position of the newest change that is no longer in the log; 0 where it is whole. [`Store::changes`] is complete
    /// behind it.
    async fn log_start(&self) -> Result<i64>;
    /// Drops at most `limit` of the oldest changes, older than `older` and not behind `upto`. Entities keep what they are; their
    /// history ends earlier. Returns how many were dropped; call it until that is less than `limit`.
    async fn trim_changes(&self, older: Millis, upto: i64, limit: usize) -> Result<u64>;

    // ---- settings

    /// A setting, such as the hash of the token.
    async fn setting(&self, name: &str) -> Result<Option<Value>>;
    /// Sets it.
    async fn put_setting(&self, name: &str, value: &Value) -> Result<()>;
    /// Sets it, or with none removes it, where it is `before` still; false, and nothing, where it is not.
    async fn swap_setting(&self, name: &str, before: Option<&Value>, after: Option<&Value>) -> Result<bool>;
    /// Those whose names begin so, by name.
    async fn settings(&self, prefix: &str) -> Result<Vec<(String, Value)>>;
    /// A cheap question to the database, for readiness.
    async fn ping(&self) -> Result<()>;

    // ---- deliveries

    /// Stores deliveries in their order, in one transaction. None for each whose `dedupe` its integration has already.
    async fn put_deliveries(&self, deliveries: Vec<NewDelivery>) -> Result<Vec<Option<i64>>>;
    /// Those of an integration that wait, with their bodies, in the order in which they came, from the id behind `after`.
    async fn waiting_deliveries(&self, integration: i64, after: i64, limit: usize) -> Result<Vec<DeliveryRow>>;
    /// Newest first, without bodies, from the id below `before`.
    async fn deliveries(&self, filter: &DeliveryFilter, before: Option<i64>, limit: usize) -> Result<Vec<DeliveryRow>>;
    /// One with its body.
    async fn delivery(&self, id: i64) -> Result<Option<DeliveryRow>>;
    /// Says what became of some, in one transaction; without a duty where a person says it.
    async fn update_deliveries(&self, outcomes: &[DeliveryOutcome], duty: Option<&Duty>, now: Millis) -> Result<()>;
    /// Forgets those that were done or dropped before `older`. Returns how many.
    async fn trim_deliveries(&self, older: Millis) -> Result<u64>;

    // ---- several processes on one database

    /// Whether other processes may work on this database.
    fn is_shared(&self) -> bool;
    /// What has moved.
    async fn pulse(&self) -> Result<Pulse>;
    /// The change log after a position, in order, without what changed.
    async fn moved(&self, after: i64, limit: usize) -> Result<Vec<Moved>>;
    /// Takes a piece of work for `owner` and `length` milliseconds, if nobody else holds it; the owner itself holds it for longer
    /// and gets the same fence. Where no other process may be, it is always given.
    async fn take_duty(&self, name: &str, owner: &str, length: Millis) -> Result<Option<Duty>>;
    /// Gives it back, so that another process goes on at once.
    async fn drop_duty(&self, duty: &Duty) -> Result<()>;
}
