//! Settings.

use super::{Conn, json};
use crate::{Result, sqlite::to_json};
use serde_json::Value;
use sqlx::query;

pub(crate) async fn get(conn: &mut Conn, name: &str) -> Result<Option<Value>> {
    query("SELECT value FROM setting WHERE name = $1")
        .bind(name)
        .fetch_optional(conn)
        .await?
        .map(|row| json("setting", &row, "value"))
        .transpose()
}

pub(crate) async fn put(conn: &mut Conn, name: &str, value: &Value) -> Result<()> {
    query("INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
        .bind(name)
        .bind(to_json("setting", value)?)
        .execute(conn)
        .await?;
    Ok(())
}
