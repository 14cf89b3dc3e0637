//! `cargo xtask demo`.

use crate::{plugins, tool};
use anyhow::{Context, Result};
use std::process::Command;

/// Builds what the demo needs and starts it; whether it ended well.
pub(crate) fn run(once: bool) -> Result<bool> {
    tool::build_seawall()?;
    plugins::build(&[], false)?;
    let mut demo = tool::command(tool::seawall());
    demo.args(["demo", "--plugins", "plugins"]);
    if once {
        demo.arg("--once");
    }
    take_over(&mut demo)
}

/// Goes on as the demo itself: who ends this process, by Ctrl-C or otherwise, ends the demo, and its exit code is this one's.
#[cfg(unix)]
fn take_over(demo: &mut Command) -> Result<bool> {
    use std::os::unix::process::CommandExt;
    Err(demo.exec()).context("the demo cannot be started")
}

/// Starts the demo and waits for its end; it gets Ctrl-C from the terminal, as this process does.
#[cfg(not(unix))]
fn take_over(demo: &mut Command) -> Result<bool> {
    let status = demo.status().context("the demo cannot be started")?;
    Ok(status.success())
}
