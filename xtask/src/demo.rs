//! `cargo xtask demo`.

use crate::{plugins, tool};
use anyhow::{Context, Result};

/// Builds what the demo needs and starts it; whether it ended well.
pub(crate) fn run(once: bool) -> Result<bool> {
    tool::build_seawall()?;
    plugins::build(&[], false)?;
    let mut demo = tool::command(tool::seawall());
    demo.args(["demo", "--plugins", "plugins"]);
    if once {
        demo.arg("--once");
    }
    // A program that waits for Ctrl-C gets it from the terminal itself, as this one does.
    let status = demo.status().context("the demo cannot be started")?;
    Ok(status.success())
}
