//! Which database: a file, or a server.

use crate::{MasterKey, PgAddress, PgStore, Result, SqliteStore, Store, StoreError};
use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

/// Where a database is. Shown, it has no password.
#[derive(Debug, Clone)]
pub enum DatabaseUrl {
    /// A file.
    Sqlite(PathBuf),
    /// A server.
    Postgres(PgAddress),
}

impl FromStr for DatabaseUrl {
    type Err = StoreError;

    /// `postgres://…` (see [`PgAddress::parse`]), or `sqlite:FILE`.
    fn from_str(text: &str) -> Result<Self> {
        if let Some(file) = text.strip_prefix("sqlite:") {
            // As other programs write it: sqlite:///var/lib/seawall.db, sqlite://seawall.db.
            let file = file.strip_prefix("//").unwrap_or(file);
            if file.is_empty() {
                return Err(StoreError::Unusable(
                    "`sqlite:` names no file; write sqlite:FILE".to_owned(),
                ));
            }
            return Ok(Self::Sqlite(file.into()));
        }
        if text.starts_with("postgres:") || text.starts_with("postgresql:") {
            return PgAddress::parse(text).map(Self::Postgres);
        }
        Err(StoreError::Unusable(
            "a database is given as sqlite:FILE or as postgres://USER:PASSWORD@HOST:5432/DATABASE".to_owned(),
        ))
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(address) => address.fmt(f),
        }
    }
}

/// Where the master key comes from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// It was given.
    Given(MasterKey),
    /// It is in a file, which is made where there is none.
    File(PathBuf),
}

impl DatabaseUrl {
    /// Opens it.
    ///
    /// # Errors
    /// As [`SqliteStore::open_with_key_file`] and [`PgStore::open`].
    pub async fn open(&self, key: KeySource) -> Result<Arc<dyn Store>> {
        Ok(match (self, key) {
            (Self::Sqlite(path), KeySource::Given(key)) => Arc::new(SqliteStore::open(path, key).await?),
            (Self::Sqlite(path), KeySource::File(file)) => {
                Arc::new(SqliteStore::open_with_key_file(path, &file).await?)
            }
            (Self::Postgres(address), KeySource::Given(key)) => Arc::new(PgStore::open(address, key).await?),
            (Self::Postgres(address), KeySource::File(file)) => Arc::new(with_key_file(address, &file).await?),
        })
    }
}

impl DatabaseUrl {
    /// Puts every sealed secret of a database that no server uses under another master key.
    ///
    /// # Errors
    /// As [`DatabaseUrl::open`]; [`StoreError::Seal`] where a secret does not open, and then nothing is changed.
    pub async fn change_master_key(&self, old: KeySource, new: MasterKey) -> Result<()> {
        let old = match old {
            KeySource::Given(key) => key,
            KeySource::File(file) if file.exists() => MasterKey::load_or_create(&file)?,
            KeySource::File(file) => {
                return Err(StoreError::Seal(format!(
                    "there is no master key in {}, so that nothing can be opened with it; name the data folder with `--data`, \
                     or set SEAWALL_MASTER_KEY",
                    file.display()
                )));
            }
        };
        match self {
            Self::Sqlite(path) if !path.is_file() => {
                Err(StoreError::Missing(format!("the database {}", path.display())))
            }
            Self::Sqlite(path) => SqliteStore::open(path, old).await?.change_master_key(new).await,
            Self::Postgres(address) => PgStore::open(address, old).await?.change_master_key(new).await,
        }
    }
}

/// A key that was made for a database which turns out to have another one is of no use, and would be taken for the right one.
async fn with_key_file(address: &PgAddress, file: &Path) -> Result<PgStore> {
    let made = !file.exists();
    let opened = PgStore::open(address, MasterKey::load_or_create(file)?).await;
    if made && matches!(opened, Err(StoreError::Seal(_))) {
        drop(std::fs::remove_file(file));
    }
    opened
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_a_file_or_a_server() {
        for (text, shown) in [
            ("sqlite:data/seawall.db", "sqlite:data/seawall.db"),
            ("sqlite:///var/lib/seawall.db", "sqlite:/var/lib/seawall.db"),
            ("postgres://ann:s3cret@db/portal", "postgres://ann@db:5432/portal"),
        ] {
            assert_eq!(text.parse::<DatabaseUrl>().unwrap().to_string(), shown);
        }
        for text in ["", "sqlite:", "s3cret", "mysql://ann:s3cret@db/portal"] {
            let refused = text.parse::<DatabaseUrl>().unwrap_err().to_string();
            assert!(!refused.contains("s3cret"), "{refused}");
        }
    }
}
