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
    cell::Cell,
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
    if wants_sdk(&manifest)? && !point_at_sdk(tools, project)? {
        let patch = format!("patch.crates-io.seawall-sdk.path={:?}", sdk(tools));
        cargo.args(["--config", &patch]);
    }
    let quiet = Cell::new(false);
    let messages = run("cargo build", &mut cargo, &|line| {
        if !about_unused_patch(line, &quiet) {
            progress(line);
        }
    })?;
    let module = artifact(&messages, &manifest).ok_or_else(|| BuildError::Component {
        file: manifest.clone(),
        reason: "it makes no WebAssembly module: it needs `[lib]` with `crate-type = [\"cdylib\"]`".to_owned(),
    })?;
    let bytes = fs::read(&module).at("read", &module)?;
    component(&bytes).map_err(|reason| BuildError::Component { file: manifest, reason })
}

/// Cargo looks for the patched SDK in the standard library too, where it is compiled along, and warns that it is not
/// there. `quiet` holds whether the lines before belonged to that warning.
fn about_unused_patch(line: &str, quiet: &Cell<bool>) -> bool {
    let begins = line.starts_with("warning: patch `seawall-sdk");
    let goes_on = quiet.get() && (line.starts_with("help:") || line.starts_with(' '));
    // Cargo's own progress is indented as well, and begins with a capital: `   Compiling seawall-sdk`.
    let progress = line.trim_start().starts_with(char::is_uppercase) && !line.starts_with("help:");
    quiet.set(begins || goes_on && !progress);
    quiet.get()
}

/// Fast code where it is for keeps (a fifth larger than the smallest, and a fifth faster where it parses JSON), quick
/// builds where it is not. Names of their own, so that an author's profiles stay theirs.
fn profile(release: bool) -> Vec<String> {
    let (name, settings): (_, &[&str]) = match release {
        true => (
            "plugin",
            &[
                "opt-level=3",
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

/// Below a plugin's folder.
pub(crate) const CONFIG: &str = ".cargo/config.toml";

/// Writes `.cargo/config.toml`, so that editors and `cargo test` find the SDK too. Answers false where the author has
/// one of their own, which is left alone.
pub(crate) fn point_at_sdk(tools: &Toolchain, project: &Path) -> Result<bool, BuildError> {
    let file = project.join(CONFIG);
    let text = format!(
        "{MARK}\n[patch.crates-io]\nseawall-sdk = {{ path = {:?} }}\n",
        sdk(tools)
    );
    match fs::read_to_string(&file) {
        Ok(found) if found == text => return Ok(true),
        Ok(found) if !found.starts_with(MARK) => return Ok(false),
        _ => {}
    }
    let folder = project.join(".cargo");
    fs::create_dir_all(&folder).at("make", folder)?;
    fs::write(&file, text).at("write", &file)?;
    Ok(true)
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_is_pointed_at_unless_the_author_says_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("Cargo.toml");
        let wants = |dependency: &str| {
            fs::write(&manifest, format!("[dependencies]\n{dependency}\n")).unwrap();
            wants_sdk(&manifest).unwrap()
        };
        assert!(wants("seawall-sdk = \"0.1\"") && wants("seawall-sdk = { version = \"0.1\" }"));
        assert!(!wants("seawall-sdk = { path = \"../sdk\" }") && !wants("serde = \"1\""));

        let tools = Toolchain::in_cache(&folder.path().join("cache")).unwrap();
        assert!(point_at_sdk(&tools, folder.path()).unwrap());
        fs::write(folder.path().join(CONFIG), "[build]\n").unwrap();
        assert!(!point_at_sdk(&tools, folder.path()).unwrap());
        assert_eq!(fs::read_to_string(folder.path().join(CONFIG)).unwrap(), "[build]\n");
    }

    #[test]
    fn the_warning_about_the_standard_library_is_left_out() {
        let lines = [
            "    Updating crates.io index",
            "warning: patch `seawall-sdk v0.1.0 (/x)` was not used in the crate graph",
            "help: Check that the patched package version and available features are compatible",
            "      with the dependency requirements. If the patch has a different version from",
            "   Compiling a v0.1.0",
            "warning: unused variable: `x`",
        ];
        let quiet = Cell::new(false);
        let shown: Vec<&str> = lines
            .into_iter()
            .filter(|line| !about_unused_patch(line, &quiet))
            .collect();
        assert_eq!(shown, [lines[0], lines[4], lines[5]]);
    }

    #[test]
    fn finds_the_module_of_the_plugin_itself() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","manifest_path":"/other/Cargo.toml","filenames":["/t/other.wasm"]}"#,
            "\nnot json\n",
            r#"{"reason":"compiler-artifact","manifest_path":"/p/Cargo.toml","filenames":["/t/p.d","/t/p.wasm"]}"#,
        );
        assert_eq!(
            artifact(messages, Path::new("/p/Cargo.toml")),
            Some(PathBuf::from("/t/p.wasm"))
        );
        assert_eq!(artifact(messages, Path::new("/q/Cargo.toml")), None);
    }

    #[test]
    fn a_module_made_for_browsers_is_refused_with_the_way_out() {
        // (module (import "__wbindgen_placeholder__" "f" (func)))
        let mut module = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02\x1e\x01\x18".to_vec();
        module.extend_from_slice(b"__wbindgen_placeholder__\x01f\0\0");
        let refused = component(&module).unwrap_err();
        assert!(
            refused.contains("makes no component") && refused.contains("wasmbind"),
            "{refused}"
        );
    }
}
