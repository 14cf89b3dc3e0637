//! PostgreSQL: several processes share one database.
//!
//! A page is one transaction. It locks its partition first, then the entities that it touches in the order of their names, so
//! that writers wait for each other and never in a circle. The position of changes is a row that the last statement counts up:
//! who holds it waits for nobody, and positions become visible in their order. No advisory locks, no session's state: what is
//! prepared lasts for a transaction, unless the URL asks for more.

mod address;
pub(crate) mod again;
mod changes;
mod clear;
mod deliveries;
mod derive;
mod entities;
mod ids;
mod items;
mod key;
mod migrate;
mod names;
mod open;
mod page;
mod ranks;
mod read;
mod store;
mod sweep;
mod tx;
mod verdicts;

pub use address::PgAddress;
pub(crate) use ids::BLOCK;
pub(crate) use migrate::migrate as migrate_only;
pub(crate) use open::connect;
pub(crate) use tx::BEGIN;

use crate::{
    MasterKey, Result,
    sql::{Ask, Conn, Style},
};
use sqlx::{PgPool, Postgres, pool::PoolConnection, postgres::PgArguments, query::Query};
use std::sync::{Mutex, PoisonError};

/// A question of this database's alone.
pub(crate) fn ask(sql: &'static str, keep: bool) -> Query<'static, Postgres, PgArguments> {
    sqlx::query(sql).persistent(keep)
}

/// A PostgreSQL database, which other processes may use too. Clones are not needed: share it behind an `Arc`.
pub struct PgStore {
    pool: PgPool,
    /// Whether statements stay prepared on their connections.
    keep: bool,
    key: std::sync::RwLock<MasterKey>,
    names: names::Names,
    ids: ids::Ids,
    /// How far the last sweep has come.
    swept: Mutex<Option<sweep::Progress>>,
}

/// A connection of the pool and how it is asked.
pub(crate) struct Session {
    conn: PoolConnection<Postgres>,
    style: Style,
}

impl Ask for Session {
    fn conn(&mut self) -> Conn<'_> {
        Conn::Postgres(&mut self.conn, self.style)
    }
}

impl PgStore {
    /// For questions that write: each is a transaction, so that it is known whether it was done.
    async fn writing(&self) -> Result<Session> {
        self.session(true).await
    }

    /// For questions that only read.
    async fn reading(&self) -> Result<Session> {
        self.session(!self.keep).await
    }

    async fn session(&self, wrap: bool) -> Result<Session> {
        Ok(Session {
            conn: self.pool.acquire().await?,
            style: Style { keep: self.keep, wrap },
        })
    }

    fn master_key(&self) -> MasterKey {
        self.key.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl std::fmt::Debug for PgStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PgStore").finish_non_exhaustive()
    }
}
