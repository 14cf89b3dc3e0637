//! Everything that is not hot, through sqlx: one function a question, literal SQL with numbered parameters, which both
//! databases read alike.

mod ask;
pub(crate) mod clients;
pub(crate) mod credentials;
pub(crate) mod definitions;
pub(crate) mod deliveries;
pub(crate) mod egress;
pub(crate) mod history;
pub(crate) mod integrations;
pub(crate) mod lease;
pub(crate) mod letters;
pub(crate) mod log;
pub(crate) mod partitions;
pub(crate) mod passes;
pub(crate) mod replicas;
pub(crate) mod runs;
pub(crate) mod settings;
pub(crate) mod subscriptions;
pub(crate) mod verdicts;

use crate::{Result, StoreError};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

pub(crate) use ask::{Ask, Conn, Row, Style, Tx, Value as Parameter, commit, escape, get, made, query, unescape};

/// A JSON column.
pub(crate) fn json<T: DeserializeOwned>(what: &'static str, row: &Row, column: &str) -> Result<T> {
    crate::body::from_json(what, get::<&str, _>(row, column)?)
}

/// A count, which is never negative.
fn count(row: &Row, column: &str) -> Result<u64> {
    Ok(u64::try_from(get::<i64, _>(row, column)?).unwrap_or_default())
}

/// A count as databases hold it.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// `LIMIT` of a page.
pub(crate) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// The id below which a page of newest rows starts.
fn before(before: Option<i64>) -> i64 {
    before.unwrap_or(i64::MAX)
}

/// An enum of plain words as text.
pub(crate) fn to_text(what: &'static str, word: &impl Serialize) -> Result<String> {
    match serde_json::to_value(word) {
        Ok(Value::String(text)) => Ok(text),
        other => Err(StoreError::Damaged {
            what,
            detail: format!("{other:?} is no word"),
        }),
    }
}

/// Reads it back.
pub(crate) fn of_text<T: DeserializeOwned>(what: &'static str, text: String) -> Result<T> {
    serde_json::from_value(Value::String(text)).map_err(|e| StoreError::Damaged {
        what,
        detail: e.to_string(),
    })
}
