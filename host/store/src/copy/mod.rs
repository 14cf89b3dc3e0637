//! Copies of a whole database: from one to another of either sort, to a file for safekeeping, and back. Online: what is copied is
//! one snapshot, whatever is written meanwhile. Each table is read again on the other side, and counts and digests must agree.

mod end;
mod numbers;
mod tables;

pub use end::{Copied, Progress};

use crate::{DatabaseUrl, Result, StoreError, files};
use end::{Digest, Source, Target};
use std::{
    io::{Read as _, Seek as _},
    path::{Path, PathBuf},
};
use tables::TABLES;

/// Copies the database at `from` to `to`, which is empty. Secrets stay sealed under their master key. `progress` hears of each
/// table, some times a second.
///
/// # Errors
/// [`StoreError::Unusable`] where the target is not empty, or where both do not agree afterwards; then nothing is left of what was
/// copied. Otherwise what the databases said.
pub async fn copy(from: &DatabaseUrl, to: &DatabaseUrl, progress: impl FnMut(Progress)) -> Result<Vec<Copied>> {
    let mut source = Source::open(from).await?;
    match to {
        DatabaseUrl::Sqlite(path) => into_file(&mut source, path, progress).await,
        DatabaseUrl::Postgres(_) => {
            let mut target = Target::open(to).await?;
            target.must_be_empty().await?;
            let copied = transfer(&mut source, &mut target, progress).await?;
            target.keep().await?;
            Ok(copied)
        }
    }
}

/// Writes a copy of the database at `from` to a new file, an SQLite database whatever `from` is, while a server may use it.
/// Without the master key and the files of plugins, which are in the data folder.
///
/// # Errors
/// As [`copy`].
pub async fn backup(from: &DatabaseUrl, file: &Path, progress: impl FnMut(Progress)) -> Result<Vec<Copied>> {
    let mut source = Source::open(from).await?;
    into_file(&mut source, file, progress).await
}

/// Brings a backup back into an empty database. The backup may be of an older Seawall; it stays as it is.
///
/// # Errors
/// As [`copy`].
pub async fn restore(file: &Path, to: &DatabaseUrl, progress: impl FnMut(Progress)) -> Result<Vec<Copied>> {
    // Opening brings a schema up to date, and a backup is not to be changed.
    let place = match to {
        DatabaseUrl::Sqlite(path) => path,
        DatabaseUrl::Postgres(_) => file,
    };
    let unpacked = Unfinished::beside(place, "unpacked")?;
    let unreadable = |e| StoreError::Unusable(format!("the backup {} cannot be read: {e}", file.display()));
    let mut packed = std::fs::File::open(file).map_err(unreadable)?;
    must_be_whole(file, &mut packed)?;
    let mut out = std::fs::OpenOptions::new()
        .write(true)
        .open(unpacked.path())
        .map_err(unreadable)?;
    std::io::copy(&mut packed, &mut out).map_err(unreadable)?;
    drop(out);
    copy(&DatabaseUrl::Sqlite(unpacked.path().to_owned()), to, progress).await
}

/// Looks at the first bytes of a backup before anything is made of it. The format is SQLite's:
/// <https://www.sqlite.org/fileformat.html#the_database_header>.
fn must_be_whole(file: &Path, packed: &mut std::fs::File) -> Result<()> {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    const HEADER: usize = 100;
    let unreadable = |e| StoreError::Unusable(format!("the backup {} cannot be read: {e}", file.display()));
    let mut header = Vec::new();
    packed
        .by_ref()
        .take(HEADER as u64)
        .read_to_end(&mut header)
        .map_err(unreadable)?;
    packed.rewind().map_err(unreadable)?;
    if !header.starts_with(MAGIC) {
        return Err(StoreError::Unusable(format!(
            "{} is not a backup of Seawall (not an SQLite database); name a file that `seawall admin backup` wrote",
            file.display()
        )));
    }
    let number = |at: usize| {
        header
            .get(at..at + 4)
            .and_then(|bytes| bytes.try_into().ok())
            .map(u32::from_be_bytes)
    };
    let page = match header.get(16..18) {
        Some([0, 1]) => 1 << 16,
        Some([high, low]) => u64::from(u16::from_be_bytes([*high, *low])),
        _ => 0,
    };
    // The count of pages holds where it is of the newest change.
    let is_said = number(24) == number(92);
    let said = number(28).map_or(0, u64::from) * page;
    let found = packed.metadata().map_err(unreadable)?.len();
    if header.len() < HEADER || is_said && found < said {
        return Err(StoreError::Unusable(format!(
            "the backup {} is damaged or was cut off: it has {found} bytes of {}; copy it again from where it was written, or take another one",
            file.display(),
            said.max(HEADER as u64)
        )));
    }
    Ok(())
}

async fn into_file(source: &mut Source, path: &Path, progress: impl FnMut(Progress)) -> Result<Vec<Copied>> {
    if path.exists() {
        return Err(StoreError::Unusable(format!(
            "{} is there already; a copy goes into a new file: move it away or name another",
            path.display()
        )));
    }
    let unfinished = Unfinished::beside(path, "unfinished")?;
    let mut target = Target::open(&DatabaseUrl::Sqlite(unfinished.path().to_owned())).await?;
    let copied = transfer(source, &mut target, progress).await?;
    target.keep().await?;
    let failed = |source| StoreError::NotWritable {
        path: path.to_owned(),
        source,
    };
    // Unlike a rename, a link never replaces a file.
    std::fs::hard_link(unfinished.path(), path).map_err(failed)?;
    std::fs::File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(failed)?;
    Ok(copied)
}

async fn transfer(source: &mut Source, target: &mut Target, mut progress: impl FnMut(Progress)) -> Result<Vec<Copied>> {
    let mut copied = Vec::new();
    for table in TABLES {
        let of = source.count(table).await?;
        let mut digest = Digest::default();
        let mut walk = source.walk(table);
        progress(Progress {
            table: table.name,
            rows: 0,
            of,
        });
        while let Some(rows) = walk.next().await? {
            for row in &rows {
                digest.take(row);
            }
            target.add(table, rows).await?;
            progress(Progress {
                table: table.name,
                rows: digest.rows(),
                of,
            });
        }
        copied.push(digest.finish(table));
    }
    target.set_numbers(&source.numbers().await?).await?;
    for before in &copied {
        let after = target.digest(before.table).await?;
        if after != *before {
            return Err(StoreError::Unusable(format!(
                "the copy of table `{}` is not like the original: {} rows ({}) became {} ({}); nothing was kept, copy again",
                before.table, before.rows, before.digest, after.rows, after.digest
            )));
        }
    }
    Ok(copied)
}

/// A database file that is not finished; removed where it is dropped.
struct Unfinished(PathBuf);

impl Unfinished {
    fn beside(path: &Path, what: &str) -> Result<Self> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{what}-{}", std::process::id()));
        let unfinished = path.with_file_name(name);
        let failed = |source| StoreError::NotWritable {
            path: unfinished.clone(),
            source,
        };
        if let Some(folder) = path.parent() {
            files::make_folder(folder).map_err(failed)?;
        }
        // Of a process that died and had the same id.
        drop(std::fs::remove_file(&unfinished));
        files::create_private(&unfinished).map_err(failed)?;
        Ok(Self(unfinished))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        for ending in ["", "-wal", "-shm", "-journal"] {
            let mut path = self.0.clone().into_os_string();
            path.push(ending);
            drop(std::fs::remove_file(path));
        }
    }
}
