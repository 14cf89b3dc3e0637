//! The mapping workbench: items as they are stored, a mapping tried on them, the difference that it makes, its application
//! without asking the tool again, and the way back.

mod versions;

pub use versions::MappingVersion;

use crate::{
    Engine, EngineError, Problem, Result, engine::Blueprints, replicas::OnDuty, settings::Work, site::Site,
    sync::page::mapped,
};
use seawall_domain::{
    BlueprintId, Entity, EntityId, IntegrationName,
    cause::Cause,
    entity::diff,
    integration::Integration,
    mapping::{Find, Mapping},
};
use seawall_runtime::CallError;
use seawall_store::{Expect, ItemRow, ItemWrite, PageWrite, PartitionRow, StoreError};
use serde::Serialize;
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

/// Items that are read, mapped and stored at once.
const PIECE: usize = 500;
/// Examples of each kind of difference, for each kind of item.
const EXAMPLES: usize = 20;
/// So often a piece is made anew where a pass was faster.
const TRIES: usize = 8;

/// Integrations whose items are being mapped anew, with how many are done and how many there are.
pub(crate) type Remaps = Mutex<HashMap<IntegrationName, (u64, u64)>>;

/// What a mapping would change.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MappingDiff {
    /// Items that were looked at.
    pub items: u64,
    /// All kinds together.
    pub total: Differences,
    /// By kind.
    pub kinds: Vec<KindDiff>,
}

/// How many entities, counted once for each item that gives them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Differences {
    /// Given by the new mapping alone.
    pub added: u64,
    /// Given by both, and different.
    pub changed: u64,
    /// Given by the old mapping alone.
    pub removed: u64,
    /// The same in both.
    pub unchanged: u64,
    /// Values left out and entities set aside that were not so before.
    pub rejected: u64,
}

