//! A page: checked, compared by hash, mapped off the async threads, and stored in one transaction.

use crate::{Engine, EngineError, Result, site::Site};
use seawall_domain::{
    Failure,
    cause::Cause,
    item::Change,
    mapping::{Call, Find, ItemError, Mapped, Mapping},
};
use seawall_runtime::CallError;
use seawall_store::{Duty, ItemWrite, PageResult, PageWrite, PartitionRow};
use sha2::Digest as _;
use std::{collections::HashSet, sync::Arc};

/// Where a page belongs.
pub(super) struct Place {
    pub(super) partition: i64,
    pub(super) kind: String,
    /// The place among the kind's selectors of the one that it is pulled with.
    pub(super) selector: usize,
    pub(super) pass: Option<i64>,
    pub(super) fence: i64,
    /// Outside a pass: the work as part of which it is stored.
    pub(super) duty: Option<Duty>,
    /// The delivery that is done with it, and how often it was tried.
    pub(super) delivery: Option<(i64, u32)>,
    pub(super) cause: String,
}

/// A page's changes, sorted into what is stored and what is removed.
#[derive(Default)]
pub(crate) struct Sorted {
    pub(crate) upserts: Vec<(String, Vec<u8>)>,
    pub(crate) deletes: Vec<String>,
}

/// Up to so many items are quicker worked on here than handed over to another thread.
const SMALL: u64 = 8;
/// An item's JSON may not be larger.
const MAX_ITEM: usize = 10 << 20;

/// A page that was compared and mapped, and is not stored yet.
pub(super) struct Ready(PageWrite);

impl Ready {
    /// Whether the page changes what storing this one changes: it must then be compared with what is stored after.
    pub(super) fn meets(&self, changes: &[Change]) -> bool {
        let upserts = self.0.upserts.iter().map(|item| item.key.as_str());
        let own: HashSet<&str> = upserts.chain(self.0.deletes.iter().map(String::as_str)).collect();
        changes.iter().any(|change| own.contains(change.key()))
    }
}

impl Engine {
    /// Stores one page and brings it into the index.
    pub(super) async fn store_page(
        &self,
        site: &Arc<Site>,
        place: &Place,
        changes: Vec<Change>,
        cursor: Option<String>,
    ) -> Result<PageResult> {
        let ready = self.ready_page(site, place, changes, cursor).await?;
        self.put_page(ready).await
    }

    /// Compares a page with what is stored and maps what differs.
    pub(super) async fn ready_page(
        &self,
        site: &Arc<Site>,
        place: &Place,
        changes: Vec<Change>,
        cursor: Option<String>,
    ) -> Result<Ready> {
        let sorted = sort(changes, &place.kind)?;
        let items = sorted.upserts.len() as u64;
        let keys: Vec<&str> = sorted.upserts.iter().map(|(key, _)| key.as_str()).collect();
        let known = self.inner.store.item_states(place.partition, &keys).await?;
        let mapping = site
            .mapping
            .clone()
            .ok_or_else(|| EngineError::Internal("no mapping".into()))?;
        let blueprints = self.all_blueprints();
        let rules = mapping.digest(&place.kind, &blueprints);
        let (kind, selector, strict) = (place.kind.clone(), place.selector, strict(site, &place.kind));
        let finder = mapping.searches(&kind).then(|| self.finder());
        let waits = finder.is_some();
        let work = move || {
            let (mut unchanged, mut writes) = (Vec::new(), Vec::new());
            let mut converted = 0;
            let find = finder.as_ref().map(|finder| finder as &dyn Find);
            let map =
                |key: &str, value: &[u8]| mapped(&mapping, (&kind, selector), key, value, &blueprints, strict, find);
            for ((key, value), known) in sorted.upserts.into_iter().zip(known) {
                // What is searched for may be found or gone without a word of the item's.
                let searched = find.map(|_| map(&key, &value)).transpose()?;
                let hash = hash(&value, &rules, searched.as_ref());
                match known {
                    Some(state) if state.hash == hash => unchanged.push(state.id),
                    _ => {
                        let mapped = match searched {
                            Some(mapped) => mapped,
                            None => map(&key, &value)?,
                        };
                        converted += mapped.converted;
                        let (entities, reports) = (mapped.entities, mapped.reports);
                        writes.push(ItemWrite {
                            key,
                            hash,
                            value,
                            entities,
                            reports,
                        });
                    }
                }
            }
            Ok::<_, CallError>((unchanged, writes, converted, sorted.deletes))
        };
        let (unchanged, upserts, converted, deletes) = if items <= SMALL && !waits {
            work()?
        } else {
            tokio::task::spawn_blocking(work).await??
        };
        Ok(Ready(PageWrite {
            partition: place.partition,
            pass: place.pass,
            fence: place.fence,
            upserts,
            deletes,
            unchanged,
            cursor,
            items,
            converted,
            cause: place.cause.clone(),
            expect: Vec::new(),
            renewal: false,
            duty: place.duty.clone(),
            delivery: place.delivery,
            now: self.now(),
        }))
    }

