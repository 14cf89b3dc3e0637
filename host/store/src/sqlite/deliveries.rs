//! Deliveries as they come in: many in one transaction.

use crate::{NewDelivery, Result, body::to_json};
use rusqlite::{Connection, OptionalExtension, params};

/// Stores deliveries in their order. None for each that is there already.
pub(super) fn put(conn: &Connection, deliveries: &[NewDelivery]) -> Result<Vec<Option<i64>>> {
    let mut insert = conn.prepare_cached(
        "INSERT INTO delivery (integration, dedupe, state, headers, body, bytes, due, received_at) \
         VALUES (?1, ?2, 'waiting', ?3, ?4, ?5, ?6, ?6) ON CONFLICT DO NOTHING RETURNING id",
    )?;
    let mut ids = Vec::with_capacity(deliveries.len());
    for new in deliveries {
        let id = insert.query_row(
            params![
                new.integration,
                new.dedupe,
                to_json("delivery", &new.headers)?,
                new.body,
                crate::sql::limit(new.body.len()),
                new.received_at
            ],
            |row| row.get(0),
        );
        ids.push(id.optional()?);
    }
    Ok(ids)
}
