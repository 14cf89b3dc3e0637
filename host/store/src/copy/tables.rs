//! The tables of both schemas, in an order in which references point backwards. A test compares this list with both.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Flag,
    Text,
    Bytes,
}

/// A table as it is copied.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// Names rows, in the order in which they are walked.
    pub(crate) key: &'static [&'static str],
    pub(crate) columns: &'static [(&'static str, Kind)],
    /// The column that the database numbers itself.
    pub(crate) serial: Option<&'static str>,
}

use Kind::{Bytes, Flag, Int, Text};

macro_rules! tables {
    ($($name:ident ($($key:ident),+) $(numbered $serial:ident)? { $($column:ident: $kind:ident),+ $(,)? })+) => {
        &[$(Table {
            name: stringify!($name),
            key: &[$(stringify!($key)),+],
            columns: &[$((stringify!($column), $kind)),+],
            serial: tables!(@serial $($serial)?),
        }),+]
    };
    (@serial) => { None };
    (@serial $serial:ident) => { Some(stringify!($serial)) };
}

/// All that is copied. Not among them: what each database keeps for itself (`sequence`, `_sqlx_migrations`, `migration_turn`,
/// `master_key_check`, `duty`, `configured`).
pub(crate) static TABLES: &[Table] = tables! {
    setting (name) { name: Text, value: Text }
    blueprint (identifier) { identifier: Text, body: Text, source: Text, updated_at: Int }
    plugin (id) numbered id { id: Int, digest: Text, body: Text, installed_at: Int, removed_at: Int }
    component (digest) { digest: Text, bytes: Bytes }
    installation (id) numbered id { id: Int, digest: Text, body: Text }
    decision (id) numbered id { id: Int, digest: Text, body: Text }
    policy (id) numbered id { id: Int, body: Text }
    definition_change (id) numbered id { id: Int, kind: Text, name: Text, author: Text, body: Text }
    integration (id) numbered id {
        id: Int, name: Text, body: Text, paused: Flag, stopped: Text, created_at: Int, updated_at: Int, removing: Flag,
        client: Flag,
    }
    credential (name) { name: Text, source: Text, attach: Text, sealed: Bytes, updated_at: Int, exchange: Text }
    partition (id) numbered id {
        id: Int, integration: Int, kind: Text, name: Text, cursor: Text, due: Int, items: Int, gone: Flag, owner: Text,
        lease_until: Int, fence: Int,
    }
    pass (id) numbered id {
        id: Int, partition: Int, state: Text, counts: Text, error: Text, started_at: Int, ended_at: Int, closing: Flag,
        checkouts: Text,
    }
    pass_page (id) numbered id { id: Int, pass: Int, items: Bytes }
    pass_deleted (pass, key) { pass: Int, key: Text }
    item (partition, key) { partition: Int, key: Text, id: Int, hash: Bytes, live_pass: Int, changed_at: Int }
    item_value (id) { id: Int, partition: Int, key: Text, value: Bytes }
    rejected (id) numbered id { id: Int, item: Int, partition: Int, body: Text, at: Int }
    blueprint_name (id) numbered id { id: Int, name: Text }
    entity (id) {
        id: Int, blueprint: Int, identifier: Text, created_at: Int, updated_at: Int, version: Int, body: Text,
        derived: Text, created_by: Text, updated_by: Text,
    }
    entity_gone (id) { id: Int, blueprint: Int, identifier: Text, version: Int }
    contribution (entity, integration, item) { entity: Int, integration: Int, item: Int, body: Text }
    change (position) { position: Int, entity: Int, kind: Int, previous: Int, at: Int, cause: Text, diff: Text }
    egress (id) numbered id {
        id: Int, at: Int, integration: Text, digest: Text, method: Text, scheme: Text, host: Text, port: Int, path: Text,
        allowed: Flag, rule: Text, reason: Text, status: Int, sent: Int, received: Int, micros: Int, credential: Text,
        pattern: Text, unchanged: Flag, address: Text, private_range: Text,
    }
    egress_usage (digest, integration, rule, pattern, method, host, allowed) {
        digest: Text, integration: Text, rule: Text, pattern: Text, method: Text, host: Text, allowed: Flag, count: Int,
        sent: Int, received: Int, first_at: Int, last_at: Int, unchanged: Int,
    }
    capability_usage (digest, integration, capability) {
        digest: Text, integration: Text, capability: Text, count: Int, first_at: Int, last_at: Int,
    }
    run (seq) numbered seq {
        seq: Int, id: Text, integration: Text, operation: Text, target_blueprint: Text, target_identifier: Text, inputs: Text,
        requested_by: Text, idempotency_key: Text, state: Text, label: Text, progress: Bytes, poll_at: Int, outputs: Text,
        link: Text, created_at: Int, updated_at: Int,
    }
    run_log (run, line) { run: Int, line: Int, at: Int, level: Text, message: Text }
    verdict (rule, blueprint, identifier) { rule: Text, blueprint: Text, identifier: Text, verdict: Text, at: Int }
    delivery (id) numbered id {
        id: Int, integration: Int, dedupe: Text, state: Text, headers: Text, body: Bytes, bytes: Int, attempts: Int,
        error: Text, due: Int, received_at: Int, ended_at: Int,
    }
    subscription (id) numbered id {
        id: Int, name: Text, body: Text, sealed: Bytes, paused: Flag, problem: Text, position: Int, sent: Int, failed: Int,
        lost: Int, sent_at: Int, owner: Text, lease_until: Int, fence: Int, created_at: Int, updated_at: Int,
    }
    letter (id) numbered id {
        id: Int, subscription: Int, position: Int, entity: Text, state: Text, payload: Text, attempts: Int, status: Int,
        error: Text, due: Int, created_at: Int, tried_at: Int,
    }
};