    /// Stores a page and brings it into the index, on threads of its own: the caller goes on with the next page.
    pub(super) async fn put_page(&self, Ready(page): Ready) -> Result<PageResult> {
        let engine = self.clone();
        let small = page.items <= SMALL;
        let put = async move {
            let result = engine.inner.store.apply_page(page).await?;
            if small {
                engine.index(&result);
                return Ok(result);
            }
            Ok(tokio::task::spawn_blocking(move || {
                engine.index(&result);
                result
            })
            .await?)
        };
        if small { put.await } else { tokio::spawn(put).await? }
    }
}

impl Engine {
    /// Stores one change from outside a pass: a run's outcome, a delivery.
    pub(crate) async fn store_outside(
        &self,
        site: &Arc<Site>,
        partition: &PartitionRow,
        change: Change,
        cause: &str,
        duty: &Duty,
        delivery: Option<(i64, u32)>,
    ) -> Result<()> {
        let place = Place {
            partition: partition.id,
            kind: partition.kind.clone(),
            selector: site.slice(partition).0,
            pass: None,
            fence: 0,
            duty: Some(duty.clone()),
            delivery,
            cause: Cause::new(cause).of(site.row.integration.name.as_str()).to_string(),
        };
        self.store_page(site, &place, vec![change], None).await?;
        Ok(())
    }
}

pub(crate) fn strict(site: &Site, kind: &str) -> bool {
    site.plugin
        .bundle()
        .manifest
        .kinds
        .iter()
        .any(|(k, v)| k.as_str() == kind && v.strict)
}

/// Checks what a page says of itself. A page that is wrong is refused whole, with the reason; what came before stays.
pub(crate) fn sort(changes: Vec<Change>, kind: &str) -> Result<Sorted> {
    let bad = |why: String| EngineError::Plugin(CallError::BadAnswer(why));
    let mut sorted = Sorted::default();
    let mut keys = HashSet::new();
    for change in changes {
        let (its_kind, key) = match &change {
            Change::Upsert { kind, key, .. } | Change::Delete { kind, key } => (kind, key),
        };
        if its_kind != kind {
            return Err(bad(format!(
                "asked for items of kind `{kind}`, it gave one of kind `{its_kind}` (key `{key}`)"
            )));
        }
        if key.is_empty() || key.len() > 2_000 {
            return Err(bad(format!(
                "an item's key has 1 to 2,000 bytes; this one has {}",
                key.len()
            )));
        }
        if !keys.insert(key.clone()) {
            return Err(bad(format!(
                "the key `{key}` is twice in one page; keys are unique within kind and partition"
            )));
        }
        match change {
            Change::Upsert { key, value, .. } if value.len() > MAX_ITEM => {
                return Err(bad(format!(
                    "the item `{key}` has {} bytes; at most {MAX_ITEM} are taken",
                    value.len()
                )));
            }
            Change::Upsert { key, value, .. } => sorted.upserts.push((key, value)),
            Change::Delete { key, .. } => sorted.deletes.push(key),
        }
    }
    Ok(sorted)
}

/// Equal hashes map to equal entities: it covers the item, the mapping of its kind and the blueprints, and of a kind with searches
/// what came of them.
pub(crate) fn hash(value: &[u8], rules: &[u8; 16], searched: Option<&Mapped>) -> [u8; 16] {
    let mut hasher = sha2::Sha256::new();
    hasher.update(rules);
    hasher.update(value);
    for entity in searched.iter().flat_map(|mapped| &mapped.entities) {
        for (relation, target) in &entity.relations {
            hasher.update(format!("\0{}\0{relation}\0{}", entity.identifier, target.to_json()));
        }
    }
    for report in searched.iter().flat_map(|mapped| &mapped.reports) {
        hasher.update(format!("\0{}", report.message));
    }
    let mut out = [0; 16];
    out.copy_from_slice(&hasher.finalize()[..16]);
    out
}

/// Maps one item of a kind that was pulled with one of the kind's selectors; one that is no JSON is the plugin's fault. `find` is
/// only asked on threads that may block.
pub(crate) fn mapped(
    mapping: &Mapping,
    (kind, selector): (&str, usize),
    key: &str,
    value: &[u8],
    blueprints: &crate::engine::Blueprints,
    strict: bool,
    find: Option<&dyn Find>,
) -> std::result::Result<Mapped, CallError> {
    let call = Call {
        kind,
        key,
        selector: Some(selector),
        strict,
        conversions: false,
        now: None,
        find,
    };
    mapping.map_with(call, value, blueprints).map_err(|e| match e {
        ItemError::NoJson(e) => {
            CallError::BadAnswer(format!("the item `{key}` of kind `{kind}` is no valid JSON: {e}"))
        }
        ItemError::Unanswered(e) => {
            CallError::Failure(Failure::Unavailable(format!("the item `{key}` of kind `{kind}`: {e}")))
        }
    })
}
