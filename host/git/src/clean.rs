//! What was begun and not ended: by a host that was killed, or by a fetch that broke off.

use std::{
    ffi::OsStr,
    fs::DirEntry,
    io::{self, ErrorKind},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

/// How folders of objects are named, before the number of their generation.
pub(crate) const OBJECTS: &str = "objects-";

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// The name of something that is being made or removed. One process has the folder, and what an earlier one left is removed when
/// it is opened.
pub(crate) fn temporary(what: &str) -> String {
    format!(".{what}-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn remove_folder(path: &Path) {
    told(path, std::fs::remove_dir_all(path));
}

pub(crate) fn remove_file(path: &Path) {
    told(path, std::fs::remove_file(path));
}

/// What cannot be removed takes room and does no harm.
fn told(path: &Path, done: io::Result<()>) {
    match done {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            tracing::warn!("{} could not be removed: {error}", path.display());
        }
        _ => {}
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = DirEntry> {
    std::fs::read_dir(folder).into_iter().flatten().flatten()
}

/// Leaves of a store what is whole: packs that have their index. Checkouts are made anew from those, since a machine that lost its
/// power may have kept their folders without their files.
pub(crate) fn store(folder: &Path) {
    for entry in entries(folder) {
        let name = entry.file_name();
        if name == "checkouts" {
            remove_folder(&entry.path());
        } else if name.to_string_lossy().starts_with(OBJECTS) {
            packs(&entry.path().join("pack"));
        }
    }
}

/// Removes all folders of objects but one.
pub(crate) fn generations(folder: &Path, current: &str) {
    for entry in entries(folder) {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(OBJECTS) && name != current {
            remove_folder(&entry.path());
        }
    }
}

fn packs(folder: &Path) {
    for entry in entries(folder) {
        let path = entry.path();
        let whole = match path.extension().and_then(OsStr::to_str) {
            Some("pack") => path.with_extension("idx").exists(),
            Some("idx") => path.with_extension("pack").exists(),
            _ => false,
        };
        if !whole {
            remove_file(&path);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_host_left_is_removed_and_what_is_whole_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for folder in [
            "objects-0/pack",
            "objects-1/pack",
            "checkouts/.making-3/a",
            "checkouts/aa",
        ] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        for file in [
            "state.json",
            "objects-1/pack/pack-1.pack",
            "objects-1/pack/pack-1.idx",
            "objects-1/pack/pack-1.keep",
            "objects-1/pack/pack-2.pack",
            "objects-1/pack/.tmpAbC",
        ] {
            std::fs::write(at(file), "x").unwrap();
        }
        store(folder.path());
        generations(folder.path(), "objects-1");
        let mut left: Vec<_> = entries(&at("objects-1/pack")).map(|entry| entry.file_name()).collect();
        left.sort();
        assert_eq!(left, ["pack-1.idx", "pack-1.pack"]);
        assert!(at("state.json").exists() && !at("checkouts").exists() && !at("objects-0").exists());
    }
}
