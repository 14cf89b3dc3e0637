//! All files below the directory, in an order that stays.

use seawall_sdk::prelude::*;
use std::collections::{BTreeSet, VecDeque};

/// More folders than any checkout has; a tree that goes on for ever ends here.
const MOST_FOLDERS: usize = 100_000;

/// What a walk found.
#[derive(Debug, Default)]
pub struct Walk {
    /// Paths below the directory, sorted.
    pub files: Vec<String>,
    /// Whether a folder could not be read, so that files may be missing.
    pub problems: bool,
}

/// All files. Folders and files whose name begins with a dot are left out (`.git` and the like). Links are followed as
/// far as they stay inside; a folder that several paths lead to is walked once, so links that form a circle end.
pub fn files(root: &str) -> Result<Walk> {
    let mut walk = Walk::default();
    let mut seen = BTreeSet::new();
    let start = files::metadata(root).map_err(|e| Failure::invalid_config(format!("directory: {e}")))?;
    if start.kind != files::Kind::Directory {
        return Err(Failure::invalid_config(
            "directory: it is a file; name the folder that holds the catalog files",
        ));
    }
    seen.insert(start.identity);
    let (mut folders, mut links) = (vec![String::new()], VecDeque::new());
    // Links come last, so that a file is known by its own path and not by a link's.
    while let Some(folder) = folders.pop().or_else(|| links.pop_front()) {
        if !folder.is_empty() && !enter(root, &folder, &mut seen) {
            continue;
        }
        let entries = match files::read_dir(&path(root, &folder)) {
            Ok(entries) => entries,
            // Without its first folder there is nothing to say about the directory.
            Err(error) if folder.is_empty() => return Err(Failure::Unavailable(format!("directory: {error}"))),
            Err(error) => {
                log::warn(format!("{folder}: the folder is passed over: {:?}", error.reason));
                walk.problems = true;
                continue;
            }
        };
        // Last in, first out: so the first name is walked first.
        for entry in entries.into_iter().rev().filter(|entry| !entry.name.starts_with('.')) {
            let below = if folder.is_empty() {
                entry.name
            } else {
                format!("{folder}/{}", entry.name)
            };
            match entry.kind {
                files::Kind::File => walk.files.push(below),
                files::Kind::Directory => folders.push(below),
                files::Kind::Symlink => match files::metadata(&path(root, &below)) {
                    Ok(found) if found.kind == files::Kind::File => walk.files.push(below),
                    Ok(found) if found.kind == files::Kind::Directory => links.push_back(below),
                    Ok(_) => {}
                    // A link that leads out, to nothing, or in a circle holds nothing that was ever listed.
                    Err(error) => log::debug(format!("{below} is passed over: {:?}", error.reason)),
                },
                files::Kind::Other => {}
            }
        }
    }
    if seen.len() >= MOST_FOLDERS {
        log::warn(format!("more than {MOST_FOLDERS} folders; the rest is passed over"));
        walk.problems = true;
    }
    walk.files.sort_unstable();
    Ok(walk)
}

/// Whether a folder is to be walked, which it is once.
fn enter(root: &str, folder: &str, seen: &mut BTreeSet<(u64, u64)>) -> bool {
    // What cannot be looked at is reported when it cannot be listed.
    let found = files::metadata(&path(root, folder));
    found.is_err() || found.is_ok_and(|found| seen.len() < MOST_FOLDERS && seen.insert(found.identity))
}

/// A path below the directory as the host takes it.
pub fn path(root: &str, below: &str) -> String {
    if below.is_empty() {
        root.to_owned()
    } else {
        format!("{root}/{below}")
    }
}

/// The folder of a path; empty for a file of the directory itself.
pub fn folder(below: &str) -> &str {
    below.rsplit_once('/').map_or("", |(folder, _)| folder)
}
