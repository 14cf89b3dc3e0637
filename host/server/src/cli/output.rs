//! What commands print on stdout: a table for people, JSON or YAML for programs. Nothing else writes there.

use crate::cli::error::{CliError, Result};
use clap::ValueEnum;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use serde_json::Value;
use std::io::{ErrorKind, Write};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people.
    #[default]
    Table,
    /// As the API answers.
    Json,
    /// The same as YAML.
    Yaml,
}

/// A column: its heading, and its text for one row.
pub(crate) type Column = (&'static str, fn(&Value) -> String);

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    format: Format,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        Self { format }
    }

    /// Whether a person reads it.
    pub(crate) fn is_table(self) -> bool {
        self.format == Format::Table
    }

    /// Prints a list as a table, or the whole answer.
    pub(crate) fn list(self, answer: &Value, columns: &[Column], empty: &str) -> Result {
        if !self.is_table() {
            return self.data(answer);
        }
        let items = answer["items"].as_array().map_or(&[][..], Vec::as_slice);
        if items.is_empty() {
            eprintln!("{empty}");
            return Ok(());
        }
        self.text(&table(items, columns))
    }

    /// Prints one thing as `people` put it, or as data.
    pub(crate) fn one(self, value: &Value, people: impl FnOnce(&Value) -> String) -> Result {
        if self.is_table() {
            self.text(&people(value))
        } else {
            self.data(value)
        }
    }

    /// Prints data; as JSON where a table was asked for.
    pub(crate) fn data(self, value: &Value) -> Result {
        let failed = |e: &dyn std::fmt::Display| CliError::Failed(format!("the answer cannot be printed: {e}"));
        let text = match self.format {
            Format::Yaml => serde_saphyr::to_string(value).map_err(|e| failed(&e))?,
            _ => serde_json::to_string_pretty(value).map_err(|e| failed(&e))?,
        };
        self.text(&text)
    }

    /// Prints one of many data documents that come one after another: JSON on a line of its own, YAML behind `---`.
    pub(crate) fn document(self, value: &Value) -> Result {
        if self.format == Format::Yaml {
            self.text("---")?;
            return self.data(value);
        }
        self.text(&value.to_string())
    }

    /// Prints text, with a line break at its end.
    pub(crate) fn text(self, text: &str) -> Result {
        let mut out = std::io::stdout().lock();
        let end = if text.ends_with('\n') { "" } else { "\n" };
        match write!(out, "{text}{end}").and_then(|()| out.flush()) {
            // `seawall … | head` has read enough: that is no failure.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
            other => Ok(other?),
        }
    }
}

/// Rows as aligned columns, as wide as the terminal.
pub(crate) fn table(items: &[Value], columns: &[Column]) -> String {
    let headings = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    let rows = items
        .iter()
        .map(|item| columns.iter().map(|(_, cell)| cell(item)).collect());
    grid(headings, rows)
}

/// Words up to this width are never broken: numbers, names and states would become unreadable.
const WHOLE: usize = 20;

/// The same of ready texts. Columns without any text are left out; rows that a terminal is too narrow for become blocks of
/// `NAME: value` lines.
pub(crate) fn grid(headings: Vec<String>, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    fitted(
        headings,
        rows.into_iter().collect(),
        Table::new().width().map(usize::from),
    )
}

fn fitted(mut headings: Vec<String>, mut rows: Vec<Vec<String>>, terminal: Option<usize>) -> String {
    let blank: Vec<bool> = (0..headings.len())
        .map(|i| !rows.is_empty() && rows.iter().all(|row| row.get(i).is_none_or(String::is_empty)))
        .collect();
    let keep = |cells: &mut Vec<String>| {
        let mut blank = blank.iter();
        cells.retain(|_| blank.next() != Some(&true));
    };
    keep(&mut headings);
    rows.iter_mut().for_each(keep);
    let least: Vec<usize> = (0..headings.len())
        .map(|i| {
            let cells = std::iter::once(&headings).chain(&rows).filter_map(|row| row.get(i));
            let words = cells
                .flat_map(|cell| cell.split_whitespace())
                .map(|word| word.chars().count());
            words.max().unwrap_or(0).min(WHOLE) + 2
        })
        .collect();
    if terminal.is_some_and(|width| least.iter().sum::<usize>() > width) {
        let block = |row: &Vec<String>| {
            let pairs: Vec<_> = headings.iter().map(String::as_str).zip(row.iter().cloned()).collect();
            fields(&pairs)
        };
        return rows.iter().map(block).collect::<Vec<_>>().join("\n\n");
    }
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = terminal.and_then(|width| u16::try_from(width).ok()) {
        table.set_width(width);
    }
    table.set_header(headings);
    for row in rows {
        table.add_row(row.iter().map(|cell| visible(cell)));
    }
    for (column, least) in table.column_iter_mut().zip(least) {
        column.set_padding((0, 2));
        if let Ok(least) = u16::try_from(least) {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
        }
    }
    table.trim_fmt()
}

