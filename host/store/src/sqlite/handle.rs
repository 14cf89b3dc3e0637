//! rusqlite on sqlx's own connections. One awaited statement a row costs five times what a prepared statement costs, so
//! pages and reads by id use the raw handle; everything else goes through sqlx.
//!
//! The only unsafe code of this crate is [`attach`]. What it asks for: the `rusqlite::Connection` is used, and its
//! statements are finalised, only while the sqlx connection is alive and its worker thread waits (`lock_handle`).

use super::names::Memory;
use crate::{
    Result, StoreError,
    sql::{Ask, Conn},
};
use futures::executor::block_on;
use rusqlite::Connection;
use sqlx::sqlite::{LockedSqliteHandle, SqliteConnection};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};
use tokio::sync::oneshot;

/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 64;

fn attach(handle: &mut LockedSqliteHandle<'_>) -> Result<Connection> {
    #[expect(
        unsafe_code,
        reason = "rusqlite borrows sqlx's handle; see the module's text for what keeps it sound"
    )]
    // SAFETY: the handle is open, and the two users of this function keep what the module's text asks for.
    let raw = unsafe { Connection::from_handle(handle.as_raw_handle().as_ptr()) }?;
    raw.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(raw)
}

/// The connection that writes, for sqlx and for rusqlite in turn.
pub(super) struct Writer {
    raw: Connection,
    /// For statements through sqlx.
    conn: SqliteConnection,
    memory: Memory,
}

impl Writer {
    pub(super) async fn new(mut conn: SqliteConnection) -> Result<Self> {
        let raw = attach(&mut conn.lock_handle().await?)?;
        Ok(Self {
            raw,
            conn,
            memory: Memory::default(),
        })
    }

    /// To be called where a blueprint has changed.
    pub(super) fn forget_rules(&mut self) {
        self.memory.names.forget_rules();
    }

    /// Runs `f`, which only reads. Blocks.
    pub(super) fn read<T>(&mut self, f: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let _held = block_on(self.conn.lock_handle())?;
        f(&self.raw)
    }

    /// Runs `f` in one transaction, which is rolled back where it fails. Blocks.
    pub(super) fn transaction<T>(&mut self, f: impl FnOnce(&Connection, &mut Memory) -> Result<T>) -> Result<T> {
        let _held = block_on(self.conn.lock_handle())?;
        let tx = self
            .raw
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let done = f(&tx, &mut self.memory).and_then(|out| {
            tx.commit()?;
            Ok(out)
        });
        if done.is_err() {
            self.memory = Memory::default();
        }
        done
    }
}

impl Ask for Writer {
    fn conn(&mut self) -> Conn<'_> {
        Conn::Sqlite(&mut self.conn)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _held = block_on(self.conn.lock_handle());
        self.raw.flush_prepared_statement_cache();
    }
}

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// Threads that read, each with a connection of its own.
pub(super) struct Readers {
    jobs: flume::Sender<Job>,
}

impl Readers {
    /// Starts a thread for each connection; they end with the value.
    pub(super) fn start(connections: Vec<SqliteConnection>) -> Result<Self> {
        let (jobs, queue) = flume::unbounded();
        for conn in connections {
            let queue = queue.clone();
            thread::Builder::new()
                .name("seawall-read".into())
                .spawn(move || {
                    if let Err(error) = serve(conn, &queue) {
                        tracing::error!(%error, "a thread that reads the database ended");
                    }
                })
                .map_err(|e| StoreError::Database(sqlx::Error::Io(e)))?;
        }
        Ok(Self { jobs })
    }

    /// Runs `f` on one of the threads.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, wait) = oneshot::channel();
        let job: Job = Box::new(move |conn| {
            // Nobody waits any more when the caller was dropped.
            let _ = answer.send(f(conn));
        });
        let gone = || StoreError::Database(sqlx::Error::WorkerCrashed);
        self.jobs.send(job).map_err(|_| gone())?;
        wait.await.map_err(|_| gone())?
    }
}

fn serve(mut conn: SqliteConnection, queue: &flume::Receiver<Job>) -> Result<()> {
    let mut held = block_on(conn.lock_handle())?;
    // Dropped before `held`, so its statements are finalised while the worker still waits.
    let raw = attach(&mut held)?;
    while let Ok(job) = queue.recv() {
        // A job that panics fails its caller alone.
        let _ = catch_unwind(AssertUnwindSafe(|| job(&raw)));
    }
    Ok(())
}