/// The difference for one kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct KindDiff {
    /// The kind.
    pub kind: String,
    /// Its items.
    pub items: u64,
    /// How many.
    #[serde(flatten)]
    pub differences: Differences,
    /// At most 20 of each sort.
    pub examples: Vec<Example>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Example {
    /// `added`, `changed`, `removed` or `rejected`.
    pub what: &'static str,
    /// `BLUEPRINT/IDENTIFIER`, where there is one.
    pub entity: Option<String>,
    /// The item's key.
    pub key: String,
    /// `{"properties.tier": [old, new]}` of one that is changed.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub diff: Map<String, Value>,
    /// Why, of one that is rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Items of one kind, page by page.
#[derive(Debug, Clone)]
pub struct Items {
    /// With the partition of each.
    pub items: Vec<(String, ItemRow)>,
    /// Where the next page begins: partition and key.
    pub next: Option<(i64, String)>,
}

impl Engine {
    /// Items of a kind as the tool gave them, by partition and key.
    ///
    /// # Errors
    /// Where there is no such integration or kind.
    pub async fn stored_items(
        &self,
        name: &IntegrationName,
        kind: &str,
        from: Option<(i64, String)>,
        limit: usize,
    ) -> Result<Items> {
        let row = self.integration_row(name).await?;
        let all = self.inner.store.partitions(row.id).await?;
        let mut partitions: Vec<&PartitionRow> = all.iter().filter(|p| p.kind == kind).collect();
        if partitions.is_empty() {
            let mut kinds: Vec<&str> = all.iter().map(|p| p.kind.as_str()).collect();
            kinds.sort_unstable();
            kinds.dedup();
            let hint = format!("it has items of: {}", kinds.join(", "));
            return Err(EngineError::not_found_but("kind", kind, hint));
        }
        partitions.sort_by_key(|p| p.id);
        let (first, mut after) = from.unwrap_or((0, String::new()));
        let mut items = Vec::new();
        for partition in partitions.into_iter().filter(|p| p.id >= first) {
            if partition.id != first {
                after.clear();
            }
            let left = limit - items.len();
            for item in self.inner.store.items(partition.id, &after, left + 1).await? {
                if items.len() == limit {
                    let last: Option<&(String, ItemRow)> = items.last();
                    // The one behind is of this partition, or the first of it.
                    let key = if last.is_some_and(|(of, _)| *of == partition.name) {
                        last.map(|(_, item)| item.key.clone()).unwrap_or_default()
                    } else {
                        String::new()
                    };
                    return Ok(Items {
                        items,
                        next: Some((partition.id, key)),
                    });
                }
                items.push((partition.name.clone(), item));
            }
        }
        Ok(Items { items, next: None })
    }

    /// What a mapping would make of the stored items that the one in force does not. None: the plugin's own mapping.
    ///
    /// # Errors
    /// A mapping that does not compile, with all that is wrong.
    pub async fn preview_mapping(&self, name: &IntegrationName, wanted: Option<&Value>) -> Result<MappingDiff> {
        let site = self.site(name).await?;
        let new = Arc::new(self.mapping_of(&site, wanted)?);
        let blueprints = self.all_blueprints();
        let mut kinds: BTreeMap<String, KindDiff> = BTreeMap::new();
        for partition in self.inner.store.partitions(site.row.id).await? {
            let mut after = String::new();
            loop {
                let items = self.inner.store.items(partition.id, &after, PIECE).await?;
                let Some(last) = items.last() else { break };
                after.clone_from(&last.key);
                let (site, new, blueprints, of) = (site.clone(), new.clone(), blueprints.clone(), partition.clone());
                let finder = self.finder();
                let part = move || compare(&site, &new, &blueprints, &of, &items, &finder);
                let part = tokio::task::spawn_blocking(part).await??;
                kinds.entry(partition.kind.clone()).or_default().add(part);
            }
        }
        let mut out = MappingDiff::default();
        for (kind, mut diff) in kinds {
            diff.kind = kind;
            out.items += diff.items;
            out.total.add(diff.differences);
            out.kinds.push(diff);
        }
        Ok(out)
    }

    fn mapping_of(&self, site: &Site, wanted: Option<&Value>) -> Result<Mapping> {
        let own = site.plugin.bundle().mapping.as_ref();
        let Some(value) = wanted.or(own) else {
            return Err(EngineError::invalid(
                "/mapping",
                "the plugin has no mapping of its own; write one",
            ));
        };
        Mapping::compile(value).map_err(|errors| {
            EngineError::Invalid(errors.iter().map(|e| Problem::at("/mapping", e.to_string())).collect())
        })
    }

    /// Puts a mapping in force, and maps what is stored anew in the background. Where that would remove a larger share of
    /// entities than the integration's `delete_share`, it is refused without `force`.
    ///
    /// # Errors
    /// As [`Engine::preview_mapping`]; [`EngineError::Conflict`] where too much would go.
    pub async fn apply_mapping(
        &self,
        name: &IntegrationName,
        wanted: Option<Value>,
        by: String,
        force: bool,
    ) -> Result<MappingDiff> {
        self.put_mapping_in_force(name, wanted, by, force, None).await
    }

    async fn put_mapping_in_force(
        &self,
        name: &IntegrationName,
        wanted: Option<Value>,
        by: String,
        force: bool,
        back_to: Option<u64>,
    ) -> Result<MappingDiff> {
        let diff = self.preview_mapping(name, wanted.as_ref()).await?;
        let row = self.integration_row(name).await?;
        let before = diff.total.removed + diff.total.changed + diff.total.unchanged;
        let share = diff.total.removed as f64 / before.max(1) as f64;
        let too_many =
            diff.total.removed > u64::from(row.integration.delete_floor) && share > row.integration.delete_share;
        if too_many && !force {
            return Err(EngineError::Conflict(format!(
                "this mapping would remove {} of {before} entities; look at the preview, and say `force` if that is meant",
                diff.total.removed
            )));
        }
        if row.integration.mapping == wanted {
            return Ok(diff);
        }
        // Noted first: a host that stops in between goes on with it.
        let work = Work::Remap(name.clone());
        self.note_work(&work).await?;
        self.note_mapping(&row, wanted.clone(), Some(by), back_to).await?;
        let integration = Integration {
            mapping: wanted,
            ..row.integration
        };
        self.inner.store.put_integration(&integration, self.now()).await?;
        self.forget_site(name);
        self.inner.supervisors.wake(name);
        // Said at once: whoever looks for it finds it under way.
        self.note_progress(name, Some((0, 0)));
        self.begin(work);
        Ok(diff)
    }

    /// Puts the mapping in force that was before the one that stands, or that of a version; see [`Engine::mapping_versions`].
    ///
    /// # Errors
    /// Where there is none; else as [`Engine::apply_mapping`].
    pub async fn roll_back_mapping(
        &self,
        name: &IntegrationName,
        to: Option<u64>,
        by: String,
        force: bool,
    ) -> Result<MappingDiff> {
        let (number, mapping) = self.mapping_to_go_back_to(name, to).await?;
        self.put_mapping_in_force(name, mapping, by, force, Some(number)).await
    }

    /// How far the items of an integration have been mapped anew, and how many there are; none: all are.
    pub fn remap_progress(&self, name: &IntegrationName) -> Option<(u64, u64)> {
        let remaps = self.inner.remaps.lock().unwrap_or_else(PoisonError::into_inner);
        remaps.get(name).copied()
    }

    pub(crate) fn note_progress(&self, name: &IntegrationName, progress: Option<(u64, u64)>) {
        let mut remaps = self.inner.remaps.lock().unwrap_or_else(PoisonError::into_inner);
        match progress {
            Some(progress) => drop(remaps.insert(name.clone(), progress)),
            None => drop(remaps.remove(name)),
        }
    }

    /// Maps all of an integration's items anew, by the mapping and the blueprints of now.
    pub(crate) async fn remap(&self, name: &IntegrationName, by: Option<&str>, on_duty: &OnDuty) -> Result<()> {
        self.note_progress(name, Some((0, 0)));
        let cause = Cause::new(&format!("mapping:{name}")).by(by).to_string();
        self.remap_all(name, &cause, on_duty).await
    }

    async fn remap_all(&self, name: &IntegrationName, cause: &str, on_duty: &OnDuty) -> Result<()> {
        let site = self.site(name).await?;
        let partitions = self.inner.store.partitions(site.row.id).await?;
        let all = partitions.iter().map(|p| p.items).sum();
        let mut done = 0;
        for partition in &partitions {
            let mut after = String::new();
            loop {
                if on_duty.is_over() {
                    return Ok(());
                }
                // Of a mapping that was replaced meanwhile the rest is the newer one's to do.
                let site = self.site(name).await?;
                let (last, count) = self.remap_piece(&site, partition, &after, cause).await?;
                done += count;
                self.note_progress(name, Some((done, all)));
                match last {
                    Some(last) => after = last,
                    None => break,
                }
            }
        }
        Ok(())
    }

    /// Maps a piece of a partition's items anew; gives the last key, and how many there were.
    async fn remap_piece(
        &self,
        site: &Arc<Site>,
        partition: &PartitionRow,
        after: &str,
        cause: &str,
    ) -> Result<(Option<String>, u64)> {
        for _ in 0..TRIES {
            let items = self.inner.store.items(partition.id, after, PIECE).await?;
            let (last, count) = (items.last().map(|item| item.key.clone()), items.len() as u64);
            let blueprints = self.all_blueprints();
            let (of, place) = (site.clone(), partition.clone());
            let finder = self.finder();
            let work = move || rewritten(&of, &blueprints, &place, items, &finder);
            let (upserts, expect) = tokio::task::spawn_blocking(work).await??;
            if upserts.is_empty() {
                return Ok((last, count));
            }
            let page = PageWrite {
                partition: partition.id,
                pass: None,
                fence: 0,
                items: upserts.len() as u64,
                upserts,
                deletes: Vec::new(),
                unchanged: Vec::new(),
                cursor: None,
                converted: 0,
                cause: cause.to_owned(),
                expect,
                renewal: true,
                duty: None,
                delivery: None,
                now: self.now(),
            };
            match self.inner.store.apply_page(page).await {
                Ok(result) => {
                    self.index(&result);
                    return Ok((last, count));
                }
                // A pass was faster with one of them: read them again.
                Err(StoreError::Changed(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(EngineError::Conflict("its items change all the time".into()))
    }
}

/// Items whose entities may be others under the mapping in force, as they are to be stored.
fn rewritten(
    site: &Site,
    blueprints: &Blueprints,
    partition: &PartitionRow,
    items: Vec<ItemRow>,
    find: &dyn Find,
) -> Result<(Vec<ItemWrite>, Vec<Expect>)> {
    let Some(mapping) = &site.mapping else {
        return Ok((Vec::new(), Vec::new()));
    };
    let rules = mapping.digest(&partition.kind, blueprints);
    let selector = site.slice(partition).0;
    let (mut upserts, mut expect) = (Vec::new(), Vec::new());
    let strict = crate::sync::page::strict(site, &partition.kind);
    let place = (partition.kind.as_str(), selector);
    let searches = mapping.searches(&partition.kind);
    for item in items {
        let map = || mapped(mapping, place, &item.key, &item.value, blueprints, strict, Some(find));
        let searched = searches.then(map).transpose()?;
        let hash = crate::sync::page::hash(&item.value, &rules, searched.as_ref());
        if hash == item.hash {
            continue;
        }
        let mapped = match searched {
            Some(mapped) => mapped,
            None => map()?,
        };
        expect.push(Expect::Item {
            key: item.key.clone(),
            hash: Some(item.hash),
        });
        upserts.push(ItemWrite {
            key: item.key,
            hash,
            value: item.value,
            entities: mapped.entities,
            reports: mapped.reports,
        });
    }
    Ok((upserts, expect))
}

impl Differences {
    fn add(&mut self, other: Self) {
        self.added += other.added;
        self.changed += other.changed;
        self.removed += other.removed;
        self.unchanged += other.unchanged;
        self.rejected += other.rejected;
    }
}

impl KindDiff {
    fn add(&mut self, other: Self) {
        self.items += other.items;
        self.differences.add(other.differences);
        for example in other.examples {
            if self.examples.iter().filter(|known| known.what == example.what).count() < EXAMPLES {
                self.examples.push(example);
            }
        }
    }
}

fn compare(
    site: &Site,
    new: &Mapping,
    blueprints: &Blueprints,
    partition: &PartitionRow,
    items: &[ItemRow],
    find: &dyn Find,
) -> Result<KindDiff> {
    let mut out = KindDiff {
        items: items.len() as u64,
        ..KindDiff::default()
    };
    let kind = partition.kind.as_str();
    let strict = crate::sync::page::strict(site, kind);
    let new_place = new.partition_of(kind, &partition.name).0;
    for item in items {
        let run = |mapping: &Mapping, place: usize| {
            let mapped = mapped(
                mapping,
                (kind, place),
                &item.key,
                &item.value,
                blueprints,
                strict,
                Some(find),
            );
            match mapped {
                // A relation that nobody can search for now would seem to have gone.
                Err(error @ CallError::Failure(_)) => Err(error),
                mapped => Ok(mapped.unwrap_or_default()),
            }
        };
        let old = site
            .mapping
            .as_ref()
            .map(|mapping| run(mapping, site.slice(partition).0))
            .transpose()?
            .unwrap_or_default();
        let new = run(new, new_place)?;
        let mut before: BTreeMap<(BlueprintId, EntityId), Entity> = old
            .entities
            .into_iter()
            .map(|e| ((e.blueprint.clone(), e.identifier.clone()), e))
            .collect();
        let mut note = |what, entity: Option<String>, diff, reason| {
            let example = Example {
                what,
                entity,
                key: item.key.clone(),
                diff,
                reason,
            };
            out.examples.push(example);
        };
        let mut count = Differences::default();
        for entity in new.entities {
            let shown = Some(format!("{}/{}", entity.blueprint, entity.identifier));
            match before.remove(&(entity.blueprint.clone(), entity.identifier.clone())) {
                None => {
                    count.added += 1;
                    note("added", shown, Map::new(), None);
                }
                Some(old) if old == entity => count.unchanged += 1,
                Some(old) => {
                    count.changed += 1;
                    note("changed", shown, diff(&old, &entity), None);
                }
            }
        }
        for (blueprint, identifier) in before.into_keys() {
            count.removed += 1;
            note("removed", Some(format!("{blueprint}/{identifier}")), Map::new(), None);
        }
        for report in new.reports.into_iter().filter(|report| !old.reports.contains(report)) {
            count.rejected += 1;
            note("rejected", report.entity, Map::new(), Some(report.message));
        }
        out.differences.add(count);
    }
    let mut short = KindDiff::default();
    short.add(out);
    Ok(short)
}
