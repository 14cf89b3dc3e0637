//! The files of a commit, written into a folder that is open, and nowhere else.

use crate::{Bounds, GitError, Notes, name};
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use gix_hash::{ObjectId, oid};
use gix_object::{
    FindExt, FindHeader, Kind,
    tree::{EntryKind, EntryRef},
};
use std::{
    io::{ErrorKind, Write},
    sync::atomic::{AtomicBool, Ordering},
};

/// Folders in folders; more have no use, and each is open while it is written.
const DEEPEST: usize = 100;
/// Bytes of a link's target.
const LINK: u64 = 4096;
/// How a file begins that Git LFS put in the place of another.
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";
/// No pointer of it is larger.
const LFS_SIZE: u64 = 1024;

/// What the files are read from.
pub(crate) struct Source<'a> {
    pub(crate) objects: &'a gix_odb::Handle,
    pub(crate) url: &'a str,
    pub(crate) bounds: &'a Bounds,
    /// Set where nobody waits for it any more.
    pub(crate) interrupt: &'a AtomicBool,
}

/// Why it ended early.
pub(crate) enum Stopped {
    /// An object is not here, or cannot be read.
    Lost(String),
    Other(GitError),
}

impl From<GitError> for Stopped {
    fn from(error: GitError) -> Self {
        Self::Other(error)
    }
}

impl Source<'_> {
    /// Whether this is a commit that is here.
    pub(crate) fn has(&self, commit: &str) -> bool {
        ObjectId::from_hex(commit.as_bytes()).is_ok_and(|id| self.size(&id, Kind::Commit).is_ok())
    }

    /// Writes all files of a commit.
    ///
    /// # Errors
    /// [`Stopped`]; what was written so far is the caller's to remove.
    pub(crate) fn write(&self, commit: &str, into: &Dir) -> Result<Notes, Stopped> {
        let commit = ObjectId::from_hex(commit.as_bytes()).map_err(|e| Stopped::Lost(e.to_string()))?;
        let mut buffer = Vec::new();
        let found = self.objects.find_commit(&commit, &mut buffer).map_err(lost)?;
        let tree = found.tree();
        let mut writing = Writing {
            source: self,
            notes: Notes::default(),
        };
        writing.folder(&tree, into, "", 0)?;
        Ok(writing.notes)
    }

    /// The size of an object of this kind.
    fn size(&self, id: &oid, kind: Kind) -> Result<u64, Stopped> {
        // These two are known to everybody, and some servers do not send them.
        if id == ObjectId::empty_blob(id.kind()) || id == ObjectId::empty_tree(id.kind()) {
            return Ok(0);
        }
        let header = self.objects.try_header(id).map_err(lost)?;
        match header {
            Some(header) if header.kind == kind => Ok(header.size),
            Some(header) => Err(self.unusable(format!("{id} is a {}, where a {kind} should be", header.kind))),
            None => Err(Stopped::Lost(format!("{id} is not here"))),
        }
    }

    fn unusable(&self, why: impl std::fmt::Display) -> Stopped {
        Stopped::Other(GitError::Unusable(format!("{}: {why}", self.url)))
    }
}

fn lost(error: gix_error::Error) -> Stopped {
    Stopped::Lost(error.to_string())
}

struct Writing<'a> {
    source: &'a Source<'a>,
    notes: Notes,
}

