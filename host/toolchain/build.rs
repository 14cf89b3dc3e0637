//! Copies the WIT files and the SDKs, without what is built or installed beside them, to where they are embedded from.

use std::{env, fs, io, path::Path};

/// Folders that hold no source.
const LEFT_OUT: &[&str] = &[
    "node_modules",
    "target",
    "__pycache__",
    ".venv",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    "dist",
    // The SDKs' own tests are of no use to authors.
    "test",
    "tests",
];

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let out = env::var_os("OUT_DIR").map(|out| Path::new(&out).join("embedded"));
    let out = out.ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    println!("cargo::rerun-if-changed=build.rs");
    for folder in ["wit", "sdk/rust", "sdk/js", "sdk/python"] {
        copy(&root.join(folder), &out.join(folder))?;
    }
    Ok(())
}

/// Copies a folder. Answers whether all of it was taken.
fn copy(from: &Path, to: &Path) -> io::Result<bool> {
    fs::create_dir_all(to)?;
    let mut whole = true;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        if LEFT_OUT.iter().any(|left_out| name == *left_out) || name.to_string_lossy().ends_with(".pyc") {
            whole = false;
        } else if entry.file_type()?.is_dir() {
            whole &= copy(&path, &to.join(&name))?;
        } else if entry.file_type()?.is_file() {
            fs::copy(&path, to.join(&name))?;
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    // Cargo looks at everything below a folder, so one that holds node_modules is only watched file by file.
    if whole {
        println!("cargo::rerun-if-changed={}", from.display());
    }
    Ok(whole)
}
