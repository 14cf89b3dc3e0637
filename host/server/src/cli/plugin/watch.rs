//! Waiting for a save: the files of a folder are looked at a few times a second. That works on every file system, shared
//! and mounted ones too, and a plugin's folder has a few dozen files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// How often it is looked.
const PERIOD: Duration = Duration::from_millis(300);
/// What builds write, which is no save.
const WRITTEN: [&str; 5] = ["dist", "target", "node_modules", "__pycache__", "build"];

/// The state of a folder's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Snapshot(BTreeMap<PathBuf, (Option<SystemTime>, u64)>);

impl Snapshot {
    pub(super) fn of(folder: &Path) -> Self {
        let mut files = BTreeMap::new();
        walk(folder, &mut files);
        Self(files)
    }

    /// Waits until the folder is another and has come to rest; answers a file that changed, and the new state.
    pub(super) async fn changed(&self, folder: &Path) -> (PathBuf, Self) {
        let mut last = self.clone();
        loop {
            tokio::time::sleep(PERIOD).await;
            let now = Self::of(folder);
            if now != *self && now == last {
                return (now.difference(self), now);
            }
            last = now;
        }
    }

    fn difference(&self, before: &Self) -> PathBuf {
        let new = self.0.iter().find(|(path, state)| before.0.get(*path) != Some(state));
        let gone = || before.0.iter().find(|(path, _)| !self.0.contains_key(*path));
        new.or_else(gone).map(|(path, _)| path.clone()).unwrap_or_default()
    }
}

fn walk(folder: &Path, files: &mut BTreeMap<PathBuf, (Option<SystemTime>, u64)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // Editors' own files start with a dot or end with a tilde.
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_dir() {
            if !WRITTEN.contains(&&*name) {
                walk(&entry.path(), files);
            }
        } else {
            files.insert(entry.path(), (meta.modified().ok(), meta.len()));
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_save_is_a_change_and_a_build_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("src/plugin.py", "a");
        let before = Snapshot::of(folder.path());
        write("dist/plugin.wasm", "x");
        write("src/.plugin.py.swp", "x");
        assert_eq!(Snapshot::of(folder.path()), before);
        write("src/plugin.py", "ab");
        let after = Snapshot::of(folder.path());
        assert_eq!(after.difference(&before), folder.path().join("src/plugin.py"));
        fs::remove_file(folder.path().join("src/plugin.py")).unwrap();
        assert_eq!(
            Snapshot::of(folder.path()).difference(&after),
            folder.path().join("src/plugin.py")
        );
    }
}
