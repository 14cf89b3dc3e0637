//! Questions to the person at the keyboard.

use crate::cli::error::{CliError, Result};
use std::io::{BufRead as _, IsTerminal as _, Write as _};

/// Asks on a terminal; nowhere else is there anybody to ask. `without` says how to do without: `to remove it without asking`.
pub(crate) fn confirmed(question: &str, without: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(CliError::Usage(format!(
            "there is no terminal to ask on; add --yes {without}"
        )));
    }
    eprint!("{question} [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
