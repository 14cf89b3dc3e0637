//! What `plugin dev` shows of one page of a kind.

use crate::cli::{
    catalog,
    output::{Column, at, table, visible},
};
use seawall_domain::text::cut;
use seawall_engine::Preview;
use seawall_runtime::door::Record;
use serde_json::{Value, json};

/// Rows shown of one list; further ones are counted.
const ROWS: usize = 10;
/// Characters shown of an item.
const ITEM: usize = 100;

const REPORTS: &[Column] = &[
    ("WHAT", |v| at(v, "/severity")),
    ("ITEM", |v| at(v, "/key")),
    ("FIELD", |v| at(v, "/field")),
    ("RULE", |v| at(v, "/rule")),
    ("MESSAGE", |v| at(v, "/message")),
];

/// As data.
pub(super) fn data(previews: &[Preview]) -> Value {
    let one = |p: &Preview| {
        json!({
            "kind": p.kind,
            "partitions": p.partitions,
            "items": p.items.iter().map(|(key, value)| json!({"key": key, "value": value})).collect::<Vec<_>>(),
            "entities": p.entities,
            "reports": p.reports,
            "more": p.more,
            "log": p.log.iter().map(|line| json!({"level": line.level, "message": line.message})).collect::<Vec<_>>(),
            "requests": p.requests.iter().map(request).collect::<Vec<_>>(),
            "error": p.error,
        })
    };
    json!({"items": previews.iter().map(one).collect::<Vec<_>>(), "next": null})
}

fn request(r: &Record) -> Value {
    json!({
        "method": r.method, "url": url(r), "allowed": r.allowed, "status": r.status, "rule": r.rule, "reason": r.reason,
        "suggestion": r.suggestion, "credential": r.credential, "sent": r.sent, "received": r.received, "micros": r.micros,
    })
}

fn url(r: &Record) -> String {
    format!("{}://{}:{}{}", r.scheme, r.host, r.port, r.path)
}

/// For people.
pub(super) fn text(p: &Preview) -> String {
    let mut parts = vec![head(p)];
    if !p.requests.is_empty() {
        parts.push(p.requests.iter().map(line).collect::<Vec<_>>().join("\n"));
    }
    if !p.items.is_empty() {
        let item = |(key, value): &(String, Value)| format!("  {key}  {}", cut(&value.to_string(), ITEM));
        parts.push(some("items", p.items.len(), p.items.iter().map(item)));
    }
    if !p.entities.is_empty() {
        parts.push(format!("entities: {}\n{}", p.entities.len(), entities(p)));
    }
    if !p.reports.is_empty() {
        let rows: Vec<Value> = p
            .reports
            .iter()
            .take(ROWS)
            .filter_map(|report| serde_json::to_value(report).ok())
            .collect();
        parts.push(format!(
            "not taken as it was: {}\n{}",
            p.reports.len(),
            table(&rows, REPORTS)
        ));
    }
    if !p.log.is_empty() {
        parts.push(some(
            "log",
            p.log.len(),
            p.log.iter().map(|line| format!("  {:6} {}", line.level, line.message)),
        ));
    }
    if let Some(error) = &p.error {
        parts.push(format!("error: {error}"));
    }
    visible(&parts.join("\n\n"))
}

fn head(p: &Preview) -> String {
    let partitions = p
        .partitions
        .iter()
        .take(5)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    let further = p.partitions.len().saturating_sub(5);
    let further = if further > 0 {
        format!(" and {further} more")
    } else {
        String::new()
    };
    let first = p.partitions.first().map(String::as_str).unwrap_or("none");
    format!(
        "── {} · partitions: {partitions}{further} · first page of `{first}`{}",
        p.kind,
        if p.more { ", more pages follow" } else { "" }
    )
}

/// A request; a refused one with the manifest's lines that would allow it.
pub(super) fn line(r: &Record) -> String {
    let took = r.micros as f64 / 1000.0;
    if r.allowed {
        let status = r
            .status
            .map(|status| status.to_string())
            .unwrap_or_else(|| "failed".into());
        let note = r
            .reason
            .as_ref()
            .map(|reason| format!(", {reason}"))
            .unwrap_or_default();
        return format!(
            "  {status} {} {}  {} bytes, {took:.0} ms{note}",
            r.method,
            url(r),
            r.received
        );
    }
    let mut text = format!(
        "  refused {} {}: {}",
        r.method,
        url(r),
        r.reason.as_deref().unwrap_or("no rule allows it")
    );
    if let Some(suggestion) = &r.suggestion {
        text.push_str("\n    to allow it, write in plugin.yaml:");
        suggestion
            .lines()
            .for_each(|line| text.push_str(&format!("\n      {line}")));
    }
    text
}

fn some(what: &str, count: usize, rows: impl Iterator<Item = String>) -> String {
    let mut text = format!("{what}: {count}");
    rows.take(ROWS).for_each(|row| text.push_str(&format!("\n{row}")));
    if count > ROWS {
        text.push_str(&format!("\n  and {} more", count - ROWS));
    }
    text
}

/// A table for each blueprint.
fn entities(p: &Preview) -> String {
    let mut blueprints: Vec<_> = p.entities.iter().map(|entity| &entity.blueprint).collect();
    blueprints.sort();
    blueprints.dedup();
    let of = |blueprint: &seawall_domain::BlueprintId| {
        let mine = p.entities.iter().filter(|entity| entity.blueprint == *blueprint);
        let rows: Vec<Value> = mine
            .take(ROWS)
            .filter_map(|entity| serde_json::to_value(entity).ok())
            .collect();
        format!("{blueprint}\n{}", catalog::entities(&rows))
    };
    blueprints.into_iter().map(of).collect::<Vec<_>>().join("\n")
}
