//! `cargo xtask plugins`: builds `plugins/*` and the tests' own plugins.

use crate::tool;
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Instant, SystemTime},
};

/// Builds the plugins of these names, or all; those that are up to date only with `force`.
pub(crate) fn build(names: &[String], force: bool) -> Result<()> {
    build_with(&tool::seawall(), names, force)
}

/// The same with another `seawall` than the usual one.
pub(crate) fn build_with(seawall: &Path, names: &[String], force: bool) -> Result<()> {
    let mut folders = folders()?;
    if let Some(unknown) = names
        .iter()
        .find(|name| !folders.iter().any(|folder| named(folder) == **name))
    {
        let known: Vec<_> = folders.iter().map(|folder| named(folder)).collect();
        bail!("there is no plugin `{unknown}`; there are: {}", known.join(", "));
    }
    // Benchmarks ask for their plugins by name; tests need not wait for them.
    let wanted = |name: String| match names {
        [] => !name.starts_with("bench-"),
        names => names.contains(&name),
    };
    folders.retain(|folder| wanted(named(folder)));
    for folder in folders {
        let name = named(&folder);
        if !force && is_current(&folder)? {
            eprintln!("{name} is up to date");
            continue;
        }
        let started = Instant::now();
        tool::run(tool::command(seawall).args(["plugin", "build"]).arg(&folder))?;
        eprintln!("{name} took {:.0} s", started.elapsed().as_secs_f64());
    }
    Ok(())
}

/// The plugins that have recorded conversations.
pub(crate) fn with_cassettes() -> Vec<PathBuf> {
    let mut all = folders().unwrap_or_default();
    all.retain(|folder| folder.join("tests/cassettes").is_dir());
    all
}

/// Tests a plugin that was built on its cassettes.
pub(crate) fn replay(folder: &Path) -> Result<()> {
    let component = folder.join("dist").join(format!("{}.wasm", named(folder)));
    let mut test = tool::command(tool::seawall());
    tool::run(test.args(["plugin", "test", "--component"]).arg(component).arg(folder))
}

/// Folders with a manifest.
fn folders() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for parent in ["plugins", "tests/guests"] {
        for entry in fs::read_dir(tool::root().join(parent)).into_iter().flatten() {
            let folder = entry?.path();
            if folder.join("plugin.yaml").is_file() {
                found.push(folder);
            }
        }
    }
    found.sort();
    Ok(found)
}

pub(crate) fn named(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether the component is newer than the plugin's source, the SDKs and the WIT.
fn is_current(folder: &Path) -> Result<bool> {
    let components = fs::read_dir(folder.join("dist")).into_iter().flatten().flatten();
    let built = components.filter(|file| file.path().extension().is_some_and(|end| end == "wasm"));
    let Some(built) = built.filter_map(|file| file.metadata().ok()?.modified().ok()).min() else {
        return Ok(false);
    };
    let mut newest = newest(folder)?;
    for shared in ["sdk", "wit"] {
        newest = newest.max(self::newest(&tool::root().join(shared))?);
    }
    Ok(built > newest)
}

/// When a file of a folder was last written, what builds and tests write aside.
fn newest(folder: &Path) -> Result<SystemTime> {
    const WRITTEN: [&str; 6] = ["dist", "target", "node_modules", "__pycache__", "tests", "test"];
    let mut newest = SystemTime::UNIX_EPOCH;
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') || WRITTEN.iter().any(|written| name == *written) {
            continue;
        }
        let meta = entry.metadata()?;
        newest = newest.max(if meta.is_dir() {
            self::newest(&entry.path())?
        } else {
            meta.modified()?
        });
    }
    Ok(newest)
}
