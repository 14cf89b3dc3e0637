//! Verdicts come by the hundred thousand, so they are written many at once.

use super::{PgStore, ask, tx::BEGIN};
use crate::{Result, VerdictRow, body::to_json, sql::commit};
use std::collections::BTreeMap;

/// Rows of one statement.
const MANY: usize = 5_000;

pub(super) async fn put(store: &PgStore, verdicts: &[VerdictRow]) -> Result<()> {
    // In one order, which all writers share; of one rule and entity the last one counts.
    let newest: BTreeMap<_, _> = verdicts
        .iter()
        .map(|row| ((&row.rule, &row.blueprint, &row.identifier), row))
        .collect();
    let rows: Vec<&VerdictRow> = newest.into_values().collect();
    let mut tx = store.pool.begin_with(BEGIN).await?;
    for rows in rows.chunks(MANY) {
        let texts = rows
            .iter()
            .map(|row| to_json("verdict", &row.verdict))
            .collect::<Result<Vec<_>>>()?;
        ask(
            "INSERT INTO verdict (rule, blueprint, identifier, verdict, at) \
             SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[]) \
             ON CONFLICT (rule, blueprint, identifier) DO UPDATE SET verdict = excluded.verdict, at = excluded.at",
            store.keep,
        )
        .bind(rows.iter().map(|row| row.rule.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.blueprint.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.identifier.as_str()).collect::<Vec<_>>())
        .bind(texts)
        .bind(rows.iter().map(|row| row.at).collect::<Vec<_>>())
        .execute(&mut *tx)
        .await?;
    }
    commit(tx).await
}
