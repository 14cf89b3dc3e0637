//! `cargo xtask fuzz`.

use crate::tool;
use anyhow::Result;

/// The door's normaliser, matcher and addresses against their references, and every parser (of definitions, components, cassettes and
/// registries' manifests) against bent input.
pub(crate) fn run(cases: u32) -> Result<bool> {
    let cases = cases.to_string();
    for arguments in [
        &["test", "--workspace", "--lib", "--", "egress::"][..],
        &["test", "--workspace", "--test", "mutations"],
    ] {
        tool::run(tool::cargo().args(arguments).env("PROPTEST_CASES", &cases))?;
    }
    Ok(true)
}
