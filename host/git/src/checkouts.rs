//! All stores of a host.

use crate::{Checkout, GitError, Wire, clean, repository::Repository};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The repository's address, normalised, without a slash at its end and without a credential.
    pub url: &'a str,
    /// A branch, a tag or a whole name; none: HEAD.
    pub reference: Option<&'a str>,
    /// Names the credential: what one sees of a repository is not given to another.
    pub credential: Option<&'a str>,
    /// Whether a credential is attached.
    pub with_credential: bool,
    /// The operator's bounds.
    pub bounds: &'a Bounds,
}

/// Bounds of one checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of a pack.
    pub pack_bytes: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Files, folders and links.
    pub files: u64,
    /// Milliseconds that an update may take; kept by who calls.
    pub timeout_ms: u64,
}

/// The stores of a folder, which is this process's own.
pub struct Checkouts {
    folder: PathBuf,
    all: Mutex<HashMap<String, Arc<Repository>>>,
}

impl Checkouts {
    /// Opens the folder, and removes what an earlier process began and did not end.
    ///
    /// # Errors
    /// [`GitError::Disk`].
    pub fn open(folder: PathBuf) -> Result<Self, GitError> {
        use std::os::unix::fs::DirBuilderExt;
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        let disk = |e: std::io::Error| GitError::disk(&folder, &e);
        made.map_err(disk)?;
        for entry in std::fs::read_dir(&folder).map_err(disk)? {
            let path = entry.map_err(disk)?.path();
            clean::store(&path);
        }
        Ok(Self {
            folder,
            all: Mutex::default(),
        })
    }

    /// Brings a checkout up to date, and holds it.
    ///
    /// # Errors
    /// [`GitError`]. What was there before stays.
    pub async fn update(&self, ask: &Ask<'_>, wire: &dyn Wire) -> Result<Arc<Checkout>, GitError> {
        self.repository(ask)?.update(ask, wire).await
    }

    /// What the last update came to, without asking anybody; none where there was none.
    ///
    /// # Errors
    /// [`GitError`].
    pub async fn newest(&self, ask: &Ask<'_>) -> Result<Option<Arc<Checkout>>, GitError> {
        self.repository(ask)?.newest(ask).await
    }

    /// A commit that was fetched before, without asking anybody; none where it is not here any more.
    ///
    /// # Errors
    /// [`GitError`].
    pub async fn at(&self, commit: &str, ask: &Ask<'_>) -> Result<Option<Arc<Checkout>>, GitError> {
        self.repository(ask)?.at(commit, ask).await
    }

    /// Removes the stores and the checkouts that none of these would use; what is read or fetched just now stays until the next
    /// time. Blocks while it removes.
    pub fn retain(&self, asks: &[Ask<'_>]) {
        let mut used: HashMap<String, Vec<&Ask<'_>>> = HashMap::new();
        for ask in asks {
            used.entry(store(ask)).or_default().push(ask);
        }
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            match used.get(&name) {
                Some(asks) => {
                    let names = asks.iter().map(|ask| ask.reference.unwrap_or_default()).collect();
                    if let Ok(repository) = self.repository(asks[0]) {
                        repository.forget_but(&names);
                    }
                }
                None => {
                    let mut all = self.all();
                    if all.get(&name).is_none_or(|repository| repository.is_idle()) {
                        all.remove(&name);
                        clean::remove_folder(&entry.path());
                    }
                }
            }
        }
    }

    fn repository(&self, ask: &Ask<'_>) -> Result<Arc<Repository>, GitError> {
        let name = store(ask);
        let mut all = self.all();
        if let Some(known) = all.get(&name) {
            return Ok(known.clone());
        }
        let repository = Arc::new(Repository::new(self.folder.join(&name), ask.url)?);
        all.insert(name, repository.clone());
        Ok(repository)
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Repository>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The folder of a store: one for each repository and credential.
fn store(ask: &Ask<'_>) -> String {
    let mut hash = Sha256::new();
    hash.update(ask.url);
    hash.update([0]);
    hash.update(ask.credential.unwrap_or_default());
    hex::encode(&hash.finalize()[..16])
}

impl Bounds {
    fn over(&self, url: &str, what: &'static str, limit: &'static str, bound: String) -> GitError {
        GitError::TooLarge {
            what,
            url: url.to_owned(),
            limit,
            bound,
        }
    }

    pub(crate) fn pack(&self, url: &str) -> GitError {
        self.over(
            url,
            "what the git server sends",
            "checkout_pack_bytes",
            format!("{} bytes", self.pack_bytes),
        )
    }

    pub(crate) fn files_bytes(&self, url: &str) -> GitError {
        self.over(url, "the checkout", "checkout_bytes", format!("{} bytes", self.bytes))
    }

    pub(crate) fn files_count(&self, url: &str) -> GitError {
        self.over(
            url,
            "the checkout",
            "checkout_files",
            format!("{} files and folders", self.files),
        )
    }

    /// That an update took too long.
    pub fn late(&self, url: &str) -> GitError {
        self.over(
            url,
            "the update",
            "checkout_timeout_ms",
            format!("{} ms", self.timeout_ms),
        )
    }
}
