//! Runs and their logs.

use super::{Conn, Row, before, get, json, limit, of_text, query, to_text};
use crate::{LogLine, Result, RunRow, StoreError, body::to_json};

fn row(row: &Row) -> Result<RunRow> {
    let target: (Option<String>, Option<String>) = (get(row, "target_blueprint")?, get(row, "target_identifier")?);
    let outputs: Option<&str> = get(row, "outputs")?;
    Ok(RunRow {
        seq: get(row, "seq")?,
        id: get(row, "id")?,
        integration: get(row, "integration")?,
        operation: get(row, "operation")?,
        target: target.0.zip(target.1),
        inputs: json("run", row, "inputs")?,
        by: get(row, "requested_by")?,
        idempotency_key: get(row, "idempotency_key")?,
        state: of_text("run", get(row, "state")?)?,
        label: get(row, "label")?,
        progress: get(row, "progress")?,
        poll_at: get(row, "poll_at")?,
        outputs: outputs.map(|text| crate::body::from_json("run", text)).transpose()?,
        link: get(row, "link")?,
        created_at: get(row, "created_at")?,
        updated_at: get(row, "updated_at")?,
    })
}

pub(crate) async fn create(conn: &mut Conn<'_>, run: &RunRow) -> Result<(RunRow, bool)> {
    let stored = query(
        "INSERT INTO run (id, integration, operation, target_blueprint, target_identifier, inputs, requested_by, \
         idempotency_key, state, label, progress, poll_at, outputs, link, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
         ON CONFLICT (idempotency_key) DO NOTHING RETURNING *",
    )
    .bind(&run.id)
    .bind(&run.integration)
    .bind(&run.operation)
    .bind(run.target.as_ref().map(|(blueprint, _)| blueprint))
    .bind(run.target.as_ref().map(|(_, identifier)| identifier))
    .bind(to_json("run", &run.inputs)?)
    .bind(&run.by)
    .bind(&run.idempotency_key)
    .bind(to_text("run", &run.state)?)
    .bind(&run.label)
    .bind(&run.progress)
    .bind(run.poll_at)
    .bind(
        run.outputs
            .as_ref()
            .map(|outputs| to_json("run", outputs))
            .transpose()?,
    )
    .bind(&run.link)
    .bind(run.created_at)
    .bind(run.updated_at)
    .fetch_optional(conn)
    .await?;
    if let Some(stored) = stored {
        return Ok((row(&stored)?, true));
    }
    let known = query("SELECT * FROM run WHERE idempotency_key = $1")
        .bind(&run.idempotency_key)
        .fetch_one(conn)
        .await?;
    Ok((row(&known)?, false))
}

pub(crate) async fn update(conn: &mut Conn<'_>, run: &RunRow, log: &[LogLine]) -> Result<()> {
    let mut tx = conn.begin().await?;
    let seq: i64 = {
        let done = query(
            "UPDATE run SET state = $2, label = $3, progress = $4, poll_at = $5, outputs = $6, link = $7, \
             updated_at = $8 WHERE id = $1 RETURNING seq",
        )
        .bind(&run.id)
        .bind(to_text("run", &run.state)?)
        .bind(&run.label)
        .bind(&run.progress)
        .bind(run.poll_at)
        .bind(
            run.outputs
                .as_ref()
                .map(|outputs| to_json("run", outputs))
                .transpose()?,
        )
        .bind(&run.link)
        .bind(run.updated_at)
        .fetch_optional(&mut tx.conn())
        .await?
        .ok_or_else(|| StoreError::Missing(format!("run {}", run.id)))?;
        get(&done, 0)?
    };
    for line in log {
        query(
            "INSERT INTO run_log (run, line, at, level, message) \
             SELECT $1, coalesce(max(line), 0) + 1, $2, $3, $4 FROM run_log WHERE run = $1",
        )
        .bind(seq)
        .bind(line.at)
        .bind(&line.level)
        .bind(&line.message)
        .execute(&mut tx.conn())
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

pub(crate) async fn one(conn: &mut Conn<'_>, id: &str) -> Result<Option<RunRow>> {
    query("SELECT * FROM run WHERE id = $1")
        .bind(id)
        .fetch_optional(conn)
        .await?
        .as_ref()
        .map(row)
        .transpose()
}

pub(crate) async fn all(conn: &mut Conn<'_>, start: Option<i64>, most: usize) -> Result<Vec<RunRow>> {
    query("SELECT * FROM run WHERE seq < $1 ORDER BY seq DESC LIMIT $2")
        .bind(before(start))
        .bind(limit(most))
        .fetch_all(conn)
        .await?
        .iter()
        .map(row)
        .collect()
}

pub(crate) async fn open(conn: &mut Conn<'_>) -> Result<Vec<RunRow>> {
    query("SELECT * FROM run WHERE state IN ('requested', 'running') ORDER BY seq")
        .fetch_all(conn)
        .await?
        .iter()
        .map(row)
        .collect()
}

pub(crate) async fn log(conn: &mut Conn<'_>, id: &str, after: i64) -> Result<Vec<LogLine>> {
    query(
        "SELECT l.line, l.at, l.level, l.message FROM run_log l JOIN run r ON r.seq = l.run \
         WHERE r.id = $1 AND l.line > $2 ORDER BY l.line",
    )
    .bind(id)
    .bind(after)
    .fetch_all(conn)
    .await?
    .iter()
    .map(|row| {
        Ok(LogLine {
            line: get(row, "line")?,
            at: get(row, "at")?,
            level: get(row, "level")?,
            message: get(row, "message")?,
        })
    })
    .collect()
}