/// `name: value` lines, aligned; empty values are left out.
pub(crate) fn fields(pairs: &[(&str, String)]) -> String {
    let pairs: Vec<_> = pairs.iter().filter(|(_, value)| !value.is_empty()).collect();
    let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0) + 2;
    let line = |(name, value): &&(&str, String)| {
        let value = value.replace('\n', &format!("\n{:width$}", ""));
        format!("{:width$}{}", format!("{name}:"), visible(&value))
    };
    pairs.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Without characters that names from tools may hold and terminals would obey: controls, and those that turn the direction
/// of what follows (Unicode's bidirectional embeddings, overrides and isolates, UAX 9), so that a line reads as something
/// else than it says.
pub(crate) fn visible(text: &str) -> String {
    let obeyed = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if obeyed(c) { '\u{fffd}' } else { c }).collect()
}

/// The value at a JSON pointer as people read it.
pub(crate) fn at(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).map(plain).unwrap_or_default()
}

/// Texts as they are, lists joined, everything else as JSON.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// A time as RFC 3339 to the second.
pub(crate) fn time(value: &Value, pointer: &str) -> String {
    let text = at(value, pointer);
    match text.parse::<jiff::Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        Err(_) => text,
    }
}

/// Bytes for people.
pub(crate) fn bytes(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_u64)
        .map(|n| indicatif::HumanBytes(n).to_string())
        .unwrap_or_default()
}

/// The items of a list answer.
pub(crate) fn items(answer: &Value) -> &[Value] {
    answer["items"].as_array().map_or(&[][..], Vec::as_slice)
}

/// The first 12 digits of `sha256:…`.
pub(crate) fn short_digest(value: &Value, pointer: &str) -> String {
    let digest = at(value, pointer);
    digest
        .strip_prefix("sha256:")
        .and_then(|hex| hex.get(..12))
        .map(str::to_owned)
        .unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn aligns_columns_without_borders() {
        let rows = [json!({"a": "x", "b": [1, 2]}), json!({"a": "long", "b": null})];
        let columns: &[Column] = &[("NAME", |v| at(v, "/a")), ("B", |v| at(v, "/b"))];
        assert_eq!(table(&rows, columns), "NAME  B\nx     1, 2\nlong");
    }

    #[test]
    fn a_narrow_terminal_wraps_long_texts_and_nothing_else() {
        let rows = |reason: &str| vec![vec!["1".into(), "succeeded".into(), String::new(), reason.into()]];
        let headings = || ["PASS", "STATE", "NOTE", "REASON"].map(str::to_owned).to_vec();
        let reason = "the tool did not answer in time, so it is tried again";
        assert_eq!(
            fitted(headings(), rows(reason), Some(45)),
            "PASS  STATE      REASON\n1     succeeded  the tool did not answer in\n                 time, so it is tried again"
        );
        assert_eq!(
            fitted(headings(), rows("late"), Some(20)),
            "PASS:   1\nSTATE:  succeeded\nREASON: late"
        );
    }

    #[test]
    fn control_characters_do_not_reach_a_terminal() {
        assert_eq!(visible("a\u{1b}[31mb"), "a\u{fffd}[31mb");
        assert_eq!(visible("a\u{202e}b\u{2066}é"), "a\u{fffd}b\u{fffd}é");
    }

    #[test]
    fn leaves_out_empty_fields() {
        assert_eq!(
            fields(&[("a", "1".into()), ("long", String::new()), ("bb", "x\ny".into())]),
            "a:  1\nbb: x\n    y"
        );
    }
}
