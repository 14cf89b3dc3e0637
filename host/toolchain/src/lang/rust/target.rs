//! Finds a compiler with the standard library for `wasm32-unknown-unknown`, or its source.

use super::{TARGET, clean};
use crate::{
    Progress, Toolchain,
    cache::say,
    command::{ask, run},
    error::BuildError,
};
use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
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
        Machine::this().wasm_target(progress)
    }
}

/// Where programs are looked for; tests have a folder of their own.
struct Machine {
    path: OsString,
    /// Where Debian's packages put the compiler, which one of rustup's may hide.
    debian: PathBuf,
    /// Whether rustup may install.
    rustup: bool,
}

impl Machine {
    fn this() -> Self {
        Self {
            path: env::var_os("PATH").unwrap_or_default(),
            debian: PathBuf::from("/usr/bin"),
            rustup: env::var_os("RUSTUP_AUTO_INSTALL").is_none_or(|v| v != "0"),
        }
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        clean(&mut command);
        command.env("PATH", &self.path);
        command
    }

    fn wasm_target(&self, progress: Progress<'_>) -> Result<WasmTarget, BuildError> {
        let found = self.compiled().or_else(|| self.add_with_rustup(progress));
        if let Some(target) = found.or_else(|| self.with_source(progress)) {
            return Ok(target);
        }
        if self.install_debian_packages(progress)
            && let Some(target) = self.with_source(progress)
        {
            return Ok(target);
        }
        let rustup = match self.has_rustup() {
            true => "",
            false => "   (https://rustup.rs installs Rust and rustup)",
        };
        Err(BuildError::MissingTool(format!(
            "Rust plugins need Rust's standard library for {TARGET}, or its source and a linker. Type one of:\n  \
             rustup target add {TARGET}{rustup}\n  apt-get install --no-install-recommends {}   (Debian, as root)",
            DEBIAN.join(" ")
        )))
    }

    /// The compiler of the path has the target.
    fn compiled(&self) -> Option<WasmTarget> {
        let libraries = ask(self
            .command("rustc")
            .args(["--print", "target-libdir", "--target", TARGET]))?;
        Path::new(&libraries).is_dir().then(|| WasmTarget {
            cargo: PathBuf::from("cargo"),
            rustc: None,
            build_std: false,
            linker: None,
        })
    }

    fn has_rustup(&self) -> bool {
        ask(self.command("rustup").arg("--version")).is_some()
    }

    fn add_with_rustup(&self, progress: Progress<'_>) -> Option<WasmTarget> {
        if !self.rustup || !self.has_rustup() {
            return None;
        }
        say(
            progress,
            format!("Rust's standard library for {TARGET} is absent: running `rustup target add {TARGET}`"),
        );
        let mut rustup = self.command("rustup");
        match run("rustup target add", rustup.args(["target", "add", TARGET]), progress) {
            Ok(_) => self.compiled(),
            Err(error) => {
                say(progress, format!("{error}\nlooking for another way"));
                None
            }
        }
    }

    /// A compiler with the standard library's source beside it, and a linker.
    fn with_source(&self, progress: Progress<'_>) -> Option<WasmTarget> {
        let compilers = [self.debian.join("rustc"), PathBuf::from("rustc")];
        compilers.into_iter().find_map(|rustc| {
            let root = PathBuf::from(ask(self.command(&rustc).args(["--print", "sysroot"]))?);
            if !root.join("lib/rustlib/src/rust/library/std/Cargo.toml").is_file() {
                return None;
            }
            let (linker, own) = self.linker(&root)?;
            say(
                progress,
                format!(
                    "compiling Rust's standard library for {TARGET} along, from the source beside {}",
                    rustc.display()
                ),
            );
            Some(WasmTarget {
                cargo: rustc.with_file_name("cargo"),
                rustc: rustc.is_absolute().then_some(rustc),
                build_std: true,
                linker: (!own).then_some(linker),
            })
        })
    }

    /// The linker that came with a compiler, else the newest of the system's. Answers whether it is the compiler's own.
    fn linker(&self, root: &Path) -> Option<(PathBuf, bool)> {
        let hosts = fs::read_dir(root.join("lib/rustlib")).ok()?;
        let own = hosts
            .flatten()
            .map(|host| host.path().join("bin/rust-lld"))
            .find(|file| file.is_file());
        if let Some(own) = own {
            return Some((own, true));
        }
        let files = env::split_paths(&self.path)
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
    fn install_debian_packages(&self, progress: Progress<'_>) -> bool {
        let root = ask(self.command("id").arg("-u")).is_some_and(|id| id == "0");
        if !root || ask(self.command("apt-get").arg("--version")).is_none() {
            return false;
        }
        let apt = |words: &str, arguments: &[&str]| {
            say(progress, words);
            let mut apt = self.command("apt-get");
            apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
            let done = run(&format!("apt-get {}", arguments[0]), &mut apt, progress);
            done.inspect_err(|error| say(progress, error.to_string())).is_ok()
        };
        let offered = || ask(self.command("apt-cache").arg("show").args(DEBIAN)).is_some();
        // Images of containers come without the lists of packages.
        let offered = offered() || (apt("reading Debian's lists of packages", &["update"]) && offered());
        let words = format!(
            "installing Debian's packages that can build Rust's standard library: {}",
            DEBIAN.join(" ")
        );
        let install = [&["install", "-y", "--no-install-recommends"], &DEBIAN[..]].concat();
        offered && apt(&words, &install)
    }
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
