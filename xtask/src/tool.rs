//! Where things are, and starting programs.

use anyhow::{Context, Result, bail};
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_path_buf()
}

/// Cargo's target folder.
pub(crate) fn target() -> PathBuf {
    let given = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    given.map_or_else(|| root().join("target"), |given| root().join(given))
}

/// The `seawall` that [`build_seawall`] has built.
pub(crate) fn seawall() -> PathBuf {
    target()
        .join("debug")
        .join(format!("seawall{}", env::consts::EXE_SUFFIX))
}

/// Where tools that the checks need are installed once: `$SEAWALL_CACHE` or the user's cache folder.
pub(crate) fn cache() -> PathBuf {
    let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("SEAWALL_CACHE")
        .or_else(|| folder("XDG_CACHE_HOME").map(|cache| cache.join("seawall")))
        .or_else(|| folder("HOME").map(|home| home.join(".cache/seawall")))
        .unwrap_or_else(|| target().join("cache"))
        .join("xtask")
}

/// The cargo that started this.
pub(crate) fn cargo() -> Command {
    command(env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from))
}

/// A program, to be run in the root.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    // cargo sets these for the programs that it runs. The cargo of another workspace would heed them, and build scripts that look
    // at them would run again each time.
    for (name, _) in env::vars_os() {
        let its_own = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO_PRIMARY_PACKAGE"
        });
        if its_own {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a program to its end, with its output shown.
///
/// # Errors
/// Where it is not there, or ends badly.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("`{name}` cannot be started; is it installed?"))?;
    if status.success() {
        return Ok(());
    }
    let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
    bail!(
        "`{} {}` ended with {status}",
        Path::new(&name).display(),
        arguments.join(" ")
    )
}

/// What a program prints; none where it is not there or ends badly.
pub(crate) fn ask(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Builds the server and command line. The first time this compiles wasmtime, which takes minutes.
pub(crate) fn build_seawall() -> Result<()> {
    build_seawall_with(cargo())
}

/// The same with a cargo of the caller's.
pub(crate) fn build_seawall_with(mut cargo: Command) -> Result<()> {
    eprintln!("building seawall (the first time, its sandbox takes some minutes)");
    // The whole workspace: one set of features, so that tests do not compile the sandbox a second time.
    run(cargo.args(["build", "--locked", "--workspace"]))
}
