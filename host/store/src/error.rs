//! What can go wrong in the database.

use sqlx::error::DatabaseError;

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
    /// The database cannot be opened, or does not do this, as things stand: what to change.
    #[error("{0}")]
    Unusable(String),
    /// The database does not answer, or takes nothing, for now. It is asked again with the next request.
    #[error("{why}: {source}")]
    Unavailable {
        /// What is wrong, and who can do what.
        why: &'static str,
        /// Whether nothing was done, and it may be asked again at once on another connection.
        repeat: bool,
        /// What the database or the system said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Two transactions were in each other's way; this one did nothing.
    #[error("the database: another transaction was in the way ({0})")]
    InTheWay(Box<dyn std::error::Error + Send + Sync>),
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
    Database(sqlx::Error),
    /// A migration.
    #[error("migration: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// SQLite through its own handle.
    #[error("database: {0}")]
    Sqlite(rusqlite::Error),
    /// A secret could not be sealed or unsealed.
    #[error("{0}")]
    Seal(String),
}

const SILENT: &str = "the database does not answer";
const FULL: &str = "the database's disk is full; nothing can be stored until there is room";
const READ_ONLY: &str = "the database takes no writes now";

impl StoreError {
    /// Whether the database is away, full or read-only for now: the same may be asked later, and nothing is wrong with it.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::InTheWay(_))
    }

    /// Whether the database takes no writes.
    pub(crate) fn is_read_only(&self) -> bool {
        matches!(self, Self::Unavailable { why, .. } if *why == READ_ONLY)
    }

    /// Whether nothing was done, and another connection or moment may do.
    pub(crate) fn is_safe_to_repeat(&self) -> bool {
        match self {
            Self::Unavailable { repeat, .. } => *repeat,
            Self::InTheWay(_) => true,
            _ => false,
        }
    }

    /// The same of a commit whose outcome nobody knows where the connection broke.
    pub(crate) fn unsure(self) -> Self {
        match self {
            Self::Unavailable { why, source, .. } => Self::Unavailable {
                why,
                repeat: false,
                source,
            },
            other => other,
        }
    }

    /// It is not there, for now.
    fn away(why: &'static str, source: sqlx::Error, repeat: bool) -> Self {
        Self::Unavailable {
            why,
            repeat,
            source: Box::new(source),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error;
        match &error {
            // It was waited for already.
            Error::PoolTimedOut | Error::PoolClosed => Self::away(SILENT, error, false),
            // A connection broke. A pooler that lost its server says so in no form that is laid down.
            Error::Io(_) | Error::WorkerCrashed | Error::BeginFailed | Error::Protocol(_) => {
                Self::away(SILENT, error, true)
            }
            Error::Database(said) => match reason(&**said) {
                Some(Reason::For(why)) => Self::away(why, error, why == SILENT),
                Some(Reason::InTheWay) => Self::InTheWay(Box::new(error)),
                None => Self::Database(error),
            },
            _ => Self::Database(error),
        }
    }
}

enum Reason {
    For(&'static str),
    InTheWay,
}

/// What a database's code means: PostgreSQL's five characters (its manual, appendix A), or SQLite's number
/// (sqlite.org/rescode.html), whose extended codes have the primary one in the lowest byte.
fn reason(error: &dyn DatabaseError) -> Option<Reason> {
    let code = error.code()?;
    if error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
        return match &*code {
            "53100" => Some(Reason::For(FULL)),
            "25006" => Some(Reason::For(READ_ONLY)),
            "53300" => Some(Reason::For("the database has no connection left for Seawall")),
            "40001" | "40P01" => Some(Reason::InTheWay),
            // Shut down, crashed, starting, or cut off by an administrator; and all of class 08.
            "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => Some(Reason::For(SILENT)),
            code if code.starts_with("08") => Some(Reason::For(SILENT)),
            _ => None,
        };
    }
    sqlite_reason(code.parse().ok()?).map(Reason::For)
}

fn sqlite_reason(code: i32) -> Option<&'static str> {
    // The index of the write-ahead log, in a file of its own, could not grow.
    if code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE {
        return Some(FULL);
    }
    match code & 0xff {
        rusqlite::ffi::SQLITE_FULL => Some(FULL),
        rusqlite::ffi::SQLITE_READONLY => Some(READ_ONLY),
        rusqlite::ffi::SQLITE_BUSY => Some("another program holds the database's file"),
        _ => None,
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let why = error.sqlite_error().and_then(|e| sqlite_reason(e.extended_code));
        match why {
            Some(why) => Self::Unavailable {
                why,
                repeat: false,
                source: Box::new(error),
            },
            None => Self::Sqlite(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_under_sqlite_is_said_and_passes() {
        let failure = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        let full = StoreError::from(failure(rusqlite::ffi::SQLITE_FULL));
        assert!(
            full.is_unavailable() && full.to_string().contains("disk is full"),
            "{full}"
        );
        assert!(!full.is_safe_to_repeat());
        let corrupt = StoreError::from(failure(rusqlite::ffi::SQLITE_CORRUPT));
        assert!(!corrupt.is_unavailable(), "{corrupt}");
    }
}
