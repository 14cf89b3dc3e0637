//! The end of the change log that is cut off.

use super::{Conn, get, limit, query};
use crate::Result;
use seawall_domain::Millis;

/// The position of the newest change that is no longer in the log; 0 where it is whole.
pub(crate) async fn start(conn: &mut Conn<'_>) -> Result<i64> {
    let row = query(
        "SELECT coalesce((SELECT min(position) - 1 FROM change), (SELECT value FROM sequence WHERE name = 'change'))",
    )
    .fetch_one(conn)
    .await?;
    get(&row, 0)
}

/// Takes at most `most` of the oldest changes that are older than `older` and not behind `upto`. Clocks go back at times, so
/// only what has no younger one before it goes: the log has no holes.
pub(crate) async fn trim(conn: &mut Conn<'_>, older: Millis, upto: i64, most: usize) -> Result<u64> {
    let mut tx = conn.begin().await?;
    let rows = query("SELECT position, at FROM change WHERE position <= $1 ORDER BY position LIMIT $2")
        .bind(upto)
        .bind(limit(most))
        .fetch_all(&mut tx.conn())
        .await?;
    let mut last: Option<i64> = None;
    for row in &rows {
        if get::<i64, _>(row, "at")? >= older {
            break;
        }
        last = Some(get(row, "position")?);
    }
    let Some(last) = last else { return Ok(0) };
    let gone = query("DELETE FROM change WHERE position <= $1")
        .bind(last)
        .execute(&mut tx.conn())
        .await?;
    tx.commit().await?;
    Ok(gone)
}
