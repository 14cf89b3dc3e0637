//! What goes into the store and comes out of it.

use seawall_domain::{
    Blueprint, CredentialName, Digest, Entity, Millis, Report,
    integration::{Integration, SecretSource},
    manifest::Attach,
    pass::{Counts, PassState},
    run::{RuleVerdict, RunState},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A blueprint with where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct BlueprintRow {
    /// The blueprint.
    pub blueprint: Blueprint,
    /// Who put it: `plugin:prometheus`, `api`.
    pub source: String,
    /// Last change.
    pub updated_at: Millis,
}

/// An installed component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PluginRow {
    /// Of the bytes.
    pub digest: Digest,
    /// What its custom section holds.
    pub bundle: seawall_domain::bundle::Bundle,
    /// Bytes.
    pub size: u64,
    /// When it was installed.
    pub installed_at: Millis,
    /// Names of all its imports and exports, for the audit.
    pub imports: Vec<String>,
    /// See `imports`.
    pub exports: Vec<String>,
}

/// An integration and how it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct IntegrationRow {
    /// Row id.
    pub id: i64,
    /// What was asked for.
    pub integration: Integration,
    /// Whether a person paused it.
    pub paused: bool,
    /// Why it waits for the operator, such as a refused credential.
    pub stopped: Option<String>,
    /// Whether it is being removed, which goes on until nothing is left of it.
    pub removing: bool,
    /// Creation and last change.
    pub created_at: Millis,
    /// See `created_at`.
    pub updated_at: Millis,
}

/// A named credential, without its secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CredentialRow {
    /// Names it.
    pub name: CredentialName,
    /// Where the secret comes from.
    pub source: SecretSource,
    /// Overrides how the manifest attaches it; usually none.
    pub attach: Option<Attach>,
    /// Last change.
    pub updated_at: Millis,
}

/// A partition and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionRow {
    /// Row id.
    pub id: i64,
    /// Its integration.
    pub integration: i64,
    /// Its kind.
    pub kind: String,
    /// Its name, as the plugin gave it.
    pub name: String,
    /// Where the running or the next pass goes on.
    pub cursor: Option<String>,
    /// When the next pass is due.
    pub due: Millis,
    /// Items it holds.
    pub items: u64,
    /// Whether the tool no longer lists it.
    pub gone: bool,
}

/// What would go with the partitions of a kind that the tool no longer lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vanished {
    /// Items in partitions that are gone.
    pub missing: u64,
    /// Items in all partitions of the kind.
    pub known: u64,
    /// Partitions that are gone and still hold items.
    pub partitions: u64,
}

/// A pass.
#[derive(Debug, Clone, PartialEq)]
pub struct PassRow {
    /// Row id, rising.
    pub id: i64,
    /// Its partition.
    pub partition: i64,
    /// Its integration.
    pub integration: i64,
    /// Kind of the partition.
    pub kind: String,
    /// Name of the partition.
    pub partition_name: String,
    /// How it stands.
    pub state: PassState,
    /// What it did.
    pub counts: Counts,
    /// Where it goes on.
    pub cursor: Option<String>,
    /// The error that ended it, or that it goes on from.
    pub error: Option<String>,
    /// When it began.
    pub started_at: Millis,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// Whether it lists nothing, since the tool no longer lists its partition.
    pub closing: bool,
    /// Of a running pass: how many items the last one that ended well had listed.
    pub expected: Option<u64>,
}

/// What the store knows of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemState {
    /// Row id.
    pub id: i64,
    /// Hash of value, mapping and blueprints, 16 bytes: equal hashes map to equal entities.
    pub hash: [u8; 16],
}

/// An item that is new or changed, with what the mapping made of it.
#[derive(Debug, Clone)]
pub struct ItemWrite {
    /// Its key.
    pub key: String,
    /// See [`ItemState::hash`].
    pub hash: [u8; 16],
    /// The tool's JSON; stored compressed.
    pub value: Vec<u8>,
    /// Its contributions.
    pub entities: Vec<Entity>,
    /// What could not be taken as it was. Replaces what was reported of the item before.
    pub reports: Vec<Report>,
}

/// What one transaction stores.
#[derive(Debug, Clone)]
pub struct PageWrite {
    /// The partition.
    pub partition: i64,
    /// The running pass; none for a change outside a pass (a delivery, a run's outcome).
    pub pass: Option<i64>,
    /// Of the lease; ignored outside a pass.
    pub fence: i64,
    /// New and changed items. No key twice.
    pub upserts: Vec<ItemWrite>,
    /// Keys of items that are gone.
    pub deletes: Vec<String>,
    /// Ids of items that are listed and unchanged.
    pub unchanged: Vec<i64>,
    /// Stored as the partition's cursor; none leaves the partition at its start.
    pub cursor: Option<String>,
    /// Items listed, for the counts.
    pub items: u64,
    /// Values converted without loss, for the counts.
    pub converted: u64,
    /// For change rows: `pass`, `run`, `delivery`.
    pub cause: String,
    /// The time.
    pub now: Millis,
}

/// What a transaction did.
#[derive(Debug, Clone, Default)]
pub struct PageResult {
    /// What to add to the pass; already stored in it.
    pub counts: Counts,
    /// Entities as they are after the commit, for the index.
    pub upserted: Vec<EntityRow>,
    /// Ids of entities that are gone.
    pub removed: Vec<i64>,
    /// Position of its last change row; the one before when it changed nothing.
    pub position: i64,
}

/// What one piece of a sweep did.
#[derive(Debug, Clone, Default)]
pub struct SweepResult {
    /// As of a page.
    pub page: PageResult,
    /// Items removed; 0 when nothing is left to remove.
    pub removed_items: u64,
}

