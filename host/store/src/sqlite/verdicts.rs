//! Verdicts come by the hundred thousand, so they are written through prepared statements.

use crate::{Result, VerdictRow, body::to_json};
use rusqlite::{Connection, params};

pub(super) fn put(conn: &Connection, verdicts: &[VerdictRow]) -> Result<()> {
    let mut put = conn.prepare_cached(
        "INSERT OR REPLACE INTO verdict (rule, blueprint, identifier, verdict, at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for row in verdicts {
        let verdict = to_json("verdict", &row.verdict)?;
        put.execute(params![row.rule, row.blueprint, row.identifier, verdict, row.at])?;
    }
    Ok(())
}
