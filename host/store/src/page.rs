//! A page with everything done that needs no database.

use crate::{Duty, Expect, PageWrite, Result, StoreError, body, merge::Said};
use roaring::RoaringTreemap;
use seawall_domain::{
    Millis, Report,
    entity::merge,
    pass::{Counts, PassState},
};

/// An item with everything done that needs no database.
pub(crate) struct Item {
    pub(crate) key: String,
    pub(crate) hash: [u8; 16],
    pub(crate) value: Vec<u8>,
    pub(crate) says: Vec<Said>,
    pub(crate) reports: Vec<Report>,
}

/// A page with everything done that needs no database, so that the writer is held for less time.
pub(crate) struct Page {
    pub(crate) partition: i64,
    pub(crate) pass: Option<i64>,
    pub(crate) fence: i64,
    pub(crate) upserts: Vec<Item>,
    pub(crate) deletes: Vec<String>,
    pub(crate) unchanged: Vec<i64>,
    pub(crate) cursor: Option<String>,
    pub(crate) items: u64,
    pub(crate) converted: u64,
    pub(crate) cause: String,
    pub(crate) expect: Vec<Expect>,
    pub(crate) renewal: bool,
    pub(crate) duty: Option<Duty>,
    pub(crate) delivery: Option<(i64, u32)>,
    pub(crate) now: Millis,
}

impl Page {
    /// Compresses, encodes, and sorts by key: several writers take rows in the same order.
    pub(crate) fn prepare(page: PageWrite) -> Result<Self> {
        let mut upserts = page
            .upserts
            .into_iter()
            .map(|item| {
                let mut entities: Vec<seawall_domain::Entity> = Vec::with_capacity(item.entities.len());
                for entity in item.entities {
                    // One item may give an entity twice; together that is what it says.
                    let same = |e: &&mut seawall_domain::Entity| {
                        e.identifier == entity.identifier && e.blueprint == entity.blueprint
                    };
                    match entities.iter_mut().find(same) {
                        Some(before) => {
                            if let Some(both) = merge([&*before, &entity]) {
                                *before = both;
                            }
                        }
                        None => entities.push(entity),
                    }
                }
                Ok(Item {
                    key: item.key,
                    hash: item.hash,
                    value: body::compress(&item.value)?,
                    says: entities.into_iter().map(Said::new).collect::<Result<_>>()?,
                    reports: item.reports,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        upserts.sort_by(|a, b| a.key.cmp(&b.key));
        let mut deletes = page.deletes;
        deletes.sort_unstable();
        deletes.dedup();
        let cause = match page.pass {
            Some(pass) if page.cause == "pass" => format!("pass:{pass}"),
            _ => page.cause,
        };
        Ok(Self {
            partition: page.partition,
            pass: page.pass,
            fence: page.fence,
            upserts,
            deletes,
            unchanged: page.unchanged,
            cursor: page.cursor,
            items: page.items,
            converted: page.converted,
            cause,
            expect: page.expect,
            renewal: page.renewal,
            duty: page.duty,
            delivery: page.delivery,
            now: page.now,
        })
    }
}

/// A pass as transactions see it.
pub(crate) struct PassHead {
    pub(crate) partition: i64,
    pub(crate) state: PassState,
    pub(crate) counts: Counts,
}

impl PassHead {
    /// From its columns.
    pub(crate) fn of(partition: i64, state: String, counts: &str) -> Result<Self> {
        Ok(Self {
            partition,
            state: crate::sql::of_text("pass", state)?,
            counts: body::from_json("counts", counts)?,
        })
    }

    /// Whether items may still be listed or swept for it.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, PassState::Running | PassState::Held)
    }

    /// Fails unless it runs, in this partition.
    pub(crate) fn must_run(&self, pass: i64, partition: i64) -> Result<()> {
        if self.partition == partition && self.state == PassState::Running {
            return Ok(());
        }
        Err(StoreError::Missing(format!(
            "a running pass {pass} of partition {partition}"
        )))
    }
}

/// Why a page is not stored whose `expected` is not so.
pub(crate) fn changed(expected: &Expect) -> StoreError {
    StoreError::Changed(match expected {
        Expect::Entity {
            blueprint, identifier, ..
        } => format!("the entity {blueprint}/{identifier}"),
        Expect::Item { key, .. } => format!("what is said of {key}"),
    })
}

/// Why a pass may remove nothing any more.
pub(crate) fn no_listing(pass: i64) -> StoreError {
    StoreError::Missing(format!(
        "the listing of pass {pass}: it has ended, or a newer pass has begun;"
    ))
}

/// Ids as the bitmaps hold them.
pub(crate) fn ids(ids: &[i64]) -> RoaringTreemap {
    ids.iter().map(|id| body::as_u64(*id)).collect()
}
