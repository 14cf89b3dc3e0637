//! Finds a compiler with the standard library for `wasm32-unknown-unknown`, or its source.

use super::{TARGET, clean};
use crate::{
    Progress, Toolchain,
    cache::say,
    command::{ask, run},
    error::BuildError,
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Debian's packages that can build the standard library: Debian has no compiled one for this target.
const DEBIAN: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];

/// A way to compile Rust to WebAssembly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WasmTarget {
    cargo: PathBuf,
    /// With a compiler of its own, not the one that cargo would take.
    rustc: Option<PathBuf>,
    /// Whether the standard library is compiled along, from its source.
    build_std: bool,
    linker: Option<PathBuf>,
}

impl WasmTarget {
    /// `cargo build` for the target.
    pub(super) fn cargo(&self, target_dir: &Path) -> Command {
        let mut cargo = Command::new(&self.cargo);
        clean(&mut cargo);
        cargo
            .args(["build", "--lib", "--target", TARGET, "--target-dir"])
            .arg(target_dir);
        if let Some(rustc) = &self.rustc {
            cargo.env("RUSTC", rustc);
        }
        if let Some(linker) = &self.linker {
            cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        if self.build_std {
            // `-Z` flags are for nightly compilers; this is how a stable one takes them.
            cargo.env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=std,panic_abort");
        }
        cargo
    }
}

impl Toolchain {
    /// Finds a way to compile Rust to WebAssembly, and where there is none makes one: with `rustup target add`, unless
    /// `RUSTUP_AUTO_INSTALL` is `0`, or as root on Debian with its packages and the standard library's source.
    ///
    /// # Errors
    /// [`BuildError::MissingTool`] with the commands to type.
    pub fn ensure_wasm_target(&self, progress: Progress<'_>) -> Result<WasmTarget, BuildError> {
        if let Some(target) = compiled().or_else(|| add_with_rustup(progress)).or_else(from_source) {
            return Ok(target);
        }
        if install_debian_packages(progress)
            && let Some(target) = from_source()
        {
            return Ok(target);
        }
        Err(BuildError::MissingTool(format!(
            "Rust plugins need Rust's standard library for {TARGET}, or its source and a linker. Type one of:\n  \
             rustup target add {TARGET}\n  apt-get install --no-install-recommends {}   (Debian, as root)",
            DEBIAN.join(" ")
        )))
    }
}

/// The compiler of the path has the target.
fn compiled() -> Option<WasmTarget> {
    let mut rustc = Command::new("rustc");
    clean(&mut rustc);
    let libraries = ask(rustc.args(["--print", "target-libdir", "--target", TARGET]))?;
    Path::new(&libraries).is_dir().then(|| WasmTarget {
        cargo: PathBuf::from("cargo"),
        rustc: None,
        build_std: false,
        linker: None,
    })
}

fn add_with_rustup(progress: Progress<'_>) -> Option<WasmTarget> {
    if env::var_os("RUSTUP_AUTO_INSTALL").is_some_and(|v| v == "0") {
        return None;
    }
    ask(Command::new("rustup").arg("--version"))?;
    say(
        progress,
        format!("Rust's standard library for {TARGET} is absent: running `rustup target add {TARGET}`"),
    );
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]);
    match run("rustup target add", &mut rustup, progress) {
        Ok(_) => compiled(),
        Err(error) => {
            say(progress, format!("{error}\nlooking for another way"));
            None
        }
    }
}

/// A compiler with the standard library's source beside it, and a linker.
fn from_source() -> Option<WasmTarget> {
    let compilers = [PathBuf::from("/usr/bin/rustc"), PathBuf::from("rustc")];
    compilers.into_iter().find_map(|rustc| {
        let mut command = Command::new(&rustc);
        clean(&mut command);
        let root = PathBuf::from(ask(command.args(["--print", "sysroot"]))?);
        if !root.join("lib/rustlib/src/rust/library/std/Cargo.toml").is_file() {
            return None;
        }
        let (linker, own) = linker(&root)?;
        let cargo = rustc.with_file_name("cargo");
        Some(WasmTarget {
            cargo,
            rustc: rustc.is_absolute().then_some(rustc),
            build_std: true,
            linker: (!own).then_some(linker),
        })
    })
}

/// The linker that came with a compiler, else the newest of the system's. Answers whether it is the compiler's own.
fn linker(root: &Path) -> Option<(PathBuf, bool)> {
    let hosts = fs::read_dir(root.join("lib/rustlib")).ok()?;
    let own = hosts
        .flatten()
        .map(|host| host.path().join("bin/rust-lld"))
        .find(|file| file.is_file());
    if let Some(own) = own {
        return Some((own, true));
    }
    let folders = env::var_os("PATH")
        .map(|path| env::split_paths(&path).collect::<Vec<_>>())
        .unwrap_or_default();
    let files = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flat_map(Iterator::flatten);
    let versions = files.filter_map(|file| {
        let name = file.file_name().into_string().ok()?;
        let version = match name.strip_prefix("wasm-ld")? {
            "" => 0,
            rest => rest.strip_prefix('-')?.parse::<u32>().ok()?,
        };
        Some((version, file.path()))
    });
    versions.max().map(|(_, path)| (path, false))
}

/// Whether Debian's packages were installed.
fn install_debian_packages(progress: Progress<'_>) -> bool {
    let root = ask(Command::new("id").arg("-u")).is_some_and(|id| id == "0");
    let offered = ask(Command::new("apt-cache").arg("show").args(DEBIAN)).is_some();
    if !root || !offered {
        return false;
    }
    let packages = DEBIAN.join(" ");
    say(
        progress,
        format!("installing Debian's packages that can build Rust's standard library: {packages}"),
    );
    let mut apt = Command::new("apt-get");
    apt.args(["install", "-y", "--no-install-recommends"])
        .args(DEBIAN)
        .env("DEBIAN_FRONTEND", "noninteractive");
    match run("apt-get install", &mut apt, progress) {
        Ok(_) => true,
        Err(error) => {
            say(progress, error.to_string());
            false
        }
    }
}
