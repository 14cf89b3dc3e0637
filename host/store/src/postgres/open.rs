//! Opening a database: pool, migrations, the master key's check.

use super::{PgAddress, PgStore, again::is_read_only, ids::Ids, key, migrate::migrate, names::Names};
use crate::{MasterKey, Result, StoreError};
use sqlx::{
    ConnectOptions, Connection, Row,
    postgres::{PgConnectOptions, PgConnection, PgPoolOptions},
};
use std::{sync::Mutex, time::Duration};

/// Connections at most. Each is a process of the server's, and PostgreSQL has 100 for all unless it is told otherwise.
const CONNECTIONS: u32 = 16;
/// How long a request waits for a connection, while the database is away or all of them are busy.
const WAIT: Duration = Duration::from_secs(4);
/// How long opening waits for a first answer.
const FIRST_WAIT: Duration = Duration::from_secs(15);
/// A connection that rested for longer is asked whether it still lives before it is used.
const REST: Duration = Duration::from_secs(1);

/// A connection of its own, outside any pool.
pub(crate) async fn connect(address: &PgAddress) -> Result<PgConnection> {
    match tokio::time::timeout(FIRST_WAIT, address.options.connect()).await {
        Ok(connected) => connected.map_err(|e| address.explain(e)),
        Err(_) => Err(StoreError::Unusable(format!(
            "{address} did not answer within {} seconds; check the host's name and the network",
            FIRST_WAIT.as_secs()
        ))),
    }
}

impl PgAddress {
    /// What the database takes on disk, in bytes.
    ///
    /// # Errors
    /// What the database said.
    pub async fn bytes_on_disk(&self) -> Result<u64> {
        let mut conn = connect(self).await?;
        let mut tx = conn.begin().await?;
        let row = super::ask("SELECT pg_database_size(current_database())", false)
            .fetch_one(&mut *tx)
            .await?;
        Ok(u64::try_from(row.try_get::<i64, _>(0)?).unwrap_or_default())
    }
}

impl PgStore {
    /// Opens a database. An older schema is brought up to date; an empty one is filled. All processes that share the
    /// database have the same master key.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`], [`StoreError::Unusable`] with what to do, [`StoreError::Seal`] where the master key is
    /// not the one of this database, or what the database said.
    pub async fn open(address: &PgAddress, key: MasterKey) -> Result<Self> {
        let mut conn = connect(address).await?;
        migrate(&mut conn).await.map_err(|e| match e {
            StoreError::Database(e) => address.explain(e),
            e => e,
        })?;
        key::check(&mut conn, &key).await?;
        // It said what is needed; the pool makes its own.
        drop(conn.close().await);
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .min_connections(0)
            .acquire_timeout(WAIT)
            .test_before_acquire(false)
            .before_acquire(|conn, meta| {
                Box::pin(async move {
                    if is_read_only(meta.age) {
                        return Ok(false);
                    }
                    if meta.idle_for > REST {
                        conn.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(PgConnectOptions::clone(&address.options));
        Ok(Self {
            pool,
            keep: address.keep,
            key: std::sync::RwLock::new(key),
            names: Names::default(),
            ids: Ids::default(),
            swept: Mutex::default(),
        })
    }
}
