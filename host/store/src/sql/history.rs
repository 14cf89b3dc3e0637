//! Changes of definitions.

use super::{Conn, before, get, json, limit, query};
use crate::{DefinitionFilter, Result, body::to_json};
use seawall_domain::definition::{DefinitionChange, Kind};

pub(crate) async fn put(conn: &mut Conn<'_>, change: &DefinitionChange) -> Result<()> {
    query("INSERT INTO definition_change (kind, name, author, body) VALUES ($1, $2, $3, $4)")
        .bind(change.kind.name())
        .bind(change.name.as_str())
        .bind(change.author.by.as_deref())
        .bind(to_json("change of a definition", change)?)
        .execute(conn)
        .await?;
    Ok(())
}

/// Keeps it in place of the setting that says that it has begun, where that is still there.
pub(crate) async fn put_begun(conn: &mut Conn<'_>, change: &DefinitionChange, begun: Option<&str>) -> Result<bool> {
    let mut tx = conn.begin().await?;
    if let Some(begun) = begun {
        let gone = query("DELETE FROM setting WHERE name = $1").bind(begun);
        if gone.execute(&mut tx.conn()).await? == 0 {
            return Ok(false);
        }
    }
    put(&mut tx.conn(), change).await?;
    tx.commit().await?;
    Ok(true)
}

pub(crate) async fn changes(
    conn: &mut Conn<'_>,
    filter: &DefinitionFilter,
    from: Option<i64>,
    most: usize,
) -> Result<Vec<(i64, DefinitionChange)>> {
    query(
        "SELECT id, body FROM definition_change WHERE ($1 IS NULL OR kind = $1) AND ($2 IS NULL OR name = $2) \
         AND ($3 IS NULL OR author = $3) AND id < $4 ORDER BY id DESC LIMIT $5",
    )
    .bind(filter.kind.map(Kind::name))
    .bind(filter.name.as_deref())
    .bind(filter.by.as_deref())
    .bind(before(from))
    .bind(limit(most))
    .fetch_all(conn)
    .await?
    .iter()
    .map(|row| Ok((get(row, "id")?, json("change of a definition", row, "body")?)))
    .collect()
}
