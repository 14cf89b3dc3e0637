//! A benchmark's figures: a table for people, and `target/bench/NAME.json` for programs.

use serde::Serialize;
use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
};

/// What a figure should reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// No goal was set.
    None,
    /// The value is this or more.
    AtLeast(f64),
    /// The value is this or less.
    AtMost(f64),
    /// The value is at least this many times its baseline.
    RatioAtLeast(f64),
    /// The value is at most this many times its baseline.
    RatioAtMost(f64),
}

impl Goal {
    /// What it asks for, where there is one.
    pub(super) fn words(self) -> Option<String> {
        match self {
            Self::None => None,
            Self::AtLeast(goal) => Some(format!("at least {}", show(goal))),
            Self::AtMost(goal) => Some(format!("at most {}", show(goal))),
            Self::RatioAtLeast(goal) => Some(format!("ratio at least {}", show(goal))),
            Self::RatioAtMost(goal) => Some(format!("ratio at most {}", show(goal))),
        }
    }

    /// Whether it is met.
    pub(super) fn met(self, value: f64, ratio: Option<f64>) -> bool {
        let ratio = ratio.unwrap_or(f64::NAN);
        match self {
            Self::None => true,
            Self::AtLeast(goal) => value >= goal,
            Self::AtMost(goal) => value <= goal,
            Self::RatioAtLeast(goal) => ratio >= goal,
            Self::RatioAtMost(goal) => ratio <= goal,
        }
    }
}

/// One line of the JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    /// What the value is compared with, in the same unit, measured in the same run.
    baseline: Option<f64>,
    /// The value over the baseline.
    ratio: Option<f64>,
    #[serde(skip)]
    goal: Goal,
}

/// The figures of one benchmark.
#[derive(Debug)]
pub struct Report {
    name: &'static str,
    figures: Vec<Figure>,
}

impl Report {
    /// An empty report of the benchmark of this name.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            figures: Vec::new(),
        }
    }

    /// Adds a figure that stands alone.
    pub fn add(&mut self, name: impl Into<String>, value: f64, unit: &'static str, goal: Goal) {
        self.push(name.into(), value, unit, None, goal);
    }

    /// Adds a figure with what it is compared with, in the same unit.
    pub fn compare(&mut self, name: impl Into<String>, value: f64, unit: &'static str, baseline: f64, goal: Goal) {
        self.push(name.into(), value, unit, Some(baseline), goal);
    }

    fn push(&mut self, name: String, value: f64, unit: &'static str, baseline: Option<f64>, goal: Goal) {
        self.figures.push(Figure {
            name,
            value: round(value),
            unit,
            baseline: baseline.map(round),
            ratio: baseline.map(|baseline| round(value / baseline)),
            goal,
        });
    }

    /// Says something that is no figure, such as how a run stands.
    pub fn say(&self, line: impl AsRef<str>) {
        // Whoever closed the output does not want to read it.
        let _ = writeln!(std::io::stdout(), "{}", line.as_ref());
    }

    /// Prints the table and writes the JSON to `$SEAWALL_BENCH_OUT`, or to `target/bench/NAME.json`.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn finish(self) -> anyhow::Result<()> {
        self.finish_with(&self.table())
    }

    /// The same with another table of the same figures.
    pub(super) fn finish_with(&self, table: &str) -> anyhow::Result<()> {
        self.say(table);
        let path = env::var_os("SEAWALL_BENCH_OUT").map_or_else(|| default(self.name), PathBuf::from);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        let mut json = serde_json::to_string_pretty(&self.figures)?;
        json.push('\n');
        fs::write(&path, json)?;
        self.say(format!("written to {}", path.display()));
        Ok(())
    }

    fn table(&self) -> String {
        let width = self.figures.iter().map(|figure| figure.name.len()).max().unwrap_or(0);
        let mut table = format!(
            "\n{:<width$}{:>14} {:<8}{:>14}{:>9}  goal\n",
            self.name, "value", "", "baseline", "ratio"
        );
        for figure in &self.figures {
            let optional = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), show);
            table.push_str(&format!(
                "{:<width$}{:>14} {:<8}{:>14}{:>9}  {}\n",
                figure.name,
                show(figure.value),
                figure.unit,
                optional(figure.baseline),
                optional(figure.ratio),
                figure.goal(),
            ));
        }
        table
    }
}

impl Figure {
    fn goal(&self) -> String {
        let Some(words) = self.goal.words() else {
            return "-".to_owned();
        };
        let met = self.goal.met(self.value, self.ratio);
        format!("{words}: {}", if met { "met" } else { "MISSED" })
    }
}

/// The median; 0 of nothing.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// Four digits are more than a measurement is worth.
pub(super) fn round(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a number of digits")]
    let digits = 3 - value.abs().log10().floor() as i32;
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

pub(super) fn show(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => {
            let digits = format!("{value:.0}");
            let mut shown = String::new();
            for (i, digit) in digits.chars().enumerate() {
                if i > 0 && (digits.len() - i).is_multiple_of(3) && !shown.ends_with('-') {
                    shown.push(',');
                }
                shown.push(digit);
            }
            shown
        }
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.1 || v == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

fn default(name: &str) -> PathBuf {
    // target/release/examples/NAME
    let own = env::current_exe().unwrap_or_default();
    let target = own.ancestors().nth(3).unwrap_or(Path::new("target"));
    target.join("bench").join(format!("{name}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_say_their_ratio_and_whether_they_met_their_goal() {
        let mut report = Report::new("sample");
        report.compare(
            "sample.fast",
            12_345.678,
            "items/s",
            24_691.356,
            Goal::RatioAtLeast(0.5),
        );
        report.compare("sample.slow", 140.0, "µs", 100.0, Goal::RatioAtMost(1.3));
        report.add("sample.time", 0.25, "s", Goal::AtMost(0.5));
        let table = report.table();
        let lines: Vec<_> = table.lines().skip(2).collect();
        assert!(
            lines[0].contains("12,350 items/s") && lines[0].ends_with("ratio at least 0.50: met"),
            "{table}"
        );
        assert!(lines[1].ends_with("ratio at most 1.30: MISSED"), "{table}");
        assert!(lines[2].ends_with("at most 0.50: met"), "{table}");
        let json = serde_json::to_value(&report.figures).unwrap_or_default();
        assert_eq!(
            json[1],
            serde_json::json!({"name": "sample.slow", "value": 140.0, "unit": "µs", "baseline": 100.0, "ratio": 1.4})
        );
        assert_eq!(json[2]["baseline"], serde_json::Value::Null);
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
