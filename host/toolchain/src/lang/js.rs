//! JavaScript and TypeScript: the SDK's own build program on Node.

use crate::{
    Progress, Toolchain,
    cache::say,
    command::{ask, needs, run},
    error::{At as _, BuildError},
};
use sha2::{Digest as _, Sha256};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

const ONCE: &str = "the JavaScript toolchain is installed this once from npm's registry, which needs npm (it comes with Node) and \
                    the network; npm's own settings, such as `registry` and `https-proxy`, are heeded";

/// The oldest Node that the packages run on.
const NODE: u32 = 20;

impl Toolchain {
    /// Installs what builds JavaScript and TypeScript plugins into the cache, once for each version of the packages.
    ///
    /// # Errors
    /// [`BuildError::MissingTool`] without Node 20 and npm, [`BuildError::Tool`] where npm fails.
    pub fn ensure_node_toolchain(&self, progress: Progress<'_>) -> Result<(), BuildError> {
        let version = ask(Command::new("node").arg("--version"));
        let major = version
            .as_deref()
            .and_then(|v| v.trim_start_matches('v').split('.').next()?.parse().ok());
        match major {
            Some(NODE..) => {}
            found => {
                let found = found.map_or("none".to_owned(), |n: u32| format!("version {n}"));
                return Err(BuildError::MissingTool(format!(
                    "JavaScript and TypeScript plugins need Node {NODE} or newer with npm, found {found}: install it from \
                     https://nodejs.org or your system's packages (Debian: apt-get install nodejs npm)"
                )));
            }
        }
        let sdk = self.sdk().join("sdk/js");
        let (package, lock) = (sdk.join("package.json"), sdk.join("package-lock.json"));
        let mut hash = Sha256::new();
        for file in [&package, &lock] {
            hash.update(fs::read(file).at("read", file)?);
        }
        hash.update(major.unwrap_or(NODE).to_le_bytes());
        let installed = self.cache().join("node").join(hex::encode(&hash.finalize()[..8]));
        self.once(&installed, |folder| {
            say(progress, "installing the JavaScript toolchain with npm, once");
            for file in [&package, &lock] {
                let name = file.file_name().unwrap_or_default();
                fs::copy(file, folder.join(name)).at("copy", file)?;
            }
            let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
            npm.args(["ci", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"])
                .current_dir(folder);
            run("npm ci", &mut npm, progress).map(drop).map_err(|e| needs(e, ONCE))
        })?;
        // Node looks for packages beside the SDK; unpacked copies of it share one installation.
        let link = sdk.join("node_modules");
        match symlink(&installed.join("node_modules"), &link) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other.at("make", link),
        }
    }
}

pub(crate) fn build(
    tools: &Toolchain,
    project: &Path,
    world: &Path,
    out: &Path,
    progress: Progress<'_>,
) -> Result<(), BuildError> {
    tools.ensure_node_toolchain(progress)?;
    install_own_packages(project, progress)?;
    let program: PathBuf = tools.sdk().join("sdk/js/build.mjs");
    let mut node = Command::new("node");
    node.arg(program)
        .arg("--project")
        .arg(project)
        .arg("--out")
        .arg(out)
        .arg("--world")
        .arg(world)
        .arg("--cache")
        .arg(tools.components());
    run("the JavaScript build", &mut node, progress).map(drop)
}

/// The packages that the plugin's own package.json names, where it names any.
fn install_own_packages(project: &Path, progress: Progress<'_>) -> Result<(), BuildError> {
    let file = project.join("package.json");
    let text = fs::read(&file).at("read", &file)?;
    let json: serde_json::Value = serde_json::from_slice(&text)
        .map_err(|e| BuildError::Invalid(format!("{}:{}:{}: no JSON: {e}", file.display(), e.line(), e.column())))?;
    let names = json["dependencies"]
        .as_object()
        .into_iter()
        .flat_map(|names| names.keys());
    let absent = names.filter(|name| !project.join("node_modules").join(name).exists());
    let absent: Vec<&str> = absent.map(String::as_str).collect();
    if absent.is_empty() {
        return Ok(());
    }
    say(progress, format!("installing {} with npm", absent.join(", ")));
    let locked = project.join("package-lock.json").is_file();
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.arg(if locked { "ci" } else { "install" });
    npm.args(["--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(project);
    run("npm", &mut npm, progress).map(drop)
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_dir(target, link)
}
