//! The machine's files, for an author's tests.

use super::{Entry, Kind, Metadata, Reason};
use std::{fs, hash::BuildHasher, io, time::UNIX_EPOCH};

pub(super) fn read_dir(path: &str) -> Result<Vec<Entry>, Reason> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).map_err(reason)? {
        let entry = entry.map_err(reason)?;
        entries.push(Entry {
            name: entry.file_name().to_string_lossy().into_owned(),
            kind: kind(entry.file_type().map_err(reason)?),
        });
    }
    Ok(entries)
}

pub(super) fn read(path: &str, limit: u64) -> Result<Vec<u8>, Reason> {
    use io::Read as _;
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(reason)?;
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(reason)?;
    if bytes.len() as u64 > limit {
        return Err(Reason::TooLarge { limit });
    }
    Ok(bytes)
}

pub(super) fn metadata(path: &str) -> Result<Metadata, Reason> {
    let found = fs::metadata(path).map_err(reason)?;
    let modified = found
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    // The real path stands for the file, hashed with fixed keys to the sandbox's form.
    let real = fs::canonicalize(path).map_err(reason)?;
    let hasher = std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default();
    Ok(Metadata {
        kind: kind(found.file_type()),
        len: found.len(),
        modified,
        identity: (hasher.hash_one(&real), hasher.hash_one((&real, 1))),
    })
}

fn kind(found: fs::FileType) -> Kind {
    match found {
        t if t.is_file() => Kind::File,
        t if t.is_dir() => Kind::Directory,
        t if t.is_symlink() => Kind::Symlink,
        _ => Kind::Other,
    }
}

fn reason(error: io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::NotFound => Reason::NotFound,
        io::ErrorKind::PermissionDenied => Reason::Denied,
        _ if error.to_string().contains("symbolic links") => Reason::Loop,
        _ => Reason::Other(error.to_string()),
    }
}
