//! Files through `wasi:filesystem`.

use super::{Entry, Kind, Metadata, Reason};
use crate::bindings::wasi::filesystem::{
    preopens::get_directories,
    types::{Descriptor, DescriptorFlags, DescriptorType, ErrorCode, OpenFlags, PathFlags},
};
use std::time::Duration;

/// What one call to the host reads at most.
const CHUNK: u64 = 256 * 1024;

pub(super) fn read_dir(path: &str) -> Result<Vec<Entry>, Reason> {
    let directory = open(path, OpenFlags::DIRECTORY)?;
    let stream = directory.read_directory().map_err(reason)?;
    let mut entries = Vec::new();
    while let Some(entry) = stream.read_directory_entry().map_err(reason)? {
        entries.push(Entry {
            name: entry.name,
            kind: kind(entry.type_),
        });
    }
    Ok(entries)
}

pub(super) fn read(path: &str, limit: u64) -> Result<Vec<u8>, Reason> {
    let file = open(path, OpenFlags::empty())?;
    let len = file.stat().map_err(reason)?.size;
    if len > limit {
        return Err(Reason::TooLarge { limit });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
    loop {
        let (chunk, end) = file.read(CHUNK, bytes.len() as u64).map_err(reason)?;
        bytes.extend_from_slice(&chunk);
        // The file may grow while it is read.
        if bytes.len() as u64 > limit {
            return Err(Reason::TooLarge { limit });
        }
        if end || chunk.is_empty() {
            return Ok(bytes);
        }
    }
}

pub(super) fn metadata(path: &str) -> Result<Metadata, Reason> {
    let (directory, below) = locate(path)?;
    let stat = directory.stat_at(PathFlags::SYMLINK_FOLLOW, &below).map_err(reason)?;
    let hash = directory
        .metadata_hash_at(PathFlags::SYMLINK_FOLLOW, &below)
        .map_err(reason)?;
    Ok(Metadata {
        kind: kind(stat.type_),
        len: stat.size,
        modified: stat
            .data_modification_timestamp
            .map(|t| Duration::new(t.seconds, t.nanoseconds)),
        identity: (hash.lower, hash.upper),
    })
}

fn open(path: &str, flags: OpenFlags) -> Result<Descriptor, Reason> {
    let (directory, below) = locate(path)?;
    let opened = directory.open_at(PathFlags::SYMLINK_FOLLOW, &below, flags, DescriptorFlags::READ);
    opened.map_err(reason)
}

/// The granted directory that holds a path, and the path below it. The deepest one, where they are nested.
fn locate(path: &str) -> Result<(Descriptor, String), Reason> {
    let directories = get_directories().into_iter();
    let holding = directories.filter_map(|(directory, at)| {
        let at = at.trim_end_matches('/');
        let below = path.strip_prefix(at)?;
        let below = match below.strip_prefix('/') {
            Some(below) => below.trim_matches('/'),
            None if below.is_empty() => "",
            None => return None,
        };
        let below = if below.is_empty() { "." } else { below };
        Some((at.len(), directory, below.to_owned()))
    });
    let deepest = holding.max_by_key(|(depth, _, _)| *depth);
    deepest
        .map(|(_, directory, below)| (directory, below))
        .ok_or(Reason::NotGranted)
}

fn kind(found: DescriptorType) -> Kind {
    match found {
        DescriptorType::RegularFile => Kind::File,
        DescriptorType::Directory => Kind::Directory,
        DescriptorType::SymbolicLink => Kind::Symlink,
        _ => Kind::Other,
    }
}

fn reason(code: ErrorCode) -> Reason {
    match code {
        ErrorCode::NoEntry => Reason::NotFound,
        ErrorCode::Access | ErrorCode::NotPermitted => Reason::Denied,
        ErrorCode::Loop => Reason::Loop,
        other => Reason::Other(other.name().replace('-', " ")),
    }
}
