//! What a store knows of itself: which commits are in it, and what names stood for when they were last asked about.

use crate::GitError;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};

/// A commit that is here with all its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tip {
    pub(crate) commit: String,
    /// Whether its parents are not here.
    pub(crate) shallow: bool,
}

/// The store's own file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// For who looks into the folder.
    pub(crate) url: String,
    /// Which of the folders of objects is in use.
    pub(crate) generation: u64,
    /// Oldest first.
    pub(crate) tips: Vec<Tip>,
    /// Commits by the integrations' names; empty for HEAD.
    pub(crate) refs: BTreeMap<String, String>,
}

/// Commits that a server is told of: more would not make a pack smaller.
const TIPS: usize = 16;
const FILE: &str = "state.json";

impl Kept {
    /// Reads the file; a new store where there is none, or none that can be read: then all is fetched anew.
    pub(crate) fn read(folder: &Path, url: &str) -> Self {
        let text = std::fs::read(folder.join(FILE)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_else(|_| Self {
            url: url.to_owned(),
            ..Self::default()
        })
    }

    /// Writes it beside its place and renames it.
    ///
    /// # Errors
    /// [`GitError::Disk`].
    pub(crate) fn write(&self, folder: &Path) -> Result<(), GitError> {
        let (file, partial) = (folder.join(FILE), folder.join(".state.partial"));
        let text = serde_json::to_vec_pretty(self).map_err(|e| GitError::Disk(e.to_string()))?;
        std::fs::write(&partial, text).map_err(|e| GitError::disk(&partial, &e))?;
        std::fs::rename(&partial, &file).map_err(|e| GitError::disk(&file, &e))
    }

    pub(crate) fn has(&self, commit: &str) -> bool {
        self.tips.iter().any(|tip| tip.commit == commit)
    }

    pub(crate) fn add(&mut self, tip: Tip) {
        self.tips.retain(|known| known.commit != tip.commit);
        self.tips.push(tip);
        let surplus = self.tips.len().saturating_sub(TIPS);
        self.tips.drain(..surplus);
    }

    /// Lets all be fetched anew, into another folder.
    pub(crate) fn restart(&mut self) {
        self.generation += 1;
        self.tips.clear();
    }
}
