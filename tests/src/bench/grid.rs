//! The figures of several runs side by side: a row each, a column a run.

use super::report::{Goal, Report, round, show};

/// See the module.
#[derive(Debug)]
pub struct Grid {
    name: &'static str,
    columns: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: String,
    unit: &'static str,
    goal: Goal,
    /// By column.
    cells: Vec<Option<f64>>,
}

impl Grid {
    /// An empty one for the benchmark of this name.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            columns: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Begins a column.
    pub fn column(&mut self, title: impl Into<String>) {
        self.columns.push(title.into());
    }

    /// Sets a figure of the newest column.
    pub fn set(&mut self, name: &str, value: f64, unit: &'static str, goal: Goal) {
        let at = self.rows.iter().position(|row| row.name == name).unwrap_or_else(|| {
            self.rows.push(Row {
                name: name.to_owned(),
                unit,
                goal,
                cells: Vec::new(),
            });
            self.rows.len() - 1
        });
        let cells = &mut self.rows[at].cells;
        cells.resize(self.columns.len(), None);
        if let Some(cell) = cells.last_mut() {
            *cell = Some(round(value));
        }
    }

    /// Prints the table, and writes the report with all figures: `NAME.ROW.COLUMN`.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn finish(self, mut report: Report) -> anyhow::Result<()> {
        let table = self.table();
        for row in self.rows {
            for (column, cell) in self.columns.iter().zip(row.cells) {
                if let Some(value) = cell {
                    let column = column.replace(',', "").replace(' ', "-");
                    report.add(
                        format!("{}.{}.{column}", self.name, row.name),
                        value,
                        row.unit,
                        row.goal,
                    );
                }
            }
        }
        report.finish_with(&table)
    }

    fn table(&self) -> String {
        let first = self.rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
        let width = self.columns.iter().map(|title| title.len() + 3).max().unwrap_or(0);
        let width = width.max(12);
        let mut table = format!("\n{:<first$} {:<8}", self.name, "");
        for title in &self.columns {
            table.push_str(&format!("{title:>width$} "));
        }
        table.push_str("  goal\n");
        for row in &self.rows {
            table.push_str(&format!("{:<first$} {:<8}", row.name, row.unit));
            for at in 0..self.columns.len() {
                let cell = row.cells.get(at).copied().flatten();
                let missed = cell.is_some_and(|value| !row.goal.met(value, None));
                let shown = cell.map_or_else(|| "-".to_owned(), show);
                table.push_str(&format!("{shown:>width$}{}", if missed { '!' } else { ' ' }));
            }
            table.push_str(&format!("  {}\n", row.goal.words().unwrap_or_else(|| "-".to_owned())));
        }
        table.push_str("! misses its goal\n");
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_is_a_column_and_says_what_misses_its_goal() {
        let mut grid = Grid::new("sample");
        grid.column("10,000");
        grid.set("rate", 15_000.0, "items/s", Goal::AtLeast(12_000.0));
        grid.column("100,000");
        grid.set("disk", 1_600.0, "B", Goal::None);
        grid.set("rate", 9_000.0, "items/s", Goal::AtLeast(12_000.0));
        let table = grid.table();
        let lines: Vec<_> = table.lines().skip(2).collect();
        assert!(
            lines[0].contains(" 15,000 ") && lines[0].contains(" 9,000!") && lines[0].ends_with("at least 12,000"),
            "{table}"
        );
        assert!(lines[1].contains(" - ") && lines[1].contains(" 1,600 "), "{table}");
    }
}
