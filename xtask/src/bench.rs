//! `cargo xtask bench`: builds everything with optimisation and runs the benchmarks, which are the examples of the
//! workspace whose names end with `_speed`. Each prints a table and writes `target/bench/NAME.json`, a list of
//! `{name, value, unit, baseline, ratio}`.

use crate::{
    plugins,
    tool::{self, cargo},
};
use anyhow::{Result, bail};
use std::{env, fs, path::Path};

/// The plugins that benchmarks call.
const GUESTS: [&str; 3] = ["bench-js", "bench-python", "bench-rust"];

/// Runs one, or all; whether all went well.
pub(crate) fn run(name: Option<&str>) -> Result<bool> {
    let all = find();
    let chosen: Vec<_> = all
        .iter()
        .filter(|bench| name.is_none_or(|name| *bench == name))
        .collect();
    if chosen.is_empty() {
        bail!(
            "there is no benchmark `{}`; there are: {}",
            name.unwrap_or_default(),
            all.join(", ")
        );
    }
    eprintln!("building with optimisation (the first time, the sandbox takes some minutes)");
    // The whole workspace, as tests do: one package by itself has other features, which compile the sandbox anew.
    tool::run(cargo().args(["build", "--release", "--locked", "--workspace", "--bins", "--examples"]))?;
    let release = tool::target().join("release");
    let guests: Vec<_> = GUESTS.map(str::to_owned).into();
    plugins::build_with(
        &release.join(format!("seawall{}", env::consts::EXE_SUFFIX)),
        &guests,
        false,
    )?;
    fs::create_dir_all(tool::target().join("bench"))?;
    let mut well = true;
    for name in chosen {
        eprintln!("\n── {name}");
        let example = format!("{}_speed{}", name.replace('-', "_"), env::consts::EXE_SUFFIX);
        let mut bench = tool::command(release.join("examples").join(example));
        bench.env(
            "SEAWALL_BENCH_OUT",
            tool::target().join("bench").join(format!("{name}.json")),
        );
        if let Err(error) = tool::run(&mut bench) {
            eprintln!("── {name}: {error:#}");
            well = false;
        }
    }
    Ok(well)
}

/// The examples whose name ends with `_speed`, in all crates of the workspace: files, or folders with a `main.rs`.
fn find() -> Vec<String> {
    let mut found = Vec::new();
    let crates = fs::read_dir(tool::root().join("host"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    for folder in crates.chain([tool::root().join("tests")]) {
        let examples = fs::read_dir(folder.join("examples")).into_iter().flatten().flatten();
        found.extend(examples.filter_map(|file| bench(&file.path())));
    }
    found.sort();
    found
}

fn bench(file: &Path) -> Option<String> {
    let name = file.file_stem()?.to_str()?.strip_suffix("_speed")?;
    Some(name.replace('_', "-"))
}
