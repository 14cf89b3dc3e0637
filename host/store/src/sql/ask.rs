//! One way to ask both databases: literal SQL with numbered parameters, plain values in, plain values out.
//!
//! Two things differ and are met here. PostgreSQL's text holds no U+0000, which plugins may well send: it is escaped on the way in
//! and comes back as it was. And behind a pooler that gives each transaction another connection (pgbouncer in transaction mode),
//! what is prepared in one round trip is gone in the next; there every question is a transaction of its own.

use crate::{Result, StoreError, postgres};
use sqlx::{
    AssertSqlSafe, ColumnIndex, Connection, Database, PgConnection, Postgres, Row as _, Sqlite, SqliteConnection,
    Transaction, postgres::PgRow, sqlite::SqliteRow,
};
use sqlx_core::transaction::TransactionManager;
use std::borrow::Cow;

/// A connection of either database.
pub(crate) enum Conn<'c> {
    /// SQLite's.
    Sqlite(&'c mut SqliteConnection),
    /// PostgreSQL's, and how it is asked.
    Postgres(&'c mut PgConnection, Style),
}

/// How PostgreSQL is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    /// Statements stay prepared on the connection.
    pub(crate) keep: bool,
    /// A question outside a transaction gets one of its own.
    pub(crate) wrap: bool,
}

/// What can be asked.
pub(crate) trait Ask {
    /// The connection, for questions.
    fn conn(&mut self) -> Conn<'_>;
}

impl Ask for sqlx::pool::PoolConnection<Sqlite> {
    fn conn(&mut self) -> Conn<'_> {
        Conn::Sqlite(self)
    }
}

impl Conn<'_> {
    /// Begins a transaction that may write. On SQLite nobody else writes until it ends; on PostgreSQL the rows that it has
    /// changed are its own.
    pub(crate) async fn begin(&mut self) -> Result<Tx<'_>> {
        Ok(match self {
            Self::Sqlite(conn) => {
                settle(conn).await?;
                Tx::Sqlite(conn.begin_with("BEGIN IMMEDIATE").await?)
            }
            Self::Postgres(conn, style) => Tx::Postgres(conn.begin_with(postgres::BEGIN).await?, style.keep),
        })
    }
}

/// Makes the connection count right again. What the disk has no room for SQLite rolls back by itself; sqlx then has nothing left to
/// roll back, and would take the transaction for open for ever.
async fn settle(conn: &mut SqliteConnection) -> Result<()> {
    if conn.is_in_transaction() {
        // The rollback of one that was dropped may still be on its way.
        conn.ping().await?;
    }
    if conn.is_in_transaction() {
        // Something to roll back; it is refused where there is something.
        drop(sqlx::query("BEGIN").execute(&mut *conn).await);
        <Sqlite as Database>::TransactionManager::rollback(conn).await?;
    }
    Ok(())
}

/// A transaction, rolled back where it is dropped.
pub(crate) enum Tx<'c> {
    Sqlite(Transaction<'c, Sqlite>),
    Postgres(Transaction<'c, Postgres>, bool),
}

impl Tx<'_> {
    pub(crate) fn conn(&mut self) -> Conn<'_> {
        match self {
            Self::Sqlite(tx) => Conn::Sqlite(tx),
            Self::Postgres(tx, keep) => Conn::Postgres(
                tx,
                Style {
                    keep: *keep,
                    wrap: false,
                },
            ),
        }
    }

    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx, _) => commit(tx).await?,
        }
        Ok(())
    }
}

/// Commits. Where the connection breaks meanwhile nobody knows what became of it, so that it is not tried again.
pub(crate) async fn commit(tx: Transaction<'_, Postgres>) -> Result<()> {
    tx.commit().await.map_err(|e| StoreError::from(e).unsure())
}

/// A value of a parameter.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Int(Option<i64>),
    Flag(Option<bool>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

macro_rules! values {
    ($($from:ty => |$value:ident| $to:expr;)+) => {$(
        impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $to
            }
        }
    )+};
}

