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
