//! A component's file, mapped: twenty megabytes of it are read once, and on the heap they would stay in its pools.

use std::{fs::File, io, ops::Deref, path::Path};

/// The bytes of a component in a folder that is the host's own.
pub struct ComponentFile(memmap2::Mmap);

impl ComponentFile {
    /// Maps the file for reading.
    ///
    /// # Errors
    /// Where it cannot be opened or mapped.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        #[expect(unsafe_code, reason = "the file must not change while it is mapped: see below")]
        // SAFETY: components are files of the host's data folder, named by their digest: they are written whole under
        // another name and then renamed, and never written again.
        let map = unsafe { memmap2::Mmap::map(&file)? };
        Ok(Self(map))
    }
}

impl Deref for ComponentFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