impl Table {
    fn names(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }

    /// The next rows in the order of the key: from the start, or behind the key that is bound to the first parameters.
    pub(super) fn select(&self, behind: bool, limit: i64) -> String {
        let key = self.key.join(", ");
        let condition = if behind {
            let marks: Vec<String> = (1..=self.key.len()).map(|n| format!("${n}")).collect();
            format!("WHERE ({key}) > ({}) ", marks.join(", "))
        } else {
            String::new()
        };
        format!(
            "SELECT {} FROM {} {condition}ORDER BY {key} LIMIT {limit}",
            self.names(),
            self.name
        )
    }

    /// Adds `rows` rows whose values are bound one after another.
    pub(super) fn insert(&self, rows: usize) -> String {
        let width = self.columns.len();
        let tuples: Vec<String> = (0..rows)
            .map(|row| {
                let marks: Vec<String> = (1..=width).map(|column| format!("${}", row * width + column)).collect();
                format!("({})", marks.join(", "))
            })
            .collect();
        format!(
            "INSERT INTO {} ({}) VALUES {}",
            self.name,
            self.names(),
            tuples.join(", ")
        )
    }

    /// Rows of one statement: both databases take some 32,000 parameters.
    pub(super) fn rows_at_once(&self) -> usize {
        8_000 / self.columns.len()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[tokio::test]
    async fn the_list_is_the_schema() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("seawall.db");
        drop(
            crate::SqliteStore::open(&path, crate::MasterKey::random().unwrap())
                .await
                .unwrap(),
        );
        let conn = rusqlite::Connection::open(&path).unwrap();
        let mut found = conn
            .prepare(
                "SELECT t.name, c.name, c.type FROM sqlite_master t JOIN pragma_table_info(t.name) c \
                 WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT IN ('sequence', '_sqlx_migrations')",
            )
            .unwrap();
        let found: BTreeSet<(String, String, String)> = found
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let listed = TABLES.iter().flat_map(|table| {
            table.columns.iter().map(|(column, kind)| {
                let kind = match kind {
                    Int | Flag => "INTEGER",
                    Text => "TEXT",
                    Bytes => "BLOB",
                };
                (table.name.to_owned(), (*column).to_owned(), kind.to_owned())
            })
        });
        assert_eq!(
            listed.collect::<BTreeSet<_>>(),
            found,
            "TABLES is to be brought up to date"
        );
    }
}
