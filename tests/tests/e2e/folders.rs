//! Folders of definitions and the commands over them, for several tests.

use seawall_tests::Seawall;
use serde_json::Value;
use std::{path::Path, process::Output};

/// All that a command printed.
pub(crate) fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout)
    )
}

/// A folder with these files.
pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}

/// Runs `seawall COMMAND FOLDER … --source git:platform`.
pub(crate) fn run(seawall: &Seawall, command: &str, dir: &Path, more: &[&str]) -> Output {
    let dir = dir.to_str().unwrap();
    seawall.command(&[&[command, dir, "--source", "git:platform"], more].concat())
}

/// Applies a folder, which must work.
pub(crate) fn applied(seawall: &Seawall, dir: &Path, more: &[&str]) -> Value {
    let output = run(seawall, "apply", dir, &[&["--yes", "-o", "json"], more].concat());
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// `create Blueprint service` of each step that is not unchanged.
pub(crate) fn steps(plan: &Value) -> Vec<String> {
    let steps = plan["steps"].as_array().unwrap().iter();
    let changed = steps.filter(|step| step["change"] != "unchanged");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    changed
        .map(|step| {
            format!(
                "{} {} {}",
                text(&step["change"]),
                text(&step["kind"]),
                text(&step["name"])
            )
        })
        .collect()
}

/// The exit code and the plan.
pub(crate) fn diff(seawall: &Seawall, dir: &Path, more: &[&str]) -> (i32, Value) {
    let output = run(seawall, "diff", dir, &[&["-o", "json"], more].concat());
    let plan = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    (output.status.code().unwrap(), plan)
}

/// What an export of a server writes, in a new folder.
pub(crate) fn exported(seawall: &Seawall, more: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let output = seawall.command(&[&["export", dir.path().to_str().unwrap()], more].concat());
    assert!(output.status.success(), "{}", said(&output));
    dir
}
