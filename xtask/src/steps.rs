//! The steps of `cargo xtask test`: each is run to its end whatever came before, its tests are counted, and what failed is
//! said at the end.

use anyhow::{Context, Result};
use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    time::Instant,
};

/// What came of the steps so far.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    only: Option<String>,
    tally: Tally,
    failed: Vec<String>,
}

/// Tests that ran.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
    /// Checks that are no tests and were skipped whole.
    checks: Vec<&'static str>,
}

impl Steps {
    pub(crate) fn new(only: Option<&str>) -> Self {
        Self {
            only: only.map(str::to_owned),
            ..Self::default()
        }
    }

    /// Does one step; whether it was done and went well.
    pub(crate) fn step(&mut self, name: &str, work: impl FnOnce(&mut Tally) -> Result<()>) -> bool {
        if self.only.as_ref().is_some_and(|only| !name.contains(only)) {
            return false;
        }
        let started = Instant::now();
        eprintln!("\n── {name}");
        let outcome = work(&mut self.tally);
        let seconds = started.elapsed().as_secs_f64();
        match outcome {
            Ok(()) => {
                eprintln!("── {name}: done in {seconds:.0} s");
                true
            }
            Err(error) => {
                eprintln!("── {name}: failed after {seconds:.0} s: {error:#}");
                self.failed.push(name.to_owned());
                false
            }
        }
    }

    /// Says what failed and prints the closing line; whether all went well.
    pub(crate) fn end(mut self) -> Result<bool> {
        let tally = &mut self.tally;
        if self.failed.is_empty() && tally.failed == 0 {
            eprintln!("\neverything that ran passed");
        } else {
            eprintln!("\nfailed: {}", self.failed.join(", "));
            // A check that is no test, such as clippy, counts as one.
            tally.failed = tally.failed.max(self.failed.len() as u64);
        }
        writeln!(std::io::stdout(), "{}", tally.line())?;
        Ok(tally.failed == 0)
    }
}

/// Runs a test program, shows its output and adds up what its closing lines say.
///
/// # Errors
/// Where it is not there, or ends badly.
pub(crate) fn counted(command: &mut Command, tally: &mut Tally) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{name}` cannot be started"))?;
    if let Some(output) = child.stdout.take() {
        let mut shown = std::io::stdout();
        for line in BufReader::new(output).lines() {
            let line = line?;
            tally.read(&line);
            writeln!(shown, "{line}")?;
        }
    }
    let status = child.wait()?;
    anyhow::ensure!(status.success(), "`{name}` ended with {status}");
    Ok(())
}

impl Tally {
    /// Counts a check that could not be made.
    pub(crate) fn skip(&mut self, check: &'static str) {
        self.skipped += 1;
        self.checks.push(check);
    }

    /// The closing line.
    pub(crate) fn line(&self) -> String {
        let mut line = format!("{} passed, {} failed", self.passed, self.failed);
        if self.skipped > 0 {
            line.push_str(&format!(", {} skipped", self.skipped));
        }
        if !self.checks.is_empty() {
            line.push_str(&format!(" ({})", self.checks.join(", ")));
        }
        line
    }

    /// Adds what a line of cargo test, node's test runner or pytest says.
    fn read(&mut self, line: &str) {
        let line = line.trim_matches(['=', ' ']);
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.words(counts.split_once(". ").map_or(counts, |(_, counts)| counts));
        } else if let Some((word, count)) = node(line) {
            self.add(word, count);
        } else if line.ends_with('s')
            && line.contains(" in ")
            && (line.contains(" passed") || line.contains(" failed") || line.contains(" skipped"))
        {
            self.words(line.split_once(" in ").map_or(line, |(counts, _)| counts));
        }
    }

    /// `12 passed; 0 failed` or `12 passed, 1 skipped`.
    fn words(&mut self, counts: &str) {
        for part in counts.split([';', ',']) {
            if let Some((count, word)) = part.trim().split_once(' ')
                && let Ok(count) = count.parse()
            {
                self.add(word, count);
            }
        }
    }

    fn add(&mut self, word: &str, count: u64) {
        match word {
            "passed" | "pass" => self.passed += count,
            "failed" | "fail" | "error" | "errors" => self.failed += count,
            "ignored" | "skipped" => self.skipped += count,
            _ => {}
        }
    }
}

/// `ℹ pass 12` (or `# pass 12`).
fn node(line: &str) -> Option<(&str, u64)> {
    let (word, count) = line
        .strip_prefix("ℹ ")
        .or_else(|| line.strip_prefix("# "))?
        .split_once(' ')?;
    Some((word, count.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_what_three_runners_say() {
        let mut tally = Tally::default();
        for line in [
            "test result: ok. 12 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "ℹ tests 9",
            "ℹ pass 8",
            "ℹ skipped 1",
            "# fail 1",
            "===== 5 passed, 1 skipped in 0.31s =====",
            "7 passed in 2.00s",
            "a line with 4 failed things",
        ] {
            tally.read(line);
        }
        assert_eq!(
            tally,
            Tally {
                passed: 35,
                failed: 2,
                skipped: 4,
                checks: Vec::new(),
            }
        );
    }
}
