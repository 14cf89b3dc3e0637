//! Reads a tool, one page at a time.

use crate::{
    bindings::{ingestor::exports::seawall::plugin::ingestor as wit, types},
    failure::{Failure, Result},
    json::Json,
    panic::report_panics,
};
use serde::{Serialize, de::DeserializeOwned};
use std::marker::PhantomData;

/// Reads a tool. Every call runs in a fresh instance: what has to be kept goes into the cursor.
pub trait Ingestor {
    /// The slices of a kind that can be pulled side by side: organisations, clusters, projects. A tool without any has
    /// one slice with a fixed name.
    fn partitions(scope: &Scope) -> Result<Vec<String>>;

    /// One page of one partition. `cursor` is `None` at the start of a pass; else what the last page's
    /// [`Next`] held. Aim for about 1,000 items a page.
    fn pull(scope: &Scope, partition: &str, cursor: Option<&str>) -> Result<Page>;
}

/// What is to be listed.
#[derive(Debug, Clone)]
pub struct Scope {
    config: Json,
    kind: String,
    selector: Json,
}

impl Scope {
    /// A scope as the host would give it, for tests.
    pub fn new(kind: impl Into<String>, config: &impl Serialize) -> Result<Self> {
        Ok(Self {
            config: Json::from(config)?,
            kind: kind.into(),
            selector: Json::from_bytes(b"{}".to_vec()),
        })
    }

    /// The same scope with a selector.
    pub fn with_selector(mut self, selector: &impl Serialize) -> Result<Self> {
        self.selector = Json::from(selector)?;
        Ok(self)
    }

    /// The kind of items, one of the manifest's.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The integration's config, which the host has checked against the manifest's schema.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T> {
        self.config
            .parse()
            .map_err(|e| Failure::invalid_config(format!("the config does not fit: {e}")))
    }

    /// What the mapping's selector says of this kind beyond `query`.
    pub fn selector<T: DeserializeOwned>(&self) -> Result<T> {
        self.selector.parse().map_err(|e| {
            Failure::invalid_config(format!(
                "the mapping's selector of kind {} does not fit: {e}",
                self.kind
            ))
        })
    }
}

/// One change of the tool's items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The item as it is now.
    Upsert {
        /// Its kind.
        kind: String,
        /// Unique within kind and partition.
        key: String,
        /// The tool's own JSON.
        value: Json,
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
    /// The item as it is now. Floats that are no number become null, as `serde_json` writes them.
    ///
    /// # Errors
    /// [`Failure::Failed`] for an empty key, which all items without one would share, and for what is no JSON.
    pub fn upsert(kind: impl Into<String>, key: impl Into<String>, value: &(impl Serialize + ?Sized)) -> Result<Self> {
        let (kind, key) = (kind.into(), key.into());
        if key.is_empty() {
            return Err(Failure::failed(format!("{kind}: the key of an item is empty")));
        }
        Ok(Self::Upsert {
            kind,
            key,
            value: Json::from(value)?,
        })
    }

    /// The item is gone.
    pub fn delete(kind: impl Into<String>, key: impl Into<String>) -> Self {
        Self::Delete {
            kind: kind.into(),
            key: key.into(),
        }
    }
}

/// What follows a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// More pages, from this cursor.
    More(String),
    /// The pass listed everything: what it did not list is removed. With a cursor the next pass goes on from it (a
    /// watch, a feed); without one it lists all again.
    SnapshotComplete(Option<String>),
    /// The pass is up to date, and removes only what it named. The next one starts at this cursor.
    CaughtUp(String),
}

/// One page of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its changes, in order.
    pub changes: Vec<Change>,
    /// What follows.
    pub next: Next,
}

impl Page {
    /// A page that others follow, from this cursor.
    pub fn more(cursor: impl Into<String>) -> Self {
        Self::with(Next::More(cursor.into()))
    }

    /// The last page of a pass that listed everything.
    pub fn complete() -> Self {
        Self::with(Next::SnapshotComplete(None))
    }

    /// The last page of a pass that listed everything; the next pass goes on from this cursor.
    pub fn complete_at(cursor: impl Into<String>) -> Self {
        Self::with(Next::SnapshotComplete(Some(cursor.into())))
    }

    /// The last page of a pass that named what changed since its cursor.
    pub fn caught_up(cursor: impl Into<String>) -> Self {
        Self::with(Next::CaughtUp(cursor.into()))
    }

    /// An empty page.
    pub fn with(next: Next) -> Self {
        Self {
            changes: Vec::new(),
            next,
        }
    }

    /// Adds an item as it is now.
    ///
    /// # Errors
    /// Those of [`Change::upsert`].
    pub fn upsert(
        &mut self,
        kind: impl Into<String>,
        key: impl Into<String>,
        value: &(impl Serialize + ?Sized),
    ) -> Result<()> {
        self.changes.push(Change::upsert(kind, key, value)?);
        Ok(())
    }

    /// Adds an item as the tool wrote it. The host refuses a page that has an empty key.
    pub fn upsert_json(&mut self, kind: impl Into<String>, key: impl Into<String>, value: Json) {
        let (kind, key) = (kind.into(), key.into());
        self.changes.push(Change::Upsert { kind, key, value });
    }

    /// Adds that an item is gone.
    pub fn delete(&mut self, kind: impl Into<String>, key: impl Into<String>) {
        self.changes.push(Change::delete(kind, key));
    }
}

impl From<Change> for types::Change {
    fn from(change: Change) -> Self {
        match change {
            Change::Upsert { kind, key, value } => Self::Upsert(types::Item {
                id: types::ItemKey { kind, key },
                value: value.into_bytes(),
            }),
            Change::Delete { kind, key } => Self::Delete(types::ItemKey { kind, key }),
        }
    }
}

impl From<wit::Scope> for Scope {
    fn from(scope: wit::Scope) -> Self {
        Self {
            config: Json::from_bytes(scope.config),
            kind: scope.kind,
            selector: Json::from_bytes(scope.selector),
        }
    }
}

/// Stands between the component's exports and the author's trait.
#[doc(hidden)]
pub struct IngestorRole<T: Ingestor>(PhantomData<T>);

impl<T: Ingestor> wit::Guest for IngestorRole<T> {
    fn partitions(scope: wit::Scope) -> Result<Vec<String>, types::Failure> {
        report_panics();
        Ok(T::partitions(&scope.into())?)
    }

    fn pull(scope: wit::Scope, partition: String, cursor: Option<String>) -> Result<wit::Page, types::Failure> {
        report_panics();
        let page = T::pull(&scope.into(), &partition, cursor.as_deref())?;
        Ok(wit::Page {
            changes: page.changes.into_iter().map(Into::into).collect(),
            next: match page.next {
                Next::More(cursor) => wit::Next::More(cursor),
                Next::SnapshotComplete(cursor) => wit::Next::SnapshotComplete(cursor),
                Next::CaughtUp(cursor) => wit::Next::CaughtUp(cursor),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_without_a_key_is_refused() {
        let refused = Page::complete().upsert("service", "", &1);
        assert_eq!(refused, Err(Failure::failed("service: the key of an item is empty")));
    }
}
