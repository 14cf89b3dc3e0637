//! The WIT files and the SDKs inside this crate.

use crate::error::{At as _, BuildError};
use include_dir::{Dir, DirEntry, File, include_dir};
use sha2::{Digest as _, Sha256};
use std::{fs, path::Path};

static FILES: Dir<'static> = include_dir!("$OUT_DIR/embedded");

/// A name for this content: unpacked copies of different builds stand beside each other.
pub(crate) fn version() -> String {
    let mut hash = Sha256::new();
    for file in all(&FILES) {
        for part in [file.path().to_string_lossy().as_bytes(), file.contents()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    hex::encode(&hash.finalize()[..8])
}

/// Writes everything below a folder.
pub(crate) fn unpack(to: &Path) -> Result<(), BuildError> {
    for file in all(&FILES) {
        let path = to.join(file.path());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).at("make", folder)?;
        }
        fs::write(&path, file.contents()).at("write", &path)?;
    }
    Ok(())
}

/// The files of one embedded folder, such as `sdk/rust/template`, by their path below it.
pub(crate) fn folder(path: &str) -> Vec<(String, &'static [u8])> {
    let Some(dir) = FILES.get_dir(path) else {
        return Vec::new();
    };
    let below = |file: &'static File<'static>| {
        let relative = file.path().strip_prefix(path).unwrap_or(file.path());
        (relative.to_string_lossy().into_owned(), file.contents())
    };
    all(dir).into_iter().map(below).collect()
}

/// All files, ordered by path.
fn all(dir: &'static Dir<'static>) -> Vec<&'static File<'static>> {
    let mut files: Vec<&File<'_>> = Vec::new();
    for entry in dir.entries() {
        match entry {
            DirEntry::File(file) => files.push(file),
            DirEntry::Dir(dir) => files.extend(all(dir)),
        }
    }
    files.sort_by_key(|file| file.path());
    files
}
