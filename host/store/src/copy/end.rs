//! The two ends of a copy: a snapshot that is read, and an empty database that is filled in one transaction.

use super::{
    numbers::Numbers,
    tables::{Kind, TABLES, Table},
};
use crate::{
    DatabaseUrl, Result, StoreError,
    postgres::{connect, migrate_only},
    sql::{Conn, Parameter, Row, Style, get, made},
    sqlite,
};
use sha2::Digest as _;
use sqlx::{Connection, Executor, PgConnection, SqliteConnection};

/// What was copied of a table, and agreed on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Its name.
    pub table: &'static str,
    /// How many rows.
    pub rows: u64,
    /// SHA-256 of all values in the order of the key, in hexadecimal digits.
    pub digest: String,
}

/// How far a copy has come.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// The table.
    pub table: &'static str,
    /// Rows that are copied.
    pub rows: u64,
    /// Rows that it has.
    pub of: u64,
}

enum End {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl End {
    fn conn(&mut self) -> Conn<'_> {
        match self {
            Self::Sqlite(conn) => Conn::Sqlite(conn),
            Self::Postgres(conn) => Conn::Postgres(
                conn,
                Style {
                    keep: false,
                    wrap: false,
                },
            ),
        }
    }

    /// Runs a statement that is not prepared: what begins a transaction cannot be, behind a pooler.
    async fn run(&mut self, sql: &'static str) -> Result<()> {
        match self {
            Self::Sqlite(conn) => conn.execute(sql).await.map(|_| ())?,
            Self::Postgres(conn) => conn.execute(sql).await.map(|_| ())?,
        }
        Ok(())
    }
}

/// A snapshot that is read.
pub(super) struct Source(End);

impl Source {
    /// Brings an older schema up to date, as a start of the server would.
    pub(super) async fn open(url: &DatabaseUrl) -> Result<Self> {
        let mut end = match url {
            DatabaseUrl::Sqlite(path) => End::Sqlite(sqlite::connect_existing(path).await?),
            DatabaseUrl::Postgres(address) => {
                let mut conn = connect(address).await?;
                migrate_only(&mut conn).await?;
                End::Postgres(conn)
            }
        };
        match end {
            End::Sqlite(_) => end.run("BEGIN").await?,
            End::Postgres(_) => end.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?,
        }
        Ok(Self(end))
    }

    pub(super) async fn count(&mut self, table: &Table) -> Result<u64> {
        let row = made(format!("SELECT count(*) FROM {}", table.name))
            .fetch_one(&mut self.0.conn())
            .await?;
        Ok(u64::try_from(get::<i64, _>(&row, 0)?).unwrap_or_default())
    }

    pub(super) fn walk<'t>(&'t mut self, table: &'t Table) -> Walk<'t> {
        Walk {
            end: &mut self.0,
            table,
            behind: None,
            over: false,
        }
    }

    pub(super) async fn numbers(&mut self) -> Result<Numbers> {
        Numbers::read(&mut self.0.conn()).await
    }
}

/// An empty database that is filled. Nothing of it is kept before [`Target::keep`].
pub(super) struct Target(End);

impl Target {
    pub(super) async fn open(url: &DatabaseUrl) -> Result<Self> {
        let mut end = match url {
            DatabaseUrl::Sqlite(path) => End::Sqlite(sqlite::connect_new(path).await?),
            DatabaseUrl::Postgres(address) => {
                let mut conn = connect(address).await?;
                migrate_only(&mut conn).await?;
                End::Postgres(conn)
            }
        };
        end.run("BEGIN").await?;
        Ok(Self(end))
    }

    pub(super) async fn must_be_empty(&mut self) -> Result<()> {
        for table in TABLES {
            let first = made(format!("SELECT 1 FROM {} LIMIT 1", table.name))
                .fetch_optional(&mut self.0.conn())
                .await?;
            if first.is_some() {
                return Err(StoreError::Unusable(format!(
                    "the target has rows in table `{}` already; a copy goes into an empty database: make a new one",
                    table.name
                )));
            }
        }
        Ok(())
    }

