//! Settings.

use super::{Conn, json, query};
use crate::{Result, body::to_json};
use serde_json::Value;

pub(crate) async fn get(conn: &mut Conn<'_>, name: &str) -> Result<Option<Value>> {
    query("SELECT value FROM setting WHERE name = $1")
        .bind(name)
        .fetch_optional(conn)
        .await?
        .map(|row| json("setting", &row, "value"))
        .transpose()
}

pub(crate) async fn put(conn: &mut Conn<'_>, name: &str, value: &Value) -> Result<()> {
    query("INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
        .bind(name)
        .bind(to_json("setting", value)?)
        .execute(conn)
        .await?;
    Ok(())
}

/// Changes it where it is still what it was before. A setting is compared as it was written, which is the same for equal values.
pub(crate) async fn swap(
    conn: &mut Conn<'_>,
    name: &str,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Result<bool> {
    let text = |value: Option<&Value>| value.map(|value| to_json("setting", value)).transpose();
    let ask = match (text(before)?, text(after)?) {
        (None, None) => return Ok(get(conn, name).await?.is_none()),
        (None, Some(after)) => query("INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(after),
        (Some(before), Some(after)) => query("UPDATE setting SET value = $3 WHERE name = $1 AND value = $2")
            .bind(name)
            .bind(before)
            .bind(after),
        (Some(before), None) => query("DELETE FROM setting WHERE name = $1 AND value = $2")
            .bind(name)
            .bind(before),
    };
    Ok(ask.execute(conn).await? > 0)
}

/// Those whose names begin with `prefix`, by name.
pub(crate) async fn beginning(conn: &mut Conn<'_>, prefix: &str) -> Result<Vec<(String, Value)>> {
    // Both databases compare names byte by byte: none that begins with the prefix is behind it and the last character.
    query("SELECT name, value FROM setting WHERE name >= $1 AND name < $2 ORDER BY name")
        .bind(prefix)
        .bind(format!("{prefix}{}", char::MAX))
        .fetch_all(conn)
        .await?
        .iter()
        .map(|row| Ok((super::get(row, "name")?, json("setting", row, "value")?)))
        .collect()
}
