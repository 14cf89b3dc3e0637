//! Which checkouts of a store are read, and the end of those that nobody reads.

use crate::{Checkout, Notes, clean};
use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

/// The checkouts of one store.
pub(crate) struct Held {
    /// Where they are: a folder for each, by its commit, and its notes beside it.
    pub(crate) folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    read: HashMap<String, Weak<Checkout>>,
    /// What names stand for now: these stay, since the next one to ask is given them.
    newest: BTreeSet<String>,
}

impl Held {
    pub(crate) fn new(folder: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            folder,
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The checkout of a commit, where it is here.
    pub(crate) fn take(self: &Arc<Self>, commit: &str) -> Option<Arc<Checkout>> {
        let mut state = self.state();
        if let Some(known) = state.read.get(commit).and_then(Weak::upgrade) {
            return Some(known);
        }
        let path = self.folder.join(commit);
        let notes = std::fs::read(self.notes(commit)).ok()?;
        let notes: Notes = serde_json::from_slice(&notes).ok()?;
        if !path.is_dir() {
            return None;
        }
        let checkout = Arc::new(Checkout {
            commit: commit.to_owned(),
            path,
            notes,
            held: self.clone(),
        });
        state.read.insert(commit.to_owned(), Arc::downgrade(&checkout));
        Some(checkout)
    }

    /// Where the notes of a commit's checkout are.
    pub(crate) fn notes(&self, commit: &str) -> PathBuf {
        self.folder.join(format!("{commit}.json"))
    }

    /// These stay from now on; others go as soon as nobody reads them.
    pub(crate) fn keep(&self, newest: impl IntoIterator<Item = String>) {
        self.state().newest = newest.into_iter().collect();
    }

    /// Whether a name stands for this commit now.
    pub(crate) fn is_newest(&self, commit: &str) -> bool {
        self.state().newest.contains(commit)
    }

    /// Whether somebody reads one of them.
    pub(crate) fn is_read(&self) -> bool {
        self.state().read.values().any(|checkout| checkout.strong_count() > 0)
    }

    /// Removes what nobody reads and no name stands for.
    pub(crate) fn sweep(&self) {
        let mut gone = Vec::new();
        {
            let mut state = self.state();
            state.read.retain(|_, checkout| checkout.strong_count() > 0);
            for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if !is_commit(&name) || state.newest.contains(&name) || state.read.contains_key(&name) {
                    continue;
                }
                // Out of the way at once: whoever wants it meanwhile makes it anew.
                let away = self.folder.join(clean::temporary("gone"));
                if std::fs::rename(entry.path(), &away).is_ok() {
                    gone.push((away, self.notes(&name)));
                }
            }
            for (_, notes) in &gone {
                clean::remove_file(notes);
            }
        }
        for (folder, _) in gone {
            clean::remove_folder(&folder);
        }
    }
}

fn is_commit(name: &str) -> bool {
    name.len() == 40 && name.bytes().all(|b| b.is_ascii_hexdigit())
}
