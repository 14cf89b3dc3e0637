//! Reads the directories that the host gives, such as a git checkout. The manifest asks with `capabilities.files`;
//! paths are as its `at` says, such as `/checkout/src/main.rs`.
//!
//! The standard library's `std::fs` does not work in a plugin: it is built for `wasm32-unknown-unknown`, the one target
//! that every plugin shares, and these functions go to the host directly. In native tests they read the machine's files.

use std::{fmt, time::Duration};

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod sandbox;

#[cfg(not(target_arch = "wasm32"))]
use native as system;
#[cfg(target_arch = "wasm32")]
use sandbox as system;

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A socket, a device, …
    Other,
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name, without the directory's path.
    pub name: String,
    /// What it is; a link is not followed.
    pub kind: Kind,
}

/// What is known of a file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub kind: Kind,
    /// Bytes.
    pub len: u64,
    /// When it was last written, since 1970-01-01T00:00:00Z, where the file system says.
    pub modified: Option<Duration>,
    /// The same for two paths that lead to one file, so that a walk can see a loop. No meaning beyond this run.
    pub identity: (u64, u64),
}

/// Why a path could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The path.
    pub path: String,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What can be wrong with a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Nothing is there.
    NotFound,
    /// It leads out of what was granted, or the host may not read it.
    Denied,
    /// A chain of links without end.
    Loop,
    /// No directory of the grant holds it.
    NotGranted,
    /// More bytes than asked for.
    TooLarge {
        /// The most that was asked for.
        limit: u64,
    },
    /// Anything else, in the system's words.
    Other(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path)?;
        match &self.reason {
            Reason::NotFound => f.write_str("nothing is there"),
            Reason::Denied => f.write_str("it leads out of the granted directory, or may not be read"),
            Reason::Loop => f.write_str("its links lead in a circle"),
            Reason::NotGranted => f.write_str(
                "no granted directory holds it; the manifest asks for one with `capabilities: {files: [{at: …, from: …}]}`",
            ),
            Reason::TooLarge { limit } => write!(f, "it is larger than {limit} bytes"),
            Reason::Other(words) => f.write_str(words),
        }
    }
}

impl std::error::Error for Error {}

/// The names in a directory, sorted, so that two walks see the same order. Links are listed, not followed.
pub fn read_dir(path: &str) -> Result<Vec<Entry>, Error> {
    let mut entries = system::read_dir(path).map_err(|reason| error(path, reason))?;
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// A whole file, of at most `limit` bytes. Links are followed as far as they stay inside what was granted.
pub fn read(path: &str, limit: u64) -> Result<Vec<u8>, Error> {
    system::read(path, limit).map_err(|reason| error(path, reason))
}

/// What is known of a path. Links are followed as far as they stay inside what was granted.
pub fn metadata(path: &str) -> Result<Metadata, Error> {
    system::metadata(path).map_err(|reason| error(path, reason))
}

fn error(path: &str, reason: Reason) -> Error {
    Error {
        path: path.to_owned(),
        reason,
    }
}