values! {
    i64 => |v| Self::Int(Some(v));
    Option<i64> => |v| Self::Int(v);
    bool => |v| Self::Flag(Some(v));
    Option<bool> => |v| Self::Flag(v);
    String => |v| Self::Text(Some(v));
    Option<String> => |v| Self::Text(v);
    Vec<u8> => |v| Self::Bytes(Some(v));
    Option<Vec<u8>> => |v| Self::Bytes(v);
    &str => |v| Self::Text(Some(v.to_owned()));
    Option<&str> => |v| Self::Text(v.map(str::to_owned));
    &String => |v| Self::Text(Some(v.clone()));
    Option<&String> => |v| Self::Text(v.cloned());
    &Option<String> => |v| Self::Text(v.clone());
    &Option<Vec<u8>> => |v| Self::Bytes(v.clone());
}

/// A question with its parameters.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    sql: Cow<'static, str>,
    values: Vec<Value>,
}

/// A question in literal SQL.
pub(crate) fn query(sql: &'static str) -> Query {
    made(Cow::Borrowed(sql))
}

/// A question whose SQL was put together from names of tables and columns alone.
pub(crate) fn made(sql: impl Into<Cow<'static, str>>) -> Query {
    Query {
        sql: sql.into(),
        values: Vec::new(),
    }
}

/// Runs `$call` on a PostgreSQL connection, as a transaction of its own where the style asks for it.
macro_rules! on_postgres {
    ($self:ident, $conn:ident, $style:ident, $call:ident) => {{
        let keep = $style.keep;
        if $style.wrap {
            let mut tx = $conn.begin().await?;
            let out = $self.for_postgres(keep).$call(&mut *tx).await?;
            commit(tx).await?;
            out
        } else {
            $self.for_postgres(keep).$call(&mut **$conn).await?
        }
    }};
}

impl Query {
    /// The value of the next parameter.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Runs it. Returns how many rows it changed.
    pub(crate) async fn execute(self, conn: &mut Conn<'_>) -> Result<u64> {
        Ok(match conn {
            Conn::Sqlite(conn) => self.for_sqlite().execute(&mut **conn).await?.rows_affected(),
            Conn::Postgres(conn, style) => on_postgres!(self, conn, style, execute).rows_affected(),
        })
    }

