//! Clippy, in one of two ways.
//!
//! A developer's folder keeps what `cargo clippy` and `cargo build` made, each by itself. A clone that is built once
//! (`CARGO_INCREMENTAL=0`, as `.ci/run` sets it) would compile every dependency twice for that, five minutes of its time: there
//! clippy's compiler is cargo's workspace wrapper, and what it lints it also builds, for the steps after it.

use crate::tool::{self, cargo};
use anyhow::{Result, ensure};
use std::{env, fs, path::PathBuf, process::Command};

/// See the module.
pub(crate) struct Lint {
    /// Clippy's compiler, where one build serves both.
    driver: Option<PathBuf>,
}

impl Lint {
    pub(crate) fn find() -> Self {
        let once = env::var("CARGO_INCREMENTAL").is_ok_and(|value| value == "0");
        let sysroot = tool::ask(tool::command("rustc").args(["--print", "sysroot"]));
        let driver = sysroot.map(|root| {
            PathBuf::from(root)
                .join("bin")
                .join(format!("clippy-driver{}", env::consts::EXE_SUFFIX))
        });
        Self {
            driver: driver.filter(|driver| once && driver.is_file() && denies(driver)),
        }
    }

    /// A cargo that goes on with what [`Lint::run`] has built.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = cargo();
        if let Some(driver) = &self.driver {
            cargo.env("RUSTC_WORKSPACE_WRAPPER", driver).env(ARGUMENTS, DENY);
        }
        cargo
    }

    /// Lints all code of the workspace.
    pub(crate) fn run(&self) -> Result<()> {
        let all = ["--locked", "--workspace", "--all-targets"];
        if self.driver.is_some() {
            return tool::run(self.cargo().arg("build").args(all));
        }
        tool::run(cargo().arg("clippy").args(all).args(["--", "-D", "warnings"]))
    }
}

/// How `cargo clippy` hands its own arguments to its compiler.
const ARGUMENTS: &str = "CLIPPY_ARGS";
const DENY: &str = "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__";

/// Whether this compiler refuses what is to be refused: how it is told so is between it and `cargo clippy`, and may change.
fn denies(driver: &PathBuf) -> bool {
    let refuses = || -> Result<()> {
        let folder = tool::target().join("lint");
        fs::create_dir_all(&folder)?;
        fs::write(
            folder.join("bad.rs"),
            "pub fn bad(all: &Vec<u8>) -> usize { all.len() }\n",
        )?;
        let lint = |deny: &str| {
            let mut lint = tool::command(driver);
            // Cargo's own variable tells it that it works on the workspace itself.
            lint.env("CARGO_PRIMARY_PACKAGE", "1").env(ARGUMENTS, deny);
            lint.args(["rustc", "--crate-type", "lib", "--emit", "metadata", "--out-dir"]);
            lint.arg(&folder).arg(folder.join("bad.rs"));
            lint.output().map(|output| output.status.success())
        };
        ensure!(lint("")? && !lint(DENY)?);
        Ok(())
    };
    refuses().is_ok()
}
