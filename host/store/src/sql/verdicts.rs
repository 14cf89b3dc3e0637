//! Verdicts of rules.

use super::{Conn, get, json, query};
use crate::{Result, VerdictFilter, VerdictRow};

pub(crate) async fn list(conn: &mut Conn<'_>, filter: &VerdictFilter) -> Result<Vec<VerdictRow>> {
    let (blueprint, identifier) = filter.entity.as_ref().map(|(b, i)| (b, i)).unzip();
    query(
        "SELECT rule, blueprint, identifier, verdict, at FROM verdict \
         WHERE ($1 IS NULL OR rule = $1) AND ($2 IS NULL OR (blueprint = $2 AND identifier = $3)) \
         ORDER BY blueprint, identifier, rule",
    )
    .bind(&filter.rule)
    .bind(blueprint)
    .bind(identifier)
    .fetch_all(conn)
    .await?
    .iter()
    .map(|row| {
        Ok(VerdictRow {
            rule: get(row, "rule")?,
            blueprint: get(row, "blueprint")?,
            identifier: get(row, "identifier")?,
            verdict: json("verdict", row, "verdict")?,
            at: get(row, "at")?,
        })
    })
    .collect()
}
