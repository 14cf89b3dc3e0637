//! What one transaction on a partition's items has gathered so far, and the end of it.

use super::names::Names;
use crate::{
    PageResult, Result, StoreError, body,
    merge::{Said, Touched, speaker},
    page::PassHead,
};
use roaring::RoaringTreemap;
use rusqlite::{Connection, OptionalExtension, params};
use seawall_domain::Millis;

/// The row ids that were given out last. Read at the start and written at the end, which is cheaper than AUTOINCREMENT
/// and, like it, never gives one out twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sequences {
    pub(super) entity: i64,
    pub(super) item: i64,
    pub(super) change: i64,
}

impl Sequences {
    fn read(conn: &Connection) -> Result<Self> {
        let mut find = conn.prepare_cached("SELECT value FROM sequence WHERE name = ?1")?;
        let mut value = |name: &str| find.query_row([name], |row| row.get(0));
        Ok(Self {
            entity: value("entity")?,
            item: value("item")?,
            change: value("change")?,
        })
    }

    fn write(self, before: Self, conn: &Connection) -> Result<()> {
        let mut set = conn.prepare_cached("UPDATE sequence SET value = ?2 WHERE name = ?1")?;
        for (name, old, new) in [
            ("entity", before.entity, self.entity),
            ("item", before.item, self.item),
            ("change", before.change, self.change),
        ] {
            if old != new {
                set.execute(params![name, new])?;
            }
        }
        Ok(())
    }
}

/// A transaction on the items of one partition.
pub(super) struct Tx<'c> {
    pub(super) conn: &'c Connection,
    pub(super) names: &'c mut Names,
    pub(super) partition: i64,
    pub(super) integration: i64,
    pub(super) fence: i64,
    pub(super) now: Millis,
    pub(super) cause: String,
    /// Who speaks; none where the host works on what was said.
    pub(super) by: Option<String>,
    pub(super) seq: Sequences,
    first: Sequences,
    /// Whether the last item was new: the next one is then probably too.
    pub(super) new_items: bool,
    /// Items that the partition holds.
    pub(super) items: i64,
    items_before: i64,
    /// What to write of entities when all items are known.
    pub(super) touched: Touched<Said>,
    /// Items that this page lists.
    pub(super) listed: RoaringTreemap,
    pub(super) result: PageResult,
}

impl<'c> Tx<'c> {
    pub(super) fn begin(
        conn: &'c Connection,
        names: &'c mut Names,
        partition: i64,
        cause: String,
        now: Millis,
    ) -> Result<Self> {
        let (integration, fence, items) = conn
            .prepare_cached("SELECT integration, fence, items FROM partition WHERE id = ?1")?
            .query_row([partition], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?
            .ok_or_else(|| StoreError::Missing(format!("partition {partition}")))?;
        let seq = Sequences::read(conn)?;
        let source = names.source(conn, integration)?;
        Ok(Self {
            by: Some(speaker(&cause, &source.name).to_owned()),
            conn,
            names,
            partition,
            integration,
            fence,
            now,
            cause,
            seq,
            first: seq,
            new_items: true,
            items,
            items_before: items,
            touched: Touched::default(),
            listed: RoaringTreemap::new(),
            result: PageResult::default(),
        })
    }

    /// A transaction on entities alone: no item says anything in it.
    pub(super) fn bare(conn: &'c Connection, names: &'c mut Names, cause: String, now: Millis) -> Result<Self> {
        let seq = Sequences::read(conn)?;
        Ok(Self {
            by: None,
            conn,
            names,
            partition: 0,
            integration: 0,
            fence: 0,
            now,
            cause,
            seq,
            first: seq,
            new_items: false,
            items: 0,
            items_before: 0,
            touched: Touched::default(),
            listed: RoaringTreemap::new(),
            result: PageResult::default(),
        })
    }

    /// Fails where another process has taken the partition since.
    pub(super) fn check_fence(&self, fence: i64) -> Result<()> {
        if self.fence == fence {
            Ok(())
        } else {
            Err(StoreError::Fenced {
                partition: self.partition,
            })
        }
    }

    /// Writes the touched entities and everything that was only counted so far.
    pub(super) fn finish(mut self, pass: Option<i64>) -> Result<PageResult> {
        self.write_entities()?;
        self.seq.write(self.first, self.conn)?;
        if self.items != self.items_before {
            self.conn
                .prepare_cached("UPDATE partition SET items = ?2 WHERE id = ?1")?
                .execute(params![self.partition, self.items])?;
        }
        if let Some(pass) = pass {
            if !self.listed.is_empty() {
                list(self.conn, pass, &self.listed)?;
            }
            let mut counts = head(self.conn, pass)?.counts;
            counts += self.result.counts;
            self.conn
                .prepare_cached("UPDATE pass SET counts = ?2 WHERE id = ?1")?
                .execute(params![pass, body::to_json("counts", &counts)?])?;
        }
        self.result.position = self.seq.change;
        Ok(self.result)
    }
}

/// Keeps that `pass` has listed these items.
pub(super) fn list(conn: &Connection, pass: i64, items: &RoaringTreemap) -> Result<()> {
    conn.prepare_cached("INSERT INTO pass_page (pass, items) VALUES (?1, ?2)")?
        .execute(params![pass, body::write_ids(items)?])?;
    Ok(())
}

/// All items that `pass` has listed.
pub(super) fn listed(conn: &Connection, pass: i64) -> Result<RoaringTreemap> {
    let mut all = RoaringTreemap::new();
    let mut pages = conn.prepare_cached("SELECT items FROM pass_page WHERE pass = ?1")?;
    let mut rows = pages.query([pass])?;
    while let Some(row) = rows.next()? {
        all |= body::read_ids(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
    }
    Ok(all)
}

/// The pass.
pub(super) fn head(conn: &Connection, pass: i64) -> Result<PassHead> {
    let (partition, state, counts): (i64, String, String) = conn
        .prepare_cached("SELECT partition, state, counts FROM pass WHERE id = ?1")?
        .query_row([pass], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?
        .ok_or_else(|| StoreError::Missing(format!("pass {pass}")))?;
    PassHead::of(partition, state, &counts)
}

/// The partition's newest pass, where it is open: changes outside it must survive it.
pub(super) fn open_pass(conn: &Connection, partition: i64) -> Result<Option<i64>> {
    let newest: Option<i64> = conn
        .prepare_cached("SELECT id FROM pass WHERE partition = ?1 ORDER BY id DESC LIMIT 1")?
        .query_row([partition], |row| row.get(0))
        .optional()?;
    match newest {
        Some(pass) if head(conn, pass)?.is_open() => Ok(Some(pass)),
        _ => Ok(None),
    }
}
