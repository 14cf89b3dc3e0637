//! SQLite: one file, one writer, several readers.

mod clear;
mod deliveries;
mod derive;
mod entities;
mod handle;
mod names;
mod open;
mod page;
mod read;
mod rotation;
mod store;
mod sweep;
mod tx;
mod verdicts;

pub(crate) use open::{connect_existing, connect_new};

use crate::{
    MasterKey, Result, StoreError,
    sql::{Ask, credentials},
};
use handle::{Readers, Writer};
use names::Memory;
use rusqlite::Connection;
use sqlx::{SqlitePool, pool::PoolConnection};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::{Mutex, MutexGuard};

/// The database in one SQLite file. Clones are not needed: share it behind an `Arc`.
pub struct SqliteStore {
    writer: Arc<Mutex<Writer>>,
    /// For reads by id, through rusqlite.
    readers: Readers,
    /// For all other reads, through sqlx.
    pool: SqlitePool,
    blueprints: Arc<read::Blueprints>,
    key: RwLock<MasterKey>,
    /// Where it is kept, if in a file.
    key_file: Option<std::path::PathBuf>,
    /// Held while it is changed.
    rotating: Mutex<()>,
}

impl SqliteStore {
    /// Puts every sealed credential under `new`, in one transaction. From then on the database opens with `new` alone.
    ///
    /// # Errors
    /// [`StoreError::Seal`] where one does not open; then nothing is changed.
    pub async fn change_master_key(&self, new: MasterKey) -> Result<()> {
        let mut writer = self.writer().await;
        let old = self.master_key();
        credentials::replace_sealed(&mut writer.conn(), |name, sealed| old.rewrap(&new, name, sealed)).await?;
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    fn master_key(&self) -> MasterKey {
        self.key.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().await
    }

    /// For questions that write.
    async fn writing(&self) -> Result<MutexGuard<'_, Writer>> {
        Ok(self.writer().await)
    }

    /// For questions that only read.
    async fn reading(&self) -> Result<PoolConnection<sqlx::Sqlite>> {
        Ok(self.pool.acquire().await?)
    }

    /// Runs `prepare` beside the writer and then `f` as its transaction, on a thread that may block.
    async fn write<P: Send + 'static, T: Send + 'static>(
        &self,
        prepare: impl FnOnce() -> Result<P> + Send + 'static,
        f: impl FnOnce(P, &Connection, &mut Memory) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let writer = Arc::clone(&self.writer);
        blocking(move || {
            let prepared = prepare()?;
            writer
                .blocking_lock()
                .transaction(|conn, memory| f(prepared, conn, memory))
        })
        .await
    }
}

/// Runs `f` on a thread that may block.
async fn blocking<T: Send + 'static>(f: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(f)
        .await
        .map_err(|e| StoreError::Database(sqlx::Error::Io(std::io::Error::other(e))))?
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}
