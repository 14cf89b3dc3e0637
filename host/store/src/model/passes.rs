//! Partitions, passes, and what they rejected.

use seawall_domain::{
    Millis, Report,
    pass::{Counts, PassState},
};

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
    /// The commits that it reads, as [`crate::Store::note_checkouts`] was told.
    pub checkouts: Option<String>,
    /// Of a running pass: how many items the last one that ended well had listed.
    pub expected: Option<u64>,
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