    pub(super) async fn add(&mut self, table: &Table, rows: Vec<Vec<Parameter>>) -> Result<()> {
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let some: Vec<Vec<Parameter>> = rows.by_ref().take(table.rows_at_once()).collect();
            let insert = made(table.insert(some.len()));
            let insert = some
                .into_iter()
                .flatten()
                .fold(insert, |query, value| query.bind(value));
            insert.execute(&mut self.0.conn()).await?;
        }
        Ok(())
    }

    pub(super) async fn set_numbers(&mut self, numbers: &Numbers) -> Result<()> {
        numbers.write(&mut self.0.conn()).await
    }

    pub(super) async fn digest(&mut self, name: &'static str) -> Result<Copied> {
        let mut digest = Digest::default();
        let Some(table) = TABLES.iter().find(|table| table.name == name) else {
            return Err(StoreError::Missing(format!("table {name}")));
        };
        let mut walk = Walk {
            end: &mut self.0,
            table,
            behind: None,
            over: false,
        };
        while let Some(rows) = walk.next().await? {
            rows.iter().for_each(|row| digest.take(row));
        }
        Ok(digest.finish(table))
    }

    pub(super) async fn keep(mut self) -> Result<()> {
        self.0.run("COMMIT").await?;
        match self.0 {
            End::Sqlite(conn) => conn.close().await?,
            End::Postgres(conn) => conn.close().await?,
        }
        Ok(())
    }
}

/// A walk over a table in the order of its key.
pub(super) struct Walk<'t> {
    end: &'t mut End,
    table: &'t Table,
    behind: Option<Vec<Parameter>>,
    over: bool,
}

impl Walk<'_> {
    /// The next rows; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Vec<Parameter>>>> {
        const ROWS: i64 = 4_000;
        if self.over {
            return Ok(None);
        }
        let select = made(self.table.select(self.behind.is_some(), ROWS));
        let select = self
            .behind
            .take()
            .into_iter()
            .flatten()
            .fold(select, |query, value| query.bind(value));
        let rows = select.fetch_all(&mut self.end.conn()).await?;
        self.over = (rows.len() as i64) < ROWS;
        let rows = rows
            .iter()
            .map(|row| values(self.table, row))
            .collect::<Result<Vec<_>>>()?;
        self.behind = rows.last().map(|last| {
            let place = |name: &&str| self.table.columns.iter().position(|(column, _)| column == name);
            let places = self.table.key.iter().filter_map(place);
            places.map(|place| last[place].clone()).collect()
        });
        Ok((!rows.is_empty()).then_some(rows))
    }
}

fn values(table: &Table, row: &Row) -> Result<Vec<Parameter>> {
    let values = table.columns.iter().enumerate().map(|(at, (_, kind))| {
        Ok(match kind {
            Kind::Int => Parameter::Int(get(row, at)?),
            Kind::Flag => Parameter::Flag(get(row, at)?),
            Kind::Text => Parameter::Text(get(row, at)?),
            Kind::Bytes => Parameter::Bytes(get(row, at)?),
        })
    });
    values.collect()
}

/// A digest of rows, the same wherever they come from.
#[derive(Default)]
pub(super) struct Digest {
    hasher: sha2::Sha256,
    rows: u64,
}

impl Digest {
    pub(super) fn take(&mut self, row: &[Parameter]) {
        self.rows += 1;
        for value in row {
            match value {
                Parameter::Int(Some(n)) => {
                    self.hasher.update([1]);
                    self.hasher.update(n.to_le_bytes());
                }
                Parameter::Flag(Some(flag)) => self.hasher.update([2, u8::from(*flag)]),
                Parameter::Text(Some(text)) => self.bytes(3, text.as_bytes()),
                Parameter::Bytes(Some(bytes)) => self.bytes(4, bytes),
                Parameter::Int(None) | Parameter::Flag(None) | Parameter::Text(None) | Parameter::Bytes(None) => {
                    self.hasher.update([0]);
                }
            }
        }
    }

    fn bytes(&mut self, tag: u8, bytes: &[u8]) {
        self.hasher.update([tag]);
        self.hasher.update((bytes.len() as u64).to_le_bytes());
        self.hasher.update(bytes);
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn finish(self, table: &Table) -> Copied {
        Copied {
            table: table.name,
            rows: self.rows,
            digest: hex::encode(self.hasher.finalize()),
        }
    }
}
