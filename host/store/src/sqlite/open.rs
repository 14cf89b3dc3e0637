//! Opening a database: files, pragmas, migrations.

use super::{
    SqliteStore,
    handle::{Readers, Writer},
    read::Blueprints,
};
use crate::{MasterKey, Result, StoreError, files};
use sqlx::{
    ConnectOptions, Connection, Row, SqliteConnection, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{io::ErrorKind, path::Path, sync::Arc, time::Duration};
use tokio::sync::Mutex;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Pages of 4,096 bytes after which the log is written back: many, since a bulk pass changes the same pages often.
const CHECKPOINT_PAGES: &str = "65536";
/// The log file is cut to this after it was written back whole: not in every round, since growing anew costs too.
const LOG_BYTES: &str = "301989888";
const MMAP_BYTES: &str = "2147418112";

impl SqliteStore {
    /// Opens the database file at `path`, and makes it, with mode 0600, and its folder, with mode 0700, where there is
    /// none. Older schemas are brought up to date.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`], [`StoreError::NotWritable`], or what the database said.
    pub async fn open(path: &Path, key: MasterKey) -> Result<Self> {
        let unusable = |source| StoreError::NotWritable {
            path: path.to_owned(),
            source,
        };
        if let Some(folder) = path.parent() {
            files::make_folder(folder).map_err(unusable)?;
        }
        match files::create_private(path) {
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                // Root may write to what is marked read-only, but whoever marked it did not want that.
                let file = std::fs::OpenOptions::new().write(true).open(path).map_err(unusable)?;
                if file.metadata().map_err(unusable)?.permissions().readonly() {
                    return Err(unusable(ErrorKind::PermissionDenied.into()));
                }
            }
            Err(e) => return Err(unusable(e)),
        }
        let options = options(path);
        // Mapped pages are looked for in the log at each access; the writer's own cache answers without that.
        let write = options
            .clone()
            .journal_mode(SqliteJournalMode::Wal)
            .pragma("mmap_size", "0");
        let mut conn = write.connect().await?;
        migrate(&mut conn).await?;

        let read = options.clone().read_only(true).pragma("cache_size", "-16384");
        let threads = std::thread::available_parallelism().map_or(2, |n| n.get()).clamp(2, 8);
        let mut readers = Vec::with_capacity(threads);
        for _ in 0..threads {
            readers.push(read.connect().await?);
        }
        let pool: SqlitePool = SqlitePoolOptions::new()
            .min_connections(0)
            .max_connections(4)
            .connect_lazy_with(read);
        Ok(Self {
            writer: Arc::new(Mutex::new(Writer::new(conn).await?)),
            readers: Readers::start(readers)?,
            pool,
            blueprints: Arc::new(Blueprints::default()),
            key: std::sync::RwLock::new(key),
            key_file: None,
            rotating: Mutex::default(),
        })
    }
}

/// A connection to a database that is there, with its schema up to date, beside whoever uses it.
pub(crate) async fn connect_existing(path: &Path) -> Result<SqliteConnection> {
    if !path.is_file() {
        return Err(StoreError::Missing(format!("the database {}", path.display())));
    }
    let mut conn = options(path).connect().await?;
    if !has_schema(&mut conn).await? {
        return Err(StoreError::Unusable(format!(
            "{} is no database of Seawall's",
            path.display()
        )));
    }
    migrate(&mut conn).await?;
    Ok(conn)
}

/// A connection to an empty file, which becomes a database that is filled once. A crash before the end leaves nothing of use.
pub(crate) async fn connect_new(path: &Path) -> Result<SqliteConnection> {
    let mut conn = options(path)
        .journal_mode(SqliteJournalMode::Memory)
        .synchronous(SqliteSynchronous::Off)
        .connect()
        .await?;
    migrate(&mut conn).await?;
    Ok(conn)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(10))
        .pragma("temp_store", "MEMORY")
        .pragma("cache_size", "-262144")
        .pragma("mmap_size", MMAP_BYTES)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("journal_size_limit", LOG_BYTES)
}

async fn has_schema(conn: &mut SqliteConnection) -> Result<bool> {
    let found = sqlx::query("SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations'")
        .fetch_optional(conn)
        .await?;
    Ok(found.is_some())
}

/// Brings the schema up to date, unless a newer binary has been here.
async fn migrate(conn: &mut SqliteConnection) -> Result<()> {
    let known = MIGRATIONS.iter().map(|m| m.version).max().unwrap_or_default();
    if has_schema(conn).await? {
        let found: i64 = sqlx::query("SELECT coalesce(max(version), 0) FROM _sqlx_migrations")
            .fetch_one(&mut *conn)
            .await?
            .try_get(0)?;
        if found > known {
            return Err(StoreError::NewerSchema { found, known });
        }
    }
    // `run` asks for `Acquire`, whose lifetimes keep the future from being `Send`; this is what it calls.
    MIGRATIONS.run_direct(None, conn, false).await?;
    // A statement that is still cached would keep the old schema.
    conn.clear_cached_statements().await?;
    Ok(())
}
