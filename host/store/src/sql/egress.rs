//! Egress records and what was used.

use super::{Conn, Row, before, count, get, limit, query, signed};
use crate::{CapabilityUsageRow, EgressFilter, EgressRow, EgressUsageRow, Result, body::identifier};
use seawall_domain::{Digest, Millis};
use std::{collections::BTreeMap, fmt::Display, str::FromStr};

pub(crate) async fn put(conn: &mut Conn<'_>, records: &[EgressRow]) -> Result<()> {
    let mut tx = conn.begin().await?;
    for r in records {
        query(
            "INSERT INTO egress (at, integration, digest, method, scheme, host, port, path, allowed, rule, reason, \
             status, sent, received, micros, credential, pattern, unchanged, address, private_range) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
        )
        .bind(r.at)
        .bind(&r.integration)
        .bind(r.digest.as_str())
        .bind(&r.method)
        .bind(&r.scheme)
        .bind(&r.host)
        .bind(i64::from(r.port))
        .bind(&r.path)
        .bind(r.allowed)
        .bind(&r.rule)
        .bind(&r.reason)
        .bind(r.status.map(i64::from))
        .bind(signed(r.sent))
        .bind(signed(r.received))
        .bind(signed(r.micros))
        .bind(&r.credential)
        .bind(&r.pattern)
        .bind(r.unchanged)
        .bind(r.address.map(|address| address.to_string()))
        .bind(r.private_range.map(|range| range.to_string()))
        .execute(&mut tx.conn())
        .await?;
    }
    add_uses(&mut tx.conn(), &ranges(records)).await?;
    for used in totals(records).values() {
        query(
            "INSERT INTO egress_usage (digest, integration, rule, pattern, method, host, allowed, count, sent, received, \
             first_at, last_at, unchanged) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
             ON CONFLICT (digest, integration, rule, pattern, method, host, allowed) DO UPDATE SET \
             count = egress_usage.count + excluded.count, unchanged = egress_usage.unchanged + excluded.unchanged, sent = egress_usage.sent + excluded.sent, \
             received = egress_usage.received + excluded.received, \
             first_at = CASE WHEN excluded.first_at < egress_usage.first_at THEN excluded.first_at \
                             ELSE egress_usage.first_at END, \
             last_at = CASE WHEN excluded.last_at > egress_usage.last_at THEN excluded.last_at \
                            ELSE egress_usage.last_at END",
        )
        .bind(used.digest.as_str())
        .bind(&used.integration)
        .bind(&used.rule)
        .bind(&used.pattern)
        .bind(&used.method)
        .bind(&used.host)
        .bind(used.allowed)
        .bind(signed(used.count))
        .bind(signed(used.sent))
        .bind(signed(used.received))
        .bind(used.first_at)
        .bind(used.last_at)
        .bind(signed(used.unchanged))
        .execute(&mut tx.conn())
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// One use for each private range of a batch's requests.
fn ranges(records: &[EgressRow]) -> Vec<CapabilityUsageRow> {
    let mut all: BTreeMap<_, CapabilityUsageRow> = BTreeMap::new();
    for r in records {
        let Some(range) = &r.private_range else { continue };
        let used = all
            .entry((r.digest.as_str(), r.integration.as_str(), range))
            .or_insert_with(|| CapabilityUsageRow {
                digest: r.digest.clone(),
                integration: r.integration.clone(),
                capability: CapabilityUsageRow::of_range(range),
                count: 0,
                first_at: r.at,
                last_at: r.at,
            });
        used.count += 1;
        used.first_at = used.first_at.min(r.at);
        used.last_at = used.last_at.max(r.at);
    }
    all.into_values().collect()
}

pub(crate) async fn put_uses(conn: &mut Conn<'_>, uses: &[CapabilityUsageRow]) -> Result<()> {
    let mut tx = conn.begin().await?;
    add_uses(&mut tx.conn(), uses).await?;
    tx.commit().await?;
    Ok(())
}

async fn add_uses(conn: &mut Conn<'_>, uses: &[CapabilityUsageRow]) -> Result<()> {
    for used in uses {
        query(
            "INSERT INTO capability_usage (digest, integration, capability, count, first_at, last_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (digest, integration, capability) DO UPDATE SET \
             count = capability_usage.count + excluded.count, \
             first_at = CASE WHEN excluded.first_at < capability_usage.first_at THEN excluded.first_at \
                             ELSE capability_usage.first_at END, \
             last_at = CASE WHEN excluded.last_at > capability_usage.last_at THEN excluded.last_at \
                            ELSE capability_usage.last_at END",
        )
        .bind(used.digest.as_str())
        .bind(&used.integration)
        .bind(&used.capability)
        .bind(signed(used.count))
        .bind(used.first_at)
        .bind(used.last_at)
        .execute(conn)
        .await?;
    }
    Ok(())
}

pub(crate) async fn uses(conn: &mut Conn<'_>) -> Result<Vec<CapabilityUsageRow>> {
    query("SELECT * FROM capability_usage ORDER BY digest, integration, capability")
        .fetch_all(conn)
        .await?
        .iter()
        .map(|row| {
            Ok(CapabilityUsageRow {
                digest: digest(row)?,
                integration: get(row, "integration")?,
                capability: get(row, "capability")?,
                count: count(row, "count")?,
                first_at: get(row, "first_at")?,
                last_at: get(row, "last_at")?,
            })
        })
        .collect()
}

type Key<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str, &'a str, bool);

/// One total for all records of a batch that share it, in the order of its key.
fn totals(records: &[EgressRow]) -> BTreeMap<Key<'_>, EgressUsageRow> {
    let mut all = BTreeMap::new();
    for r in records {
        let rule = r.rule.as_deref().unwrap_or_default();
        let pattern = r.pattern.as_deref().unwrap_or_default();
        let key = (
            r.digest.as_str(),
            r.integration.as_str(),
            rule,
            pattern,
            r.method.as_str(),
            r.host.as_str(),
            r.allowed,
        );
        let used = all.entry(key).or_insert_with(|| EgressUsageRow {
            digest: r.digest.clone(),
            integration: r.integration.clone(),
            rule: rule.to_owned(),
            pattern: pattern.to_owned(),
            method: r.method.clone(),
            host: r.host.clone(),
            allowed: r.allowed,
            count: 0,
            unchanged: 0,
            sent: 0,
            received: 0,
            first_at: r.at,
            last_at: r.at,
        });
        used.count += 1;
        used.unchanged += u64::from(r.unchanged);
        used.sent += r.sent;
        used.received += r.received;
        used.first_at = used.first_at.min(r.at);
        used.last_at = used.last_at.max(r.at);
    }
    all
}

fn digest(row: &Row) -> Result<Digest> {
    identifier("digest", get(row, "digest")?)
}

fn narrow<T: TryFrom<i64>>(what: &'static str, value: i64) -> Result<T> {
    T::try_from(value).map_err(|_| crate::StoreError::Damaged {
        what,
        detail: format!("{value} is out of range"),
    })
}

fn record(row: &Row) -> Result<EgressRow> {
    Ok(EgressRow {
        id: get(row, "id")?,
        at: get(row, "at")?,
        integration: get(row, "integration")?,
        digest: digest(row)?,
        method: get(row, "method")?,
        scheme: get(row, "scheme")?,
        host: get(row, "host")?,
        port: narrow("port", get(row, "port")?)?,
        path: get(row, "path")?,
        allowed: get(row, "allowed")?,
        rule: get(row, "rule")?,
        pattern: get(row, "pattern")?,
        reason: get(row, "reason")?,
        status: get::<Option<i64>, _>(row, "status")?
            .map(|status| narrow("status", status))
            .transpose()?,
        sent: count(row, "sent")?,
        received: count(row, "received")?,
        micros: count(row, "micros")?,
        credential: get(row, "credential")?,
        unchanged: get(row, "unchanged")?,
        address: read("address", row)?,
        private_range: read("private_range", row)?,
    })
}

fn read<T: FromStr<Err: Display>>(what: &'static str, row: &Row) -> Result<Option<T>> {
    let text: Option<&str> = get(row, what)?;
    let read = text.map(str::parse).transpose();
    read.map_err(|e: T::Err| crate::StoreError::Damaged {
        what,
        detail: e.to_string(),
    })
}

pub(crate) async fn list(
    conn: &mut Conn<'_>,
    filter: &EgressFilter,
    start: Option<i64>,
    most: usize,
) -> Result<Vec<EgressRow>> {
    // A digest is digits and letters, so that a list of them is a text that a pattern can be looked for in, on both databases.
    let digests = filter
        .digests
        .as_ref()
        .map(|all| all.iter().map(Digest::as_str).collect::<Vec<_>>().join(","));
    // A record's host is as URLs have it, and the address that was connected to as it is.
    let address = filter.host.as_deref().map(|host| host.trim_matches(['[', ']']));
    query(
        "SELECT * FROM egress WHERE ($1 IS NULL OR integration = $1) AND ($2 IS NULL OR $2 LIKE '%' || digest || '%') \
         AND ($3 IS NULL OR host = $3 OR address = $9) AND ($4 IS NULL OR allowed = $4) AND ($5 IS NULL OR at >= $5) \
         AND ($6 IS NULL OR at < $6) AND id < $7 ORDER BY id DESC LIMIT $8",
    )
    .bind(&filter.integration)
    .bind(digests)
    .bind(&filter.host)
    .bind(filter.allowed)
    .bind(filter.since)
    .bind(filter.until)
    .bind(before(start))
    .bind(limit(most))
    .bind(address)
    .fetch_all(conn)
    .await?
    .iter()
    .map(record)
    .collect()
}

pub(crate) async fn usage(conn: &mut Conn<'_>) -> Result<Vec<EgressUsageRow>> {
    query("SELECT * FROM egress_usage ORDER BY digest, integration, rule, pattern, method, host, allowed")
        .fetch_all(conn)
        .await?
        .iter()
        .map(|row| {
            Ok(EgressUsageRow {
                digest: digest(row)?,
                integration: get(row, "integration")?,
                rule: get(row, "rule")?,
                pattern: get(row, "pattern")?,
                method: get(row, "method")?,
                host: get(row, "host")?,
                allowed: get(row, "allowed")?,
                count: count(row, "count")?,
                unchanged: count(row, "unchanged")?,
                sent: count(row, "sent")?,
                received: count(row, "received")?,
                first_at: get(row, "first_at")?,
                last_at: get(row, "last_at")?,
            })
        })
        .collect()
}

pub(crate) async fn trim(conn: &mut Conn<'_>, older: Millis, keep: u64) -> Result<u64> {
    let mut tx = conn.begin().await?;
    let aged = query("DELETE FROM egress WHERE at < $1")
        .bind(older)
        .execute(&mut tx.conn())
        .await?;
    let above = query("DELETE FROM egress WHERE id <= (SELECT id FROM egress ORDER BY id DESC LIMIT 1 OFFSET $1)")
        .bind(signed(keep))
        .execute(&mut tx.conn())
        .await?;
    tx.commit().await?;
    Ok(aged + above)
}
