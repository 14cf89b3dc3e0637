//! All partitions of some kinds, page by page.

use super::{Made, Stage};
use crate::{EngineError, Result, sync::page::sort};
use seawall_domain::{
    cassette::{Listing, Outcome, Part, Pull},
    item::Next,
};
use seawall_runtime::{Scope, door::Transport};
use serde_json::Value;

impl Stage<'_> {
    pub(super) async fn pull(&self, pull: &Pull, outcome: &mut Outcome) -> Result<()> {
        let known = &self.rehearsal.setting.plugin.bundle().manifest.kinds;
        for kind in &pull.kinds {
            if !known.contains_key(kind) {
                let all: Vec<_> = known.keys().map(ToString::to_string).collect();
                return Err(EngineError::not_found_but(
                    "kind",
                    kind,
                    format!("the plugin has: {}", all.join(", ")),
                ));
            }
            let listing = outcome.pull.entry(kind.to_string()).or_default();
            self.kind(kind.as_str(), pull.pages, listing).await?;
        }
        Ok(())
    }

    async fn kind(&self, kind: &str, pages: u32, listing: &mut Listing) -> Result<()> {
        let mut made = Made::default();
        let selectors: Vec<String> = match &self.mapping {
            Some(mapping) => mapping.selectors(kind).iter().map(ToString::to_string).collect(),
            None => Vec::new(),
        };
        // A kind that is not mapped is listed all the same: its items are what the plugin says.
        let selectors = if selectors.is_empty() {
            vec!["{}".to_owned()]
        } else {
            selectors
        };
        for (place, selector) in selectors.into_iter().enumerate() {
            let scope = Scope {
                config: self.config.clone(),
                kind: kind.to_owned(),
                selector: selector.into_bytes(),
            };
            let plugin = &self.rehearsal.setting.plugin;
            self.say(&format!("{kind}: asking for its partitions"));
            for partition in plugin.partitions(&self.sandbox, scope.clone()).await? {
                let name = match &self.mapping {
                    Some(mapping) => mapping.partition_name(kind, place, &partition),
                    None => partition.clone(),
                };
                let part = listing.partitions.entry(name).or_default();
                self.partition(&scope, (place, &partition), pages, part, &mut made)
                    .await?;
            }
        }
        listing.entities = Outcome::entities(&made.entities);
        listing.reports = made.reports;
        Ok(())
    }

    async fn partition(
        &self,
        scope: &Scope,
        (place, partition): (usize, &str),
        pages: u32,
        part: &mut Part,
        made: &mut Made,
    ) -> Result<()> {
        let mut cursor: Option<String> = None;
        loop {
            let plugin = &self.rehearsal.setting.plugin;
            let page = plugin
                .pull(&self.sandbox, scope.clone(), partition, cursor.as_deref())
                .await?;
            part.pages += 1;
            let sorted = sort(page.changes, &scope.kind)?;
            for (key, value) in sorted.upserts {
                self.map((&scope.kind, place), &key, &value, made)?;
                let value = serde_json::from_slice(&value).unwrap_or(Value::Null);
                part.items.insert(key, value);
            }
            part.removed.extend(sorted.deletes);
            let items = part.items.len();
            self.say(&format!(
                "{}: page {} of `{partition}`, {items} items so far",
                scope.kind, part.pages
            ));
            let end = match page.next {
                Next::SnapshotComplete(_) => "snapshot-complete",
                Next::CaughtUp(_) => "caught-up",
                Next::More(_) if part.pages >= pages || self.is_full() => "more",
                Next::More(next) => {
                    cursor = Some(next);
                    continue;
                }
            };
            end.clone_into(&mut part.end);
            return Ok(());
        }
    }

    /// Whether a recording has more than a cassette holds: what follows is not worth waiting for.
    fn is_full(&self) -> bool {
        matches!(&self.rehearsal.transport, Transport::Recording(recorder) if recorder.is_full())
    }
}
