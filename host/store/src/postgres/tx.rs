//! What one transaction on a partition's items has gathered so far, and the end of it.

use super::{PgStore, ask};
use crate::{
    Duty, Expect, PageResult, Result, StoreError, body,
    merge::{Said, Touched},
    page::PassHead,
    sql::{self, commit, escape},
};
use roaring::RoaringTreemap;
use seawall_domain::Millis;
use sqlx::{PgConnection, Postgres, Row, Transaction, postgres::PgArguments, query::Query};

/// Begins a transaction that writes. A process that is paused in the middle of one, or cut off without a word, would hold its rows
/// for ever, and everybody up who waits for them: the database ends it instead. `SET LOCAL`, since poolers share sessions.
pub(crate) const BEGIN: &str = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '10s'";

/// A transaction on the items of one partition, whose row it holds: no lease is taken, and nobody else writes its items, before
/// it ends.
pub(super) struct Tx<'s, 'p> {
    pub(super) store: &'s PgStore,
    pub(super) tx: Transaction<'s, Postgres>,
    pub(super) partition: i64,
    pub(super) integration: i64,
    fence: i64,
    pub(super) now: Millis,
    pub(super) cause: &'p str,
    /// Who speaks, once that was read; none where the host works on what was said.
    pub(super) by: Option<String>,
    /// Items that the partition holds.
    pub(super) items: i64,
    /// What to write of entities when all items are known.
    pub(super) touched: Touched<&'p Said>,
    /// Items that this page lists.
    pub(super) listed: RoaringTreemap,
    pub(super) result: PageResult,
}

/// A question, prepared as the store has it.
macro_rules! q {
    ($tx:expr, $sql:expr) => {
        $crate::postgres::ask($sql, $tx.store.keep)
    };
}
pub(super) use q;

impl<'s, 'p> Tx<'s, 'p> {
    pub(super) async fn begin(store: &'s PgStore, partition: i64, cause: &'p str, now: Millis) -> Result<Self> {
        let mut tx = store.pool.begin_with(BEGIN).await?;
        let row = ask(
            "SELECT integration, fence, items FROM partition WHERE id = $1 FOR NO KEY UPDATE",
            store.keep,
        )
        .bind(partition)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(|| StoreError::Missing(format!("partition {partition}")))?;
        Ok(Self {
            store,
            tx,
            partition,
            integration: row.try_get(0)?,
            fence: row.try_get(1)?,
            now,
            cause,
            by: None,
            items: row.try_get(2)?,
            touched: Touched::default(),
            listed: RoaringTreemap::new(),
            result: PageResult::default(),
        })
    }

    /// Fails where another process has taken the work; nobody takes it before the transaction ends.
    pub(super) async fn check_duty(&mut self, duty: Option<&Duty>) -> Result<()> {
        let style = sql::Style {
            keep: self.store.keep,
            wrap: false,
        };
        sql::replicas::check(&mut sql::Conn::Postgres(&mut self.tx, style), duty).await
    }

    /// A transaction on entities alone: no item says anything in it.
    pub(super) async fn bare(store: &'s PgStore, cause: &'p str, now: Millis) -> Result<Self> {
        Ok(Self {
            store,
            tx: store.pool.begin_with(BEGIN).await?,
            partition: 0,
            integration: 0,
            fence: 0,
            now,
            cause,
            by: None,
            items: 0,
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

    /// The pass, which does not end before the transaction.
    pub(super) async fn head(&mut self, pass: i64) -> Result<PassHead> {
        let asked = q!(
            self,
            "SELECT partition, state, counts FROM pass WHERE id = $1 FOR NO KEY UPDATE"
        );
        head(&mut self.tx, asked, pass).await
    }

    /// The partition's newest pass, where it is open: changes outside it must survive it.
    pub(super) async fn open_pass(&mut self) -> Result<Option<i64>> {
        open_pass(&mut self.tx, self.partition, self.store.keep).await
    }

    /// Runs a statement for its effect.
    pub(super) async fn run(&mut self, query: Query<'_, Postgres, PgArguments>) -> Result<u64> {
        Ok(query.execute(&mut *self.tx).await?.rows_affected())
    }

    /// Writes the touched entities and everything that was only counted so far. `cursor` is the partition's new one; entities
    /// have to be as they are `expected`.
    pub(super) async fn finish(
        mut self,
        pass: Option<i64>,
        cursor: Option<Option<&str>>,
        expected: &[Expect],
    ) -> Result<PageResult> {
        let changes = self.prepare_entities(expected).await?;
        let update = q!(
            self,
            "UPDATE partition SET items = $2, cursor = CASE WHEN $3 THEN $4 ELSE cursor END WHERE id = $1"
        )
        .bind(self.partition)
        .bind(self.items)
        .bind(cursor.is_some())
        .bind(cursor.flatten().map(|cursor| escape(cursor).into_owned()));
        self.run(update).await?;
        if let Some(pass) = pass {
            if !self.listed.is_empty() {
                let listed = std::mem::take(&mut self.listed);
                self.list(pass, &listed).await?;
            }
            let mut counts = self.head(pass).await?.counts;
            counts += self.result.counts;
            let update = q!(self, "UPDATE pass SET counts = $2 WHERE id = $1")
                .bind(pass)
                .bind(body::to_json("counts", &counts)?);
            self.run(update).await?;
        }
        self.write_entities(changes).await?;
        commit(self.tx).await?;
        Ok(self.result)
    }

    /// Keeps that `pass` has listed these items.
    pub(super) async fn list(&mut self, pass: i64, items: &RoaringTreemap) -> Result<()> {
        let insert = q!(self, "INSERT INTO pass_page (pass, items) VALUES ($1, $2)")
            .bind(pass)
            .bind(body::write_ids(items)?);
        self.run(insert).await?;
        Ok(())
    }
}

/// The pass as `asked` has it.
pub(super) async fn head(
    conn: &mut PgConnection,
    asked: Query<'_, Postgres, PgArguments>,
    pass: i64,
) -> Result<PassHead> {
    let row = asked
        .bind(pass)
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| StoreError::Missing(format!("pass {pass}")))?;
    PassHead::of(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)
}

/// See [`Tx::open_pass`].
pub(super) async fn open_pass(conn: &mut PgConnection, partition: i64, keep: bool) -> Result<Option<i64>> {
    let newest = ask(
        "SELECT id, state IN ('running', 'held') FROM pass WHERE partition = $1 ORDER BY id DESC LIMIT 1",
        keep,
    )
    .bind(partition)
    .fetch_optional(conn)
    .await?;
    match newest {
        Some(row) if row.try_get(1)? => Ok(Some(row.try_get(0)?)),
        _ => Ok(None),
    }
}

/// All items that `pass` has listed, and the last page that says so.
pub(super) async fn listed(conn: &mut PgConnection, pass: i64, keep: bool) -> Result<(RoaringTreemap, Option<i64>)> {
    let pages = ask("SELECT items, id FROM pass_page WHERE pass = $1 ORDER BY id", keep)
        .bind(pass)
        .fetch_all(conn)
        .await?;
    let mut all = RoaringTreemap::new();
    let mut last = None;
    for page in &pages {
        all |= body::read_ids(page.try_get(0)?)?;
        last = Some(page.try_get(1)?);
    }
    Ok((all, last))
}