impl Writing<'_> {
    fn folder(&mut self, tree: &oid, into: &Dir, path: &str, depth: usize) -> Result<(), Stopped> {
        if depth > DEEPEST {
            let why = format!("`{}` lies deeper than {DEEPEST} folders", seawall_text::cut(path, 200));
            return Err(self.source.unusable(why));
        }
        // Bounded as a file is: trees are read whole.
        self.room(self.source.size(tree, Kind::Tree)?)?;
        let mut buffer = Vec::new();
        let entries = self.source.objects.find_tree(tree, &mut buffer).map_err(lost)?;
        for entry in &entries.entries {
            self.entry(entry, into, path, depth)?;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &EntryRef<'_>, into: &Dir, folder: &str, depth: usize) -> Result<(), Stopped> {
        if self.source.interrupt.load(Ordering::Relaxed) {
            return Err(Stopped::Other(GitError::Unavailable(
                "nobody waits for it any more".into(),
            )));
        }
        let kind = entry.mode.kind();
        let shown = |name: &dyn std::fmt::Display| seawall_text::cut(&format!("{folder}{name}"), 300).into_owned();
        if let Err(why) = name::judge(entry.filename, kind == EntryKind::Link) {
            let why = format!(
                "the commit has a file named `{}`: {why}",
                shown(&entry.filename).escape_debug()
            );
            return Err(self.source.unusable(why));
        }
        let Ok(name) = std::str::from_utf8(entry.filename) else {
            self.notes.leave_out(&shown(&entry.filename), "its name is not UTF-8");
            return Ok(());
        };
        self.notes.files += 1;
        if self.notes.files > self.source.bounds.files {
            return Err(self.source.bounds.files_count(self.source.url).into());
        }
        let path = shown(&name);
        let done = match kind {
            EntryKind::Tree => {
                let made = into.create_dir(name).and_then(|()| into.open_dir(name));
                match made {
                    Ok(inner) => return self.folder(entry.oid, &inner, &format!("{path}/"), depth + 1),
                    Err(error) => Err(error),
                }
            }
            EntryKind::Blob | EntryKind::BlobExecutable => self.file(entry.oid, into, name, &path)?,
            EntryKind::Link => {
                let size = self.source.size(entry.oid, Kind::Blob)?;
                if size > LINK {
                    self.notes.leave_out(&path, "a link of this length leads to no name");
                    return Ok(());
                }
                let mut buffer = Vec::new();
                let target = self.source.objects.find_blob(entry.oid, &mut buffer).map_err(lost)?;
                if let Some(why) = name::leads_out(target.data, depth) {
                    self.notes.leave_out(&path, &format!("a link, and {why}"));
                    return Ok(());
                }
                let target = String::from_utf8_lossy(target.data).into_owned();
                into.symlink(target, name)
            }
            // As git does where nobody asks for what is behind it.
            EntryKind::Commit => {
                self.notes.submodules.push(path.clone());
                into.create_dir(name)
            }
        };
        match done {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let why =
                    format!("the commit has `{path}` twice, or another name that this machine's disk takes for it");
                Err(self.source.unusable(why))
            }
            Err(error) if error.kind() == ErrorKind::InvalidFilename => {
                self.notes
                    .leave_out(&path, "its name is longer than this machine's disk takes");
                Ok(())
            }
            Err(error) => Err(Stopped::Other(GitError::Disk(format!("`{path}`: {error}")))),
        }
    }

    /// Writes a file. The outer error ends all, the inner one is about this name.
    fn file(&mut self, id: &oid, into: &Dir, name: &str, path: &str) -> Result<std::io::Result<()>, Stopped> {
        let size = self.source.size(id, Kind::Blob)?;
        self.room(size)?;
        self.notes.bytes += size;
        let mut buffer = Vec::new();
        let blob = self.source.objects.find_blob(id, &mut buffer).map_err(lost)?;
        if size <= LFS_SIZE && blob.data.starts_with(LFS) {
            self.notes.lfs.push(path.to_owned());
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o444);
        let written = into.open_with(name, &options);
        Ok(written.and_then(|mut file| file.write_all(blob.data)))
    }

    /// Whether so many bytes more are within the bound.
    fn room(&self, bytes: u64) -> Result<(), Stopped> {
        if self.notes.bytes.saturating_add(bytes) > self.source.bounds.bytes {
            return Err(self.source.bounds.files_bytes(self.source.url).into());
        }
        Ok(())
    }
}
