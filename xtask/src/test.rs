//! `cargo xtask test`: every check and every test.

use crate::{
    deny, front,
    lint::Lint,
    plugins,
    steps::{Steps, counted},
    tool::{self, cargo},
};
use anyhow::Result;
use std::{fs, path::PathBuf};

/// Runs all steps, or those whose name contains `only`; whether all went well.
pub(crate) fn run(only: Option<&str>) -> Result<bool> {
    let mut steps = Steps::new(only);
    steps.step("rustfmt", |_| tool::run(cargo().args(["fmt", "--all", "--check"])));
    let lint = Lint::find();
    let linted = steps.step("clippy", |_| lint.run());
    // What was not linted well is built as ever, so that the rest is tried all the same.
    let cargo = || if linted { lint.cargo() } else { cargo() };
    steps.step("cargo-deny", deny::check);
    front::steps(&mut steps);
    steps.step("seawall", |_| tool::build_seawall_with(cargo()));
    steps.step("plugins", |_| plugins::build(&[], false));
    for folder in plugins::with_cassettes() {
        steps.step(&format!("cassettes of {}", plugins::named(&folder)), |_| {
            plugins::replay(&folder)
        });
    }
    for manifest in own_workspaces() {
        let folder = manifest.parent().map(plugins::named).unwrap_or_default();
        steps.step(&format!("tests of {folder} (Rust)"), |tally| {
            let target = tool::target().join("native-plugins");
            let mut test = tool::cargo();
            test.args(["test", "--manifest-path"])
                .arg(&manifest)
                .env("CARGO_TARGET_DIR", target);
            counted(&mut test, tally)
        });
    }
    steps.step("tests of the workspace", |tally| {
        // Not the examples, which are benchmarks: clippy has seen that they compile.
        let some = ["--lib", "--bins", "--tests"];
        counted(
            cargo()
                .args(["test", "--locked", "--workspace", "--no-fail-fast"])
                .args(some)
                // Most tests wait for servers and passes more than they compute.
                .env("RUST_TEST_THREADS", threads()),
            tally,
        )
    });
    steps.step("examples in the documentation", |tally| {
        counted(cargo().args(["test", "--locked", "--workspace", "--doc"]), tally)
    });
    steps.end()
}

/// Tests at once: what the environment says, or twice the processors.
fn threads() -> String {
    let twice = || {
        std::thread::available_parallelism()
            .map_or(4, |n| n.get() * 2)
            .to_string()
    };
    std::env::var("RUST_TEST_THREADS").unwrap_or_else(|_| twice())
}

/// The Rust SDK and the Rust plugins, which are workspaces of their own since they are built for WebAssembly.
fn own_workspaces() -> Vec<PathBuf> {
    let mut all = vec![tool::root().join("sdk/rust/Cargo.toml")];
    let plugins = fs::read_dir(tool::root().join("plugins"))
        .into_iter()
        .flatten()
        .flatten();
    all.extend(plugins.map(|plugin| plugin.path().join("Cargo.toml")));
    all.retain(|manifest| manifest.is_file());
    all.sort();
    all
}
