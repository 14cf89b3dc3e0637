//! The master key in its file, and its change while the server answers.
//!
//! The new key is written beside the old one, all sealed values are put under it in one transaction, and then its file takes the
//! old one's place. A process that dies in between leaves both files; the next start tells by the sealed values which is the key.

use super::SqliteStore;
use crate::{
    MasterKey, Result, StoreError, files,
    sql::{Ask, credentials},
};
use std::{
    path::{Path, PathBuf},
    sync::PoisonError,
};

impl SqliteStore {
    /// As [`SqliteStore::open`], with the key in `key_file`, which is made where there is none. A change of the key that was cut
    /// off is ended.
    ///
    /// # Errors
    /// As [`SqliteStore::open`]; [`StoreError::Seal`] where the key's file cannot be read or written.
    pub async fn open_with_key_file(path: &Path, key_file: &Path) -> Result<Self> {
        let mut store = Self::open(path, MasterKey::load_or_create(key_file)?).await?;
        let next = beside(key_file);
        if next.exists() {
            let new = MasterKey::load_or_create(&next)?;
            if store.is_sealed_with(&new).await? {
                take_place(&next, key_file)?;
                store.set_master_key(new);
            } else {
                std::fs::remove_file(&next).map_err(|e| failed("cannot be removed", &next, &e))?;
            }
        }
        store.key_file = Some(key_file.to_owned());
        Ok(store)
    }

    /// Whether there are sealed values and the first of them opens with `key`: they are all under one.
    async fn is_sealed_with(&self, key: &MasterKey) -> Result<bool> {
        let first = credentials::first_sealed(&mut self.reading().await?.conn()).await?;
        Ok(first.is_some_and(|(name, sealed)| key.unseal(&name, &sealed).is_ok()))
    }

    pub(super) async fn rotate(&self) -> Result<()> {
        let file = self.key_file.as_ref().ok_or_else(|| {
            StoreError::Unusable(
                "the master key is not in a file of this server's; change it where it comes from".to_owned(),
            )
        })?;
        let _alone = self.rotating.lock().await;
        let next = beside(file);
        let new = MasterKey::random()?;
        // One that a change left which failed is of no use: nothing is sealed with it.
        drop(std::fs::remove_file(&next));
        new.write(&next)?;
        self.change_master_key(new).await?;
        take_place(&next, file)
    }

    fn set_master_key(&self, key: MasterKey) {
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = key;
    }
}

fn beside(file: &Path) -> PathBuf {
    file.with_extension("key.next")
}

fn take_place(next: &Path, file: &Path) -> Result<()> {
    files::replace(next, file).map_err(|e| failed("cannot be replaced", file, &e))
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Seal(format!("the master key's file {} {what}: {error}", path.display()))
}
