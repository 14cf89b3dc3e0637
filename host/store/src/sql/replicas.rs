//! What processes that share a database tell each other by way of it, and the work that one of them does.

use super::{Conn, Row, get, limit, query};
use crate::{ChangeKind, Duty, Moved, Part, Pulse, Result, StoreError};
use seawall_domain::Millis;

/// SQLite has one process: nobody counts what it configures.
const PULSE_SQLITE: &str = "SELECT coalesce((SELECT max(position) FROM change), 0) AS position, \
    coalesce((SELECT max(id) FROM delivery), 0) AS deliveries, \
    CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) AS now, '' AS part, 0 AS version";

const PULSE_POSTGRES: &str = "SELECT (SELECT value FROM sequence WHERE name = 'change') AS position, \
    coalesce((SELECT max(id) FROM delivery), 0) AS deliveries, \
    CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) AS now, part, version FROM configured";

pub(crate) async fn pulse(conn: &mut Conn<'_>) -> Result<Pulse> {
    let sql = match conn {
        Conn::Sqlite(_) => PULSE_SQLITE,
        Conn::Postgres(..) => PULSE_POSTGRES,
    };
    let rows = query(sql).fetch_all(conn).await?;
    let first = rows
        .first()
        .ok_or_else(|| StoreError::Missing("what counts the parts that are configured".to_owned()))?;
    let mut pulse = Pulse {
        position: get(first, "position")?,
        deliveries: get(first, "deliveries")?,
        parts: Default::default(),
        now: get(first, "now")?,
    };
    for row in &rows {
        let name: &str = get(row, "part")?;
        if let Some(part) = Part::ALL.into_iter().find(|part| part.name() == name) {
            pulse.parts.insert(part, get(row, "version")?);
        }
    }
    Ok(pulse)
}

pub(crate) async fn moved(conn: &mut Conn<'_>, after: i64, most: usize) -> Result<Vec<Moved>> {
    let row = |row: &Row| {
        Ok(Moved {
            position: get(row, "position")?,
            entity: get(row, "entity")?,
            removed: crate::body::kind_of(get(row, "kind")?) == Some(ChangeKind::Deleted),
        })
    };
    query("SELECT position, entity, kind FROM change WHERE position > $1 ORDER BY position LIMIT $2")
        .bind(after)
        .bind(limit(most))
        .fetch_all(conn)
        .await?
        .iter()
        .map(row)
        .collect()
}

/// Takes work, in one statement, so that two that ask at once cannot both get it. The database's clock counts; fences come from
/// one sequence, so that one that is gone never comes again.
pub(crate) async fn take(conn: &mut Conn<'_>, name: &str, owner: &str, length: Millis) -> Result<Option<Duty>> {
    let duty = |fence| Duty {
        name: name.to_owned(),
        fence,
    };
    if let Conn::Sqlite(_) = conn {
        return Ok(Some(duty(0)));
    }
    let taken = query(
        "INSERT INTO duty AS d (name, owner, lease_until, fence) \
         VALUES ($1, $2, CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) + $3, nextval('duty_fence')) \
         ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until, \
         fence = CASE WHEN d.owner = excluded.owner THEN d.fence ELSE excluded.fence END \
         WHERE d.owner = excluded.owner OR d.lease_until <= CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) \
         RETURNING fence",
    )
    .bind(name)
    .bind(owner)
    .bind(length)
    .fetch_optional(conn)
    .await?;
    taken.map(|row| Ok(duty(get(&row, 0)?))).transpose()
}

pub(crate) async fn drop(conn: &mut Conn<'_>, duty: &Duty) -> Result<()> {
    if let Conn::Postgres(..) = conn {
        query("DELETE FROM duty WHERE name = $1 AND fence = $2")
            .bind(&duty.name)
            .bind(duty.fence)
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Fails where another process has taken the work; otherwise nobody takes it before the transaction ends.
pub(crate) async fn check(conn: &mut Conn<'_>, duty: Option<&Duty>) -> Result<()> {
    let (Some(duty), Conn::Postgres(..)) = (duty, &conn) else {
        return Ok(());
    };
    query("SELECT 1 FROM duty WHERE name = $1 AND fence = $2 FOR SHARE")
        .bind(&duty.name)
        .bind(duty.fence)
        .fetch_optional(conn)
        .await?
        .map(std::mem::drop)
        .ok_or_else(|| StoreError::NotOnDuty(duty.name.clone()))
}
