//! What can go wrong in the database.

/// A result of the store.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process took the work over; nothing was stored.
    #[error("another process does `{0}` now")]
    NotOnDuty(String),
    /// Another process took the partition; this page was not stored.
    #[error("the lease on partition {partition} was lost; another process goes on with it")]
    Fenced {
        /// The partition.
        partition: i64,
    },
    /// What a write was made from is no longer so; nothing was stored.
    #[error("{0} has changed meanwhile")]
    Changed(String),
    /// What is named does not exist.
    #[error("{0} does not exist")]
    Missing(String),
    /// The integration is on its way out.
    #[error("the integration `{0}` is being removed; put it again when that has ended")]
    Removing(String),
    /// A newer Seawall has written this database.
    #[error("the database has schema {found}, newer than this binary's {known}; start a newer `seawall`")]
    NewerSchema {
        /// In the database.
        found: i64,
        /// The newest that this binary knows.
        known: i64,
    },
    /// The database's file or folder cannot be made or written.
    #[error("the database {} cannot be written: {source}; the file and its folder must be writable for this user", .path.display())]
    NotWritable {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A stored value could not be read back.
    #[error("stored {what} is damaged: {detail}")]
    Damaged {
        /// Which value.
        what: &'static str,
        /// Why.
        detail: String,
    },
    /// The database itself.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// A migration.
    #[error("migration: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// SQLite through its own handle.
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A secret could not be sealed or unsealed.
    #[error("{0}")]
    Seal(String),
}
