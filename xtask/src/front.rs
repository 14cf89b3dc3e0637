//! The checks of JavaScript and Python: the SDKs and the plugins that are written in them.

use crate::{
    plugins::named,
    steps::{Steps, counted},
    tool::{self, command, root, run},
};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Adds the steps.
pub(crate) fn steps(steps: &mut Steps) {
    steps.step("packages of sdk/js", |_| packages(&root().join("sdk/js")));
    let sdk = root().join("sdk/js");
    steps.step("biome in sdk/js", |_| {
        run(command("npm").args(["run", "--silent", "lint"]).current_dir(&sdk))
    });
    steps.step("types of sdk/js", |_| {
        run(command("npm").args(["run", "--silent", "types"]).current_dir(&sdk))
    });
    steps.step("tests of sdk/js", |tally| {
        counted(command("npm").args(["test", "--silent"]).current_dir(&sdk), tally)
    });
    for folder in plugins_with("package.json") {
        let name = named(&folder);
        steps.step(&format!("biome in {name}"), |_| {
            run(command("npm").args(["run", "--silent", "lint"]).current_dir(&folder))
        });
        if folder.join("test").is_dir() {
            steps.step(&format!("tests of {name}"), |tally| {
                counted(command("npm").args(["test", "--silent"]).current_dir(&folder), tally)
            });
        }
    }
    let mut python = vec![root().join("sdk/python")];
    python.extend(plugins_with("plugin.py"));
    let folders = python.clone();
    steps.step("ruff", |_| {
        let tools = dev_tools()?;
        run(command(tools.join("bin/ruff")).arg("check").args(&folders))?;
        run(command(tools.join("bin/ruff"))
            .args(["format", "--check"])
            .args(&folders))
    });
    for folder in python.into_iter().filter(|folder| folder.join("tests").is_dir()) {
        steps.step(&format!("tests of {} (Python)", named(&folder)), |tally| {
            let program = dev_tools()?.join("bin/python");
            counted(
                command(program).args(["-m", "pytest", "-q"]).current_dir(&folder),
                tally,
            )
        });
    }
}

fn plugins_with(file: &str) -> Vec<PathBuf> {
    let parents = ["plugins", "tests/guests"].map(|parent| fs::read_dir(root().join(parent)));
    let folders = parents.into_iter().flatten().flatten().flatten();
    let mut found: Vec<_> = folders
        .map(|entry| entry.path())
        .filter(|folder| folder.join(file).is_file())
        .collect();
    found.sort();
    found
}

/// Installs a folder's npm packages, development ones too, where its lock is newer than they are.
fn packages(folder: &Path) -> Result<()> {
    let modified = |path: PathBuf| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let mark = folder.join("node_modules/.package-lock.json");
    let biome = folder.join("node_modules/@biomejs/biome");
    let lock = modified(folder.join("package-lock.json")).context("package-lock.json is missing")?;
    if biome.is_dir() && modified(mark).is_some_and(|installed| installed >= lock) {
        return Ok(());
    }
    run(command("npm")
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(folder))
}

/// A virtual environment with what checks and tests Python.
fn dev_tools() -> Result<PathBuf> {
    let requirements = root().join("sdk/python/requirements-dev.txt");
    python("dev", &["install", "-r", &requirements.to_string_lossy()])
}

/// A virtual environment of this name in the cache, with what `pip` was told to install. It is made anew where what is
/// asked for has changed.
pub(crate) fn python(name: &str, pip: &[&str]) -> Result<PathBuf> {
    let folder = tool::cache().join(name);
    let mark = folder.join("installed");
    let mut wanted = pip.join(" ");
    for file in pip.iter().filter(|argument| argument.ends_with(".txt")) {
        wanted.push_str(&fs::read_to_string(file)?);
        let beside = Path::new(file).with_file_name("requirements.txt");
        wanted.push_str(&fs::read_to_string(beside).unwrap_or_default());
    }
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    eprintln!("installing with pip into {}, once", folder.display());
    run(command("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    run(command(folder.join("bin/python"))
        .args(["-m", "pip"])
        .args(pip)
        .args(["--quiet", "--disable-pip-version-check"]))?;
    fs::write(&mark, wanted)?;
    Ok(folder)
}
