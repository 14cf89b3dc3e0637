//! `cargo xtask bench`: builds with optimisation and runs the benchmarks, which are examples of the crates that they
//! measure. Each writes `target/bench/NAME.json`, a list of `{name, value, unit, baseline, ratio}`.

use crate::tool::{self, cargo};
use anyhow::{Result, bail};
use std::{fs, path::Path};

/// One benchmark.
struct Bench {
    name: String,
    package: String,
    example: String,
}

/// Runs one, or all; whether all went well.
pub(crate) fn run(name: Option<&str>) -> Result<bool> {
    let all = find();
    let chosen: Vec<_> = all
        .iter()
        .filter(|bench| name.is_none_or(|name| bench.name == name || bench.example == name))
        .collect();
    if chosen.is_empty() {
        let names: Vec<_> = all.iter().map(|bench| bench.name.as_str()).collect();
        bail!(
            "there is no benchmark `{}`; there are: {}",
            name.unwrap_or_default(),
            names.join(", ")
        );
    }
    fs::create_dir_all(tool::target().join("bench"))?;
    let mut well = true;
    for Bench { name, package, example } in chosen {
        eprintln!("\n── {name}");
        let mut run = cargo();
        run.args([
            "run",
            "--release",
            "--locked",
            "--package",
            package,
            "--example",
            example,
        ]);
        run.env(
            "SEAWALL_BENCH_OUT",
            tool::target().join("bench").join(format!("{name}.json")),
        );
        if let Err(error) = tool::run(&mut run) {
            eprintln!("── {name}: {error:#}");
            well = false;
        }
    }
    Ok(well)
}

/// The examples whose name ends with `_speed`, in all crates of the workspace.
fn find() -> Vec<Bench> {
    let mut found = Vec::new();
    let crates = fs::read_dir(tool::root().join("host"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    for folder in crates.chain([tool::root().join("tests")]) {
        for file in fs::read_dir(folder.join("examples")).into_iter().flatten().flatten() {
            found.extend(bench(&folder, &file.path()));
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn bench(folder: &Path, file: &Path) -> Option<Bench> {
    let example = file.file_stem()?.to_str()?.to_owned();
    let name = example.strip_suffix("_speed")?.replace('_', "-");
    Some(Bench {
        name,
        package: format!("seawall-{}", folder.file_name()?.to_str()?),
        example,
    })
}
