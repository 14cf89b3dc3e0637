//! Items and pages.

use super::{Duty, EntityRow};
use seawall_domain::{BlueprintId, Entity, EntityId, Millis, Report, pass::Counts};

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
    /// Outside a pass: the work as part of which it is stored; what another process has taken stores nothing.
    pub duty: Option<Duty>,
    /// The delivery that is done with it, and how often it was tried: a host that dies gives it either again, with none of those
    /// behind it in force, or not at all.
    pub delivery: Option<(i64, u32)>,
    /// For change rows: `pass`, `run`, `delivery`.
    pub cause: String,
    /// What has to be so still; else nothing is stored, and [`crate::StoreError::Changed`] says what is not.
    pub expect: Vec<Expect>,
    /// Outside a pass: the items are what is stored already, mapped anew. They count as no newer than they were, so that a
    /// pass that is under way goes on listing them.
    pub renewal: bool,
    /// The time.
    pub now: Millis,
}

/// What a page was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// The entity is at this version; none: there is no such entity.
    Entity {
        /// Its blueprint.
        blueprint: BlueprintId,
        /// Its identifier.
        identifier: EntityId,
        /// See [`EntityRow::version`].
        version: Option<i64>,
    },
    /// The partition's item has this hash; none: there is no such item.
    Item {
        /// Its key.
        key: String,
        /// See [`ItemState::hash`].
        hash: Option<[u8; 16]>,
    },
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
