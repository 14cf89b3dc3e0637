//! What a copy shows: a bar for the table that is copied, and a table of tables at the end.

use crate::cli::{Global, error::Result, follow::style, output::Column};
use indicatif::{HumanCount, ProgressBar};
use seawall_store::{Copied, Progress};
use serde_json::{Value, json};

/// The bar, or a line for each table where nobody watches.
pub(super) struct Bar {
    bar: ProgressBar,
    table: &'static str,
}

impl Bar {
    pub(super) fn new() -> Self {
        let bar =
            ProgressBar::new(0).with_style(style("{msg:16} {wide_bar} {human_pos}/{human_len} {per_sec} {elapsed}"));
        Self { bar, table: "" }
    }

    pub(super) fn show(&mut self, progress: Progress) {
        if self.table != progress.table {
            self.table = progress.table;
            if self.bar.is_hidden() {
                eprintln!("{}: {} rows", progress.table, HumanCount(progress.of));
            }
            self.bar.set_message(progress.table);
            self.bar.reset();
        }
        self.bar.set_length(progress.of);
        self.bar.set_position(progress.rows);
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

const COLUMNS: &[Column] = &[
    ("TABLE", |row| row["table"].as_str().unwrap_or_default().to_owned()),
    ("ROWS", |row| HumanCount(row["rows"].as_u64().unwrap_or(0)).to_string()),
    ("SHA-256 OF BOTH", |row| {
        row["digest"]
            .as_str()
            .and_then(|digest| digest.get(..16))
            .unwrap_or_default()
            .to_owned()
    }),
];

/// Prints what was copied and found to be the same on both sides.
pub(super) fn print(global: &Global, copied: &[Copied]) -> Result {
    let items: Vec<Value> = copied
        .iter()
        .map(|c| json!({"table": c.table, "rows": c.rows, "digest": c.digest}))
        .collect();
    global
        .output()
        .list(&json!({"items": items}), COLUMNS, "there is nothing in it")
}
