//! A pack on its way from the answer into the store: counted, cut at its bound, checked, indexed, and put in place whole or not at
//! all.

use crate::{
    Ask, GitError,
    line::{Line, Lines},
};
use bytes::Bytes;
use gix_hash::Kind;
use gix_pack::{Bundle, bundle::write::Options};
use gix_utils::progress::Discard;
use std::{
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};
use tokio::sync::mpsc;

/// Pieces between who reads the answer and who writes the pack.
const PIECES: usize = 16;
/// The channels of an answer that has several.
const DATA: u8 = 1;
const FAILURE: u8 = 3;

/// Takes in a pack; the bytes that were sent of it.
///
/// # Errors
/// [`GitError`]; then nothing of it is kept.
pub(crate) async fn receive(
    mut lines: Lines<'_>,
    ask: &Ask<'_>,
    objects: PathBuf,
    interrupt: Arc<AtomicBool>,
) -> Result<u64, GitError> {
    let (pieces, taken) = mpsc::channel(PIECES);
    let most = ask.bounds.bytes;
    let writing = tokio::task::spawn_blocking(move || write(taken, &objects, most, &interrupt));
    let passed = pass(&mut lines, ask, pieces).await;
    // Also where it broke off: what was written of it is gone when this has ended.
    let written = writing.await.map_err(|e| GitError::Disk(e.to_string()))?;
    let bytes = passed?;
    match written {
        Ok(()) => Ok(bytes),
        Err(error) if error.is_resource_exhausted() => Err(ask.bounds.files_bytes(ask.url)),
        Err(error) => Err(GitError::Unavailable(format!(
            "{}: the pack cannot be read: {error}",
            ask.url
        ))),
    }
}

/// Passes the pieces on. Where the writer has ended, what it says counts.
async fn pass(lines: &mut Lines<'_>, ask: &Ask<'_>, pieces: mpsc::Sender<Bytes>) -> Result<u64, GitError> {
    let mut bytes = 0;
    loop {
        let Line::Data(mut data) = lines.expect().await? else {
            return Ok(bytes);
        };
        match data.first().copied() {
            Some(DATA) => {
                let piece = data.split_off(1);
                bytes += piece.len() as u64;
                if bytes > ask.bounds.pack_bytes {
                    return Err(ask.bounds.pack(ask.url));
                }
                if pieces.send(piece).await.is_err() {
                    return Ok(bytes);
                }
            }
            Some(FAILURE) => return Err(lines.failed(&data[1..])),
            _ => {}
        }
    }
}

fn write(pieces: mpsc::Receiver<Bytes>, objects: &Path, largest: u64, interrupt: &AtomicBool) -> gix_error::Result<()> {
    let folder = objects.join("pack");
    // A pack may lean on objects that are here already.
    let base = std::fs::read_dir(&folder).is_ok_and(|mut all| all.next().is_some());
    let base = base.then(|| gix_odb::at(objects, Kind::Sha1));
    let base = base.transpose().map_err(gix_error::Error::from_error)?;
    let options = Options {
        thread_limit: Some(1),
        alloc_limit_bytes: Some(usize::try_from(largest).unwrap_or(usize::MAX)),
        ..Options::default()
    };
    let mut pack = BufReader::with_capacity(64 << 10, Pieces::new(pieces));
    let written = Bundle::write_to_directory(
        &mut pack,
        Some(&folder),
        &mut Discard,
        interrupt,
        base,
        Kind::Sha1,
        options,
    )?;
    // Git's collector would go by it; there is none here.
    if let Some(keep) = written.keep_path {
        std::fs::remove_file(keep).map_err(gix_error::Error::from_error)?;
    }
    Ok(())
}

/// The pieces as a stream for who reads in a thread of its own.
struct Pieces {
    pieces: mpsc::Receiver<Bytes>,
    rest: Bytes,
}

impl Pieces {
    fn new(pieces: mpsc::Receiver<Bytes>) -> Self {
        Self {
            pieces,
            rest: Bytes::new(),
        }
    }
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.rest = piece,
                None => return Ok(0),
            }
        }
        let n = self.rest.len().min(into.len());
        into[..n].copy_from_slice(&self.rest.split_to(n));
        Ok(n)
    }
}
