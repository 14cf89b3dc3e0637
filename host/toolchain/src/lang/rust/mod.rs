//! Rust: cargo for `wasm32-unknown-unknown`, then the component's encoding in this process.

mod encode;
mod target;

pub use encode::component;
pub use target::WasmTarget;

use crate::{
    Progress, Toolchain,
    command::run,
    error::{At as _, BuildError},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
/// Begins the file that points a plugin at the SDK, which is the toolchain's to rewrite.
const MARK: &str = "# Written by `seawall plugin`: where the SDK is on this machine. Not for git.";

/// Builds a plugin and answers its component's bytes.
pub(crate) fn build(
    tools: &Toolchain,
    project: &Path,
    release: bool,
    progress: Progress<'_>,
) -> Result<Vec<u8>, BuildError> {
    let target = tools.ensure_wasm_target(progress)?;
    let manifest = project.join("Cargo.toml");
    let mut cargo = target.cargo(tools.wasm_target_dir());
    cargo
        .current_dir(project)
        .arg("--message-format=json-render-diagnostics");
    for setting in profile(release) {
        cargo.args(["--config", &setting]);
    }
    cargo.args(["--profile", if release { "plugin" } else { "plugin-dev" }]);
    if wants_sdk(&manifest)? {
        cargo.args([
            "--config",
            &format!("patch.crates-io.seawall-sdk.path={:?}", sdk(tools)),
        ]);
        point_at_sdk(tools, project)?;
    }
    let messages = run("cargo build", &mut cargo, progress)?;
    let module = artifact(&messages, &manifest).ok_or_else(|| BuildError::Component {
        file: manifest.clone(),
        reason: "it makes no WebAssembly module: it needs `[lib]` with `crate-type = [\"cdylib\"]`".to_owned(),
    })?;
    let bytes = fs::read(&module).at("read", &module)?;
    component(&bytes).map_err(|reason| BuildError::Component { file: manifest, reason })
}

/// Small code where it is for keeps, quick builds where it is not. Names of their own, so that an author's profiles
/// stay theirs.
fn profile(release: bool) -> Vec<String> {
    let (name, settings): (_, &[&str]) = match release {
        true => (
            "plugin",
            &[
                "opt-level='s'",
                "lto=true",
                "codegen-units=1",
                "panic='abort'",
                "strip='debuginfo'",
            ],
        ),
        false => (
            "plugin-dev",
            &["opt-level=1", "lto='off'", "incremental=true", "panic='abort'"],
        ),
    };
    let inherits = format!("profile.{name}.inherits='release'");
    let settings = settings.iter().map(|setting| format!("profile.{name}.{setting}"));
    std::iter::once(inherits).chain(settings).collect()
}

/// The module among cargo's messages that belongs to this Cargo.toml.
fn artifact(messages: &str, manifest: &Path) -> Option<PathBuf> {
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let ours = messages.filter(|message| {
        message["reason"] == "compiler-artifact" && message["manifest_path"].as_str().map(Path::new) == Some(manifest)
    });
    let files: Vec<String> = ours
        .filter_map(|message| serde_json::from_value::<Vec<String>>(message["filenames"].clone()).ok())
        .flatten()
        .collect();
    files
        .into_iter()
        .find(|file| file.ends_with(".wasm"))
        .map(PathBuf::from)
}

fn sdk(tools: &Toolchain) -> PathBuf {
    tools.sdk().join("sdk/rust")
}

/// Whether a Cargo.toml takes the SDK by version, and so has to be told where it is.
fn wants_sdk(manifest: &Path) -> Result<bool, BuildError> {
    let text = fs::read_to_string(manifest).at("read", manifest)?;
    let parsed: toml::Table = text
        .parse()
        .map_err(|e| BuildError::Invalid(format!("{}: {e}", manifest.display())))?;
    let sdk = parsed.get("dependencies").and_then(|d| d.get("seawall-sdk"));
    Ok(match sdk {
        None => false,
        Some(toml::Value::Table(table)) => !["path", "git", "workspace"].iter().any(|key| table.contains_key(*key)),
        Some(_) => true,
    })
}

/// Writes `.cargo/config.toml`, so that editors and `cargo test` find the SDK too. Leaves an author's own file alone.
pub(crate) fn point_at_sdk(tools: &Toolchain, project: &Path) -> Result<Option<PathBuf>, BuildError> {
    let relative = PathBuf::from(".cargo/config.toml");
    let file = project.join(&relative);
    let text = format!(
        "{MARK}\n[patch.crates-io]\nseawall-sdk = {{ path = {:?} }}\n",
        sdk(tools)
    );
    match fs::read_to_string(&file) {
        Ok(found) if found == text || !found.starts_with(MARK) => return Ok(None),
        _ => {}
    }
    let folder = project.join(".cargo");
    fs::create_dir_all(&folder).at("make", folder)?;
    fs::write(&file, text).at("write", &file)?;
    Ok(Some(relative))
}

/// Takes away what a surrounding cargo, clippy or editor put into the environment: it is meant for another build.
fn clean(cargo: &mut Command) {
    for name in [
        "CARGO_BUILD_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_TARGET_DIR",
        "RUSTC",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTFLAGS",
    ] {
        cargo.env_remove(name);
    }
}
