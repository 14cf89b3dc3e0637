//! The baseline: the rows that an item makes, written by a plain loop over SQLite.

use crate::Measured;
use anyhow::{Result, ensure};
use rusqlite::{Connection, params};
use seawall_tests::bench::{item, thread_cpu};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};

/// What one round gave.
pub(crate) struct Round {
    pub(crate) new: Measured,
    pub(crate) unchanged: Measured,
    pub(crate) on_disk: u64,
}

/// The same rows as the server's, without what only it needs: fences, reports, cursors.
const SCHEMA: &str = "
    CREATE TABLE item (partition INTEGER, key TEXT, id INTEGER, hash BLOB, changed_at INTEGER,
        PRIMARY KEY (partition, key)) WITHOUT ROWID;
    CREATE TABLE item_value (id INTEGER PRIMARY KEY, value BLOB);
    CREATE TABLE entity (id INTEGER PRIMARY KEY, blueprint INTEGER, identifier TEXT, created_at INTEGER,
        updated_at INTEGER, version INTEGER, body TEXT, UNIQUE (blueprint, identifier));
    CREATE TABLE contribution (entity INTEGER, integration INTEGER, item INTEGER,
        PRIMARY KEY (entity, integration, item)) WITHOUT ROWID;
    CREATE INDEX contribution_item ON contribution (item);
    CREATE TABLE relation (target TEXT, kind INTEGER, entity INTEGER, PRIMARY KEY (target, kind, entity)) WITHOUT ROWID;
    CREATE TABLE change (position INTEGER PRIMARY KEY, entity INTEGER, kind INTEGER, at INTEGER, cause TEXT);
";

/// An item and the entity that it maps to, made before the clock starts.
struct Row {
    id: i64,
    key: String,
    value: Vec<u8>,
    entity: String,
    owner: String,
    system: String,
}

/// Writes all items to a new database, then compares all of them with what is stored.
pub(crate) fn round(items: u64, page: u64) -> Result<Round> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("raw.db");
    let mut database = Connection::open(&path)?;
    // As the server has them.
    for (name, value) in [
        ("journal_mode", "WAL"),
        ("synchronous", "NORMAL"),
        ("cache_size", "-262144"),
        ("wal_autocheckpoint", "65536"),
        ("temp_store", "MEMORY"),
    ] {
        database.pragma_update(None, name, value)?;
    }
    database.execute_batch(SCHEMA)?;
    let new = timed(items, page, |rows| write(&mut database, rows))?;
    let unchanged = timed(items, page, |rows| compare(&mut database, rows))?;
    drop(database);
    Ok(Round {
        new,
        unchanged,
        on_disk: crate::on_disk(&path)?,
    })
}

fn timed(items: u64, page: u64, mut work: impl FnMut(&[Row]) -> Result<()>) -> Result<Measured> {
    let (mut wall, mut cpu) = (Duration::ZERO, Duration::ZERO);
    for from in (0..items).step_by(page as usize) {
        let rows = (from..(from + page).min(items)).map(row).collect::<Result<Vec<_>>>()?;
        let (start, begun) = (Instant::now(), thread_cpu());
        work(&rows)?;
        wall += start.elapsed();
        cpu += thread_cpu() - begun;
    }
    Ok(Measured {
        rate: items as f64 / wall.as_secs_f64(),
        cpu: cpu.as_secs_f64() * 1e6 / items as f64,
    })
}

fn row(n: u64) -> Result<Row> {
    let item = item(n, 0);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entity = json!({
        "title": item["name"], "team": [],
        "properties": {
            "url": item["html_url"], "language": text(&item["language"]).to_lowercase(), "tier": item["custom"]["tier"],
            "stars": item["stargazers_count"], "archived": item["archived"], "topics": [item["topics"][0], "pci"],
            "createdAt": item["created_at"], "license": item["license"]["spdx_id"]
        },
        "relations": {"owner": item["owner"]["login"], "system": item["custom"]["system"]}
    });
    Ok(Row {
        id: i64::try_from(n)? + 1,
        key: text(&item["full_name"]),
        owner: text(&item["owner"]["login"]),
        system: text(&item["custom"]["system"]),
        entity: entity.to_string(),
        value: serde_json::to_vec(&item)?,
    })
}

fn hash(value: &[u8]) -> [u8; 16] {
    let mut hash = [0; 16];
    hash.copy_from_slice(&Sha256::digest(value)[..16]);
    hash
}

fn write(database: &mut Connection, rows: &[Row]) -> Result<()> {
    let transaction = database.transaction()?;
    {
        let mut item = transaction.prepare_cached("INSERT INTO item VALUES (1, ?, ?, ?, 0)")?;
        let mut value = transaction.prepare_cached("INSERT INTO item_value VALUES (?, ?)")?;
        let mut entity = transaction.prepare_cached("INSERT INTO entity VALUES (?, 1, ?, 0, 0, ?, ?)")?;
        let mut contribution = transaction.prepare_cached("INSERT INTO contribution VALUES (?, 1, ?)")?;
        let mut relation = transaction.prepare_cached("INSERT INTO relation VALUES (?, ?, ?)")?;
        let mut change = transaction.prepare_cached("INSERT INTO change VALUES (?, ?, 1, 0, 'pass:1')")?;
        for row in rows {
            item.execute(params![row.key, row.id, hash(&row.value)])?;
            value.execute(params![row.id, row.value])?;
            entity.execute(params![row.id, row.key, row.id, row.entity])?;
            contribution.execute([row.id, row.id])?;
            relation.execute(params![row.owner, 1, row.id])?;
            relation.execute(params![row.system, 2, row.id])?;
            change.execute([row.id, row.id])?;
        }
    }
    transaction.commit()?;
    Ok(())
}

fn compare(database: &mut Connection, rows: &[Row]) -> Result<()> {
    let transaction = database.transaction()?;
    {
        let mut stored = transaction.prepare_cached("SELECT hash FROM item WHERE partition = 1 AND key = ?")?;
        for row in rows {
            let stored: [u8; 16] = stored.query_row([&row.key], |found| found.get(0))?;
            ensure!(stored == hash(&row.value), "{} was stored otherwise", row.key);
        }
    }
    transaction.commit()?;
    Ok(())
}
