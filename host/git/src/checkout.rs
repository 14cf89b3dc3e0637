//! The files of one commit.

use crate::held::Held;
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A folder with the files of one commit, to be read and never written. It stays as long as this is held, and is shared with all
/// who read the same commit.
pub struct Checkout {
    pub(crate) commit: String,
    pub(crate) path: PathBuf,
    pub(crate) notes: Notes,
    pub(crate) held: Arc<Held>,
}

impl Checkout {
    /// The commit's name: 40 hexadecimal digits.
    pub fn commit(&self) -> &str {
        &self.commit
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it, and what is not.
    pub fn notes(&self) -> &Notes {
        &self.notes
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        if self.held.is_newest(&self.commit) {
            return;
        }
        // Many files take a while, and this may be a thread that others wait for.
        let held = self.held.clone();
        let sweeping = std::thread::Builder::new()
            .name("checkouts".into())
            .spawn(move || held.sweep());
        if let Err(error) = sweeping {
            tracing::warn!("old checkouts stay until the next start: {error}");
        }
    }
}

/// What a checkout has and lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// Files, folders and links.
    pub files: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// What was left out, each with the reason; the first hundred.
    pub left_out: Vec<String>,
    /// How many more were.
    pub more: u64,
    /// Folders that stand for other repositories, which are not fetched.
    pub submodules: Vec<String>,
    /// Files that stand for others, which Git LFS keeps elsewhere.
    pub lfs: Vec<String>,
}

/// Of what was left out so much is told.
const TOLD: usize = 100;

impl Notes {
    pub(crate) fn leave_out(&mut self, path: &str, why: &str) {
        if self.left_out.len() < TOLD {
            self.left_out.push(format!("`{path}`: {why}"));
        } else {
            self.more += 1;
        }
    }

    /// What a reader should know, in sentences.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<_> = self
            .left_out
            .iter()
            .map(|one| format!("left out of the checkout: {one}"))
            .collect();
        if self.more > 0 {
            lines.push(format!("{} more were left out of the checkout", self.more));
        }
        let all = [
            (&self.submodules, "submodules are not fetched, their folders are empty"),
            (
                &self.lfs,
                "files of Git LFS are not fetched, their pointers stand in their place",
            ),
        ];
        for (paths, what) in all {
            if let Some(first) = paths.first() {
                let more = match paths.len() {
                    1 => String::new(),
                    n => format!(" and {} more", n - 1),
                };
                lines.push(format!("{what}: `{first}`{more}"));
            }
        }
        lines
    }
}
