//! Each way to the target, with fake programs in a folder of their own.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use std::cell::RefCell;

/// A machine whose programs are shell scripts.
struct Fake {
    folder: tempfile::TempDir,
    rustup: bool,
}

/// A compiler without the target, whose sysroot is beside the script. `libdir` and `source` come with an installation.
const RUSTC: &str = "case \"$2\" in target-libdir) echo ROOT/libdir;; sysroot) echo ROOT/sysroot;; esac";
const SOURCE: &str = "/bin/mkdir -p ROOT/sysroot/lib/rustlib/src/rust/library/std\n\
                      : > ROOT/sysroot/lib/rustlib/src/rust/library/std/Cargo.toml\n: > ROOT/bin/wasm-ld-22";

impl Fake {
    fn new(rustup: bool, programs: &[(&str, &str)]) -> Self {
        let fake = Self {
            folder: tempfile::tempdir().unwrap(),
            rustup,
        };
        for folder in ["bin", "debian"] {
            fs::create_dir(fake.path(folder)).unwrap();
        }
        for (name, script) in programs {
            let script = script.replace("ROOT", fake.folder.path().to_str().unwrap());
            let file = fake.path(if name.contains('/') { "" } else { "bin" }).join(name);
            let text = fake.path("text");
            fs::write(&text, format!("#!/bin/sh\n{script}\n")).unwrap();
            // Another process writes what is to be run: a file that this one has open for writing while another test starts a
            // program is open in that too, and cannot be run meanwhile (ETXTBSY).
            let installed = std::process::Command::new("install")
                .arg("-m755")
                .args([&text, &file])
                .status();
            assert!(installed.unwrap().success());
        }
        fake
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What comes of it, and what was said.
    fn find(&self) -> (Result<WasmTarget, String>, String) {
        let machine = Machine {
            path: self.path("bin").into(),
            debian: self.path("debian"),
            rustup: self.rustup,
        };
        let said = RefCell::new(Vec::new());
        let found = machine.wasm_target(&|line| said.borrow_mut().push(line.to_owned()));
        (found.map_err(|e| e.to_string()), said.into_inner().join("\n"))
    }
}

#[test]
fn a_compiler_that_has_the_target_is_taken_without_a_word() {
    let fake = Fake::new(true, &[("rustc", RUSTC), ("rustup", "exit 9")]);
    fs::create_dir(fake.path("libdir")).unwrap();
    let (found, said) = fake.find();
    assert!(!found.unwrap().build_std);
    assert_eq!(said, "");
}

#[test]
fn rustup_adds_the_target_and_it_is_said() {
    let rustup = "test \"$1\" = target && { echo downloading >&2; /bin/mkdir ROOT/libdir; }; exit 0";
    let fake = Fake::new(true, &[("rustc", RUSTC), ("rustup", rustup)]);
    let (found, said) = fake.find();
    assert!(!found.unwrap().build_std);
    assert!(
        said.contains("running `rustup target add wasm32-unknown-unknown`\ndownloading"),
        "{said}"
    );
}

#[test]
fn rustup_is_not_asked_where_it_may_not_install() {
    let rustup = "test \"$1\" = target && : > ROOT/asked; exit 0";
    let fake = Fake::new(false, &[("rustc", RUSTC), ("rustup", rustup), ("id", "echo 1000")]);
    let (found, said) = fake.find();
    let error = found.unwrap_err();
    assert!(error.contains("rustup target add wasm32-unknown-unknown\n"), "{error}");
    assert!(
        error.contains("apt-get install") && !error.contains("rustup.rs"),
        "{error}"
    );
    assert!(said.is_empty() && !fake.path("asked").exists(), "{said}");
}

#[test]
fn where_rustup_cannot_fetch_the_packages_that_are_there_are_taken() {
    let rustup = "test \"$1\" = target && { echo no network >&2; exit 1; }; exit 0";
    let fake = Fake::new(
        true,
        &[
            ("rustc", RUSTC),
            ("rustup", rustup),
            ("debian/rustc", RUSTC),
            ("fill", SOURCE),
        ],
    );
    run("fill", &mut Command::new(fake.path("bin/fill")), &|_| {}).unwrap();
    let (found, said) = fake.find();
    assert_eq!(
        found.unwrap(),
        WasmTarget {
            cargo: fake.path("debian/cargo"),
            rustc: Some(fake.path("debian/rustc")),
            build_std: true,
            linker: Some(fake.path("bin/wasm-ld-22")),
        }
    );
    assert!(
        said.contains("no network") && said.contains("looking for another way"),
        "{said}"
    );
    assert!(said.contains("from the source beside"), "{said}");
}

#[test]
fn root_on_debian_installs_the_packages_after_reading_their_lists() {
    let apt = format!("case \"$1\" in update) : > ROOT/lists;; install) echo \"unpacking $*\" >&2; {SOURCE};; esac");
    let cache = "test -e ROOT/lists";
    let programs = [
        ("rustc", RUSTC),
        ("id", "echo 0"),
        ("apt-get", apt.as_str()),
        ("apt-cache", cache),
    ];
    let fake = Fake::new(true, &programs);
    let (found, said) = fake.find();
    assert!(found.unwrap().build_std);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "reading Debian's lists of packages");
    assert!(
        lines[1].starts_with("installing Debian's packages") && lines[1].contains("rust-web-src"),
        "{said}"
    );
    assert!(lines[2].starts_with("unpacking install -y"), "{said}");
    // The second time nothing is installed.
    let (found, said) = fake.find();
    assert!(found.is_ok() && !said.contains("installing"), "{said}");
}

#[test]
fn nothing_at_all_says_where_rust_comes_from() {
    let (found, said) = Fake::new(true, &[]).find();
    let error = found.unwrap_err();
    assert!(
        error.contains("https://rustup.rs") && error.contains("apt-get install"),
        "{error}"
    );
    assert_eq!(said, "");
}
