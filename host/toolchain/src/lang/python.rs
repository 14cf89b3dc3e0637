//! Python: the SDK's own build program, in a virtual environment of the cache.

use crate::{
    Progress, Toolchain,
    cache::say,
    command::{ask, needs, run},
    error::{At as _, BuildError},
};
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const ONCE: &str = "the Python toolchain is installed this once from the package index, which needs the network; pip's own \
                    settings, such as `PIP_INDEX_URL` and `HTTPS_PROXY`, are heeded";

/// The oldest Python that the packages run on.
const PYTHON: (u32, u32) = (3, 11);

impl Toolchain {
    /// Installs what builds Python plugins into the cache, once for each version of the packages. Answers its Python.
    ///
    /// # Errors
    /// [`BuildError::MissingTool`] without Python 3.11 and its module venv, [`BuildError::Tool`] where pip fails.
    pub fn ensure_python_toolchain(&self, progress: Progress<'_>) -> Result<PathBuf, BuildError> {
        let requirements = self.sdk().join("sdk/python/requirements.txt");
        let wanted = fs::read(&requirements).at("read", &requirements)?;
        let (program, version) = find()?;
        let mut hash = Sha256::new();
        hash.update(&wanted);
        hash.update(&version);
        let installed = self.cache().join("python").join(hex::encode(&hash.finalize()[..8]));
        let inside = |folder: &Path| {
            folder.join(if cfg!(windows) {
                "Scripts/python.exe"
            } else {
                "bin/python"
            })
        };
        self.once(&installed, |folder| {
            say(
                progress,
                format!("installing the Python toolchain with pip, once (Python {version})"),
            );
            let mut venv = Command::new(&program);
            venv.args(["-m", "venv"]).arg(folder);
            run("python -m venv", &mut venv, progress).map_err(|e| match e {
                BuildError::Tool { tail, .. } if tail.contains("ensurepip") => BuildError::MissingTool(
                    "Python's module venv is incomplete: install it (Debian: apt-get install python3-venv)".to_owned(),
                ),
                other => other,
            })?;
            let mut pip = Command::new(inside(folder));
            pip.args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-warn-script-location",
            ]);
            pip.arg("-r").arg(&requirements);
            run("pip install", &mut pip, progress)
                .map(drop)
                .map_err(|e| needs(e, ONCE))
        })?;
        Ok(inside(&installed))
    }
}

/// A Python that is new enough, and its version.
fn find() -> Result<(String, String), BuildError> {
    let script = "import sys; print('.'.join(map(str, sys.version_info[:3])))";
    let mut seen = Vec::new();
    for name in [
        "python3",
        "python3.14",
        "python3.13",
        "python3.12",
        "python3.11",
        "python",
    ] {
        let Some(version) = ask(Command::new(name).args(["-c", script])) else {
            continue;
        };
        let mut numbers = version.split('.').filter_map(|n| n.parse::<u32>().ok());
        if numbers.next().zip(numbers.next()) >= Some(PYTHON) {
            return Ok((name.to_owned(), version));
        }
        seen.push(version);
    }
    let found = if seen.is_empty() {
        "none".to_owned()
    } else {
        seen.join(", ")
    };
    Err(BuildError::MissingTool(format!(
        "Python plugins need Python {}.{} or newer, found {found}: install it from https://www.python.org or your \
         system's packages (Debian: apt-get install python3 python3-venv)",
        PYTHON.0, PYTHON.1
    )))
}

pub(crate) fn build(
    tools: &Toolchain,
    project: &Path,
    world: &Path,
    out: &Path,
    progress: Progress<'_>,
) -> Result<(), BuildError> {
    let python = tools.ensure_python_toolchain(progress)?;
    let mut command = Command::new(python);
    command.arg(tools.sdk().join("sdk/python/build.py"));
    command
        .arg("--project")
        .arg(project)
        .arg("--out")
        .arg(out)
        .arg("--world")
        .arg(world)
        .arg("--cache")
        .arg(tools.components());
    // What the caller's environment adds to Python's path would end up inside the component.
    for name in ["PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"] {
        command.env_remove(name);
    }
    run("the Python build", &mut command, progress).map(drop)
}
