//! Items: the tool's own objects, as a plugin lists them.

/// One change that a page, a delivery or an outcome brings. Values are the tool's own JSON as UTF-8.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The item as it is now.
    Upsert {
        /// Its kind.
        kind: String,
        /// Its key, unique within kind and partition.
        key: String,
        /// JSON as UTF-8; not yet parsed.
        value: Vec<u8>,
    },
    /// The item is gone.
    Delete {
        /// Its kind.
        kind: String,
        /// Its key.
        key: String,
    },
}

impl Change {
    /// The item's key.
    pub fn key(&self) -> &str {
        match self {
            Self::Upsert { key, .. } | Self::Delete { key, .. } => key,
        }
    }
}

/// A change outside a pass, with the partition that lists its item.
#[derive(Debug, Clone, PartialEq)]
pub struct LocatedChange {
    /// The partition.
    pub partition: String,
    /// The change.
    pub change: Change,
}

/// What follows a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// More pages, from this cursor.
    More(String),
    /// Everything was listed: what was not is gone. With a cursor the next pass goes on from it.
    SnapshotComplete(Option<String>),
    /// Up to date; only what was named is removed. The next pass starts at the cursor.
    CaughtUp(String),
}

/// One page of a partition.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Its changes, in order.
    pub changes: Vec<Change>,
    /// What follows.
    pub next: Next,
}