/// What a complete snapshot no longer lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// Items not listed.
    pub missing: u64,
    /// Items the partition holds.
    pub known: u64,
}

/// An entity as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityRow {
    /// Row id; never used again for another.
    pub id: i64,
    /// The merged entity.
    pub entity: Entity,
    /// First seen.
    pub created_at: Millis,
    /// Last changed.
    pub updated_at: Millis,
    /// Position of its last change; an ETag.
    pub version: i64,
}

/// Where a contribution comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRow {
    /// Name of the integration.
    pub integration: String,
    /// The item's kind.
    pub kind: String,
    /// The item's partition.
    pub partition: String,
    /// The item's key.
    pub key: String,
    /// When the item last changed.
    pub changed_at: Millis,
}

/// What happened to an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It came.
    Created,
    /// It changed.
    Updated,
    /// It went.
    Deleted,
}

/// One row of the change log.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeRow {
    /// Rising without gaps that hide a commit.
    pub position: i64,
    /// Row id of the entity.
    pub entity: i64,
    /// Its blueprint.
    pub blueprint: String,
    /// Its identifier.
    pub identifier: String,
    /// What happened.
    pub kind: ChangeKind,
    /// `{"properties.tier": [old, new]}` of an update; empty otherwise.
    pub diff: Map<String, Value>,
    /// `pass:12`, `run:…`.
    pub cause: String,
    /// When.
    pub at: Millis,
}

/// Something left out or set aside, with where.
#[derive(Debug, Clone, PartialEq)]
pub struct RejectedRow {
    /// Row id, rising.
    pub id: i64,
    /// Name of the integration.
    pub integration: String,
    /// Name of the partition.
    pub partition: String,
    /// What and why.
    pub report: Report,
    /// When.
    pub at: Millis,
}

/// One request of a plugin, or one refusal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EgressRow {
    /// Row id, rising; 0 before it is stored.
    pub id: i64,
    /// When it started.
    pub at: Millis,
    /// The integration.
    pub integration: String,
    /// The component.
    pub digest: Digest,
    /// Upper case.
    pub method: String,
    /// `http` or `https`.
    pub scheme: String,
    /// Normalised.
    pub host: String,
    /// Always given.
    pub port: u16,
    /// Without query.
    pub path: String,
    /// `allowed` or `refused`.
    pub allowed: bool,
    /// The rule that allowed it (`network[0]`), or that was nearest.
    pub rule: Option<String>,
    /// Why it was refused, or failed.
    pub reason: Option<String>,
    /// Of the response.
    pub status: Option<u16>,
    /// Bytes of the request's body.
    pub sent: u64,
    /// Bytes of the response's body.
    pub received: u64,
    /// Microseconds to the end of the body.
    pub micros: u64,
    /// The credential that was attached.
    pub credential: Option<String>,
}

/// Which egress records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EgressFilter {
    /// Of one integration.
    pub integration: Option<String>,
    /// Of one component.
    pub digest: Option<Digest>,
    /// To one host.
    pub host: Option<String>,
    /// Only allowed or only refused ones.
    pub allowed: Option<bool>,
}

/// What a plugin really used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EgressUsageRow {
    /// The component.
    pub digest: Digest,
    /// The integration.
    pub integration: String,
    /// `network[0]`; empty for refusals that were near no rule.
    pub rule: String,
    /// Upper case.
    pub method: String,
    /// Host.
    pub host: String,
    /// Whether they were allowed.
    pub allowed: bool,
    /// How many.
    pub count: u64,
    /// Bytes of request bodies.
    pub sent: u64,
    /// Bytes of response bodies.
    pub received: u64,
    /// First one.
    pub first_at: Millis,
    /// Last one.
    pub last_at: Millis,
}

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// Row id, rising; 0 before it is stored.
    pub seq: i64,
    /// Random; also what plugins get as idempotency key.
    pub id: String,
    /// Name of the integration.
    pub integration: String,
    /// The manifest's operation.
    pub operation: String,
    /// `(blueprint, identifier)` of the entity it works on.
    pub target: Option<(String, String)>,
    /// Checked against the operation's schema.
    pub inputs: Value,
    /// Who asked.
    pub by: String,
    /// Of the client.
    pub idempotency_key: Option<String>,
    /// How it stands.
    pub state: RunState,
    /// What a person reads while it runs, or why it failed.
    pub label: Option<String>,
    /// The plugin's own state, for `poll` and `cancel`. `None` until `start` has answered.
    pub progress: Option<Vec<u8>>,
    /// When it is polled next.
    pub poll_at: Option<Millis>,
    /// What came of it.
    pub outputs: Option<Value>,
    /// Where a person can follow up.
    pub link: Option<String>,
    /// When it was asked for.
    pub created_at: Millis,
    /// Last change.
    pub updated_at: Millis,
}

/// A line of a run's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Rising within the run; 0 before it is stored.
    pub line: i64,
    /// When.
    pub at: Millis,
    /// `debug`, `info`, `warn`, `error`, `stdout` or `stderr`.
    pub level: String,
    /// Without line break.
    pub message: String,
}

/// A rule's verdict on an entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictRow {
    /// `plugin/rule`.
    pub rule: String,
    /// The entity's blueprint.
    pub blueprint: String,
    /// The entity's identifier.
    pub identifier: String,
    /// What was judged.
    #[serde(flatten)]
    pub verdict: RuleVerdict,
    /// When.
    pub at: Millis,
}

/// Which verdicts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerdictFilter {
    /// `plugin/rule`.
    pub rule: Option<String>,
    /// Of one entity.
    pub entity: Option<(String, String)>,
}