    pub(crate) async fn fetch_all(self, conn: &mut Conn<'_>) -> Result<Vec<Row>> {
        Ok(match conn {
            Conn::Sqlite(conn) => {
                let rows = self.for_sqlite().fetch_all(&mut **conn).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Conn::Postgres(conn, style) => {
                let rows = on_postgres!(self, conn, style, fetch_all);
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    pub(crate) async fn fetch_optional(self, conn: &mut Conn<'_>) -> Result<Option<Row>> {
        Ok(match conn {
            Conn::Sqlite(conn) => self.for_sqlite().fetch_optional(&mut **conn).await?.map(Row::Sqlite),
            Conn::Postgres(conn, style) => on_postgres!(self, conn, style, fetch_optional).map(Row::Postgres),
        })
    }

    pub(crate) async fn fetch_one(self, conn: &mut Conn<'_>) -> Result<Row> {
        self.fetch_optional(conn)
            .await?
            .ok_or_else(|| StoreError::from(sqlx::Error::RowNotFound))
    }

    fn for_sqlite(self) -> sqlx::query::Query<'static, Sqlite, sqlx::sqlite::SqliteArguments> {
        let query = match self.sql {
            Cow::Borrowed(sql) => sqlx::query(sql),
            Cow::Owned(sql) => sqlx::query(AssertSqlSafe(sql)),
        };
        self.values.into_iter().fold(query, |query, value| match value {
            Value::Int(value) => query.bind(value),
            Value::Flag(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
            Value::Bytes(value) => query.bind(value),
        })
    }

    fn for_postgres(self, keep: bool) -> sqlx::query::Query<'static, Postgres, sqlx::postgres::PgArguments> {
        let query = match self.sql {
            Cow::Borrowed(sql) => sqlx::query(sql),
            Cow::Owned(sql) => sqlx::query(AssertSqlSafe(sql)),
        };
        self.values
            .into_iter()
            .fold(query.persistent(keep), |query, value| match value {
                Value::Int(value) => query.bind(value),
                Value::Flag(value) => query.bind(value),
                Value::Text(value) => query.bind(value.map(|text| escape(&text).into_owned())),
                Value::Bytes(value) => query.bind(value),
            })
    }
}

/// A row of an answer.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// A column of a row. `&str` is for what holds no U+0000, such as JSON, and is not copied.
pub(crate) fn get<'r, T: Column<'r>, I>(row: &'r Row, column: I) -> Result<T>
where
    I: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
{
    T::of(row, column)
}

/// What a column is read as.
pub(crate) trait Column<'r>: Sized {
    fn of<I>(row: &'r Row, column: I) -> Result<Self>
    where
        I: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>;
}

macro_rules! columns {
    ($($type:ty),+) => {$(
        impl<'r> Column<'r> for $type {
            fn of<I>(row: &'r Row, column: I) -> Result<Self>
            where
                I: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
            {
                Ok(match row {
                    Row::Sqlite(row) => row.try_get(column)?,
                    Row::Postgres(row) => row.try_get(column)?,
                })
            }
        }
    )+};
}

columns!(
    i64,
    Option<i64>,
    bool,
    Option<bool>,
    Vec<u8>,
    Option<Vec<u8>>,
    &'r [u8],
    &'r str,
    Option<&'r str>
);

impl<'r> Column<'r> for String {
    fn of<I>(row: &'r Row, column: I) -> Result<Self>
    where
        I: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    {
        Ok(match row {
            Row::Sqlite(row) => row.try_get(column)?,
            Row::Postgres(row) => unescape(row.try_get(column)?),
        })
    }
}

impl<'r> Column<'r> for Option<String> {
    fn of<I>(row: &'r Row, column: I) -> Result<Self>
    where
        I: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    {
        Ok(match row {
            Row::Sqlite(row) => row.try_get(column)?,
            Row::Postgres(row) => row.try_get::<Option<String>, _>(column)?.map(unescape),
        })
    }
}

/// The character that begins an escape: the last of Unicode, which stands for nothing.
const MARK: char = '\u{10FFFF}';

/// Text as PostgreSQL takes it: U+0000 becomes the mark and a 0, the mark becomes the mark and a 1.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', MARK]) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\0' => out.extend([MARK, '0']),
            MARK => out.extend([MARK, '1']),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Undoes [`escape`].
pub(crate) fn unescape(text: String) -> String {
    if !text.contains(MARK) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            MARK => out.push(if chars.next() == Some('0') { '\0' } else { MARK }),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_as_it_was() {
        for text in [
            "",
            "plain",
            "a\0b",
            "\0",
            "\u{10FFFF}",
            "\u{10FFFF}0",
            "\0\u{10FFFF}1\0",
            "ü\0日本",
        ] {
            let escaped = escape(text).into_owned();
            assert!(!escaped.contains('\0'));
            assert_eq!(unescape(escaped), text);
        }
        assert!(matches!(escape("plain"), Cow::Borrowed(_)));
    }

    /// A full disk is the like: SQLite has rolled back before sqlx does.
    #[tokio::test]
    async fn a_transaction_that_sqlite_ended_itself_is_not_in_the_way_of_the_next() {
        let mut conn = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        for _ in 0..3 {
            let mut asked = Conn::Sqlite(&mut conn);
            let mut tx = asked.begin().await.unwrap();
            made("ROLLBACK").execute(&mut tx.conn()).await.unwrap();
            assert!(tx.commit().await.is_err(), "there is nothing to commit");
        }
        // One that is dropped is rolled back behind it.
        drop(Conn::Sqlite(&mut conn).begin().await.unwrap());
        let mut asked = Conn::Sqlite(&mut conn);
        let mut tx = asked.begin().await.unwrap();
        made("CREATE TABLE t (a)").execute(&mut tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(
            made("INSERT INTO t VALUES (1)")
                .execute(&mut Conn::Sqlite(&mut conn))
                .await
                .unwrap(),
            1
        );
    }
}
