//! A folder on disk, as definitions and imports read it, and the git repository that it is a checkout of.

use crate::cli::error::{CliError, Result};
use seawall_domain::{folder::Files, import::backstage::Checkout};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// Larger files are no definitions.
const MOST: u64 = 64 << 20;
/// Folders of what others wrote: their definitions are not this folder's.
const LEFT_OUT: [&str; 2] = ["node_modules", "vendor"];

/// Its files, but those whose name, or a folder's, begins with a dot. Links are followed as far as they stay inside.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    paths: Vec<String>,
}

impl Folder {
    /// Looks at a folder.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| CliError::Usage(format!("{}: {error}", dir.display()));
        let root = dir.canonicalize().map_err(|e| failed(&e))?;
        if !root.is_dir() {
            return Err(failed(&"it is a file; name the folder that holds it"));
        }
        let mut paths = Vec::new();
        let walk = WalkDir::new(&root)
            .follow_links(true)
            .into_iter()
            .filter_entry(|entry| {
                let name = entry.file_name().to_string_lossy();
                let hidden = name.starts_with('.') || (entry.file_type().is_dir() && LEFT_OUT.contains(&&*name));
                // A link that leads out is not gone into; one in a circle is an error of the walk.
                let inside = || entry.path().canonicalize().is_ok_and(|path| path.starts_with(&root));
                entry.depth() == 0 || (!hidden && (!entry.path_is_symlink() || inside()))
            });
        for entry in walk {
            let entry = match entry {
                Ok(entry) => entry,
                // A link in a circle, or to nothing.
                Err(error) if error.loop_ancestor().is_some() => continue,
                Err(error)
                    if error
                        .io_error()
                        .is_some_and(|e| e.kind() == std::io::ErrorKind::NotFound) =>
                {
                    continue;
                }
                Err(error) => return Err(failed(&error)),
            };
            if !entry.file_type().is_file() {
                continue;
            }
            let below = entry.path().strip_prefix(&root).map_err(|e| failed(&e))?;
            let names: Option<Vec<_>> = below.iter().map(|name| name.to_str()).collect();
            // A name that is no text can be named by no document.
            paths.extend(names.map(|names| names.join("/")));
        }
        paths.sort_unstable();
        Ok(Self { root, paths })
    }

    /// The last name of its path, for what is named after it.
    pub(crate) fn name(&self) -> String {
        let name = self.root.file_name().map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_else(|| "folder".to_owned())
    }

    /// The address of the repository that it is a checkout of, and where it lies within.
    fn remote(&self) -> Option<(String, String)> {
        let top = self.root.ancestors().find(|folder| folder.join(".git").exists())?;
        let below = self.root.strip_prefix(top).ok()?.to_str()?.replace('\\', "/");
        let git = top.join(".git");
        // A worktree, or a submodule, has a file that says where it is.
        let git = match std::fs::read_to_string(&git) {
            Ok(text) => top.join(text.strip_prefix("gitdir:")?.trim()),
            Err(_) => git,
        };
        let common = std::fs::read_to_string(git.join("commondir")).map(|text| git.join(text.trim()));
        let config = std::fs::read_to_string(common.unwrap_or(git).join("config")).ok()?;
        Some((origin(&config)?, below))
    }

    /// What it is a checkout of, where git says so.
    pub(crate) fn checkout(&self) -> Option<Checkout> {
        let (remote, below) = self.remote()?;
        Checkout::new(&remote, &below)
    }

    /// The source of definitions kept in it, unless another is named: `git:` and the repository's name, or the folder's.
    pub(crate) fn source(&self) -> String {
        let repository = self.remote().and_then(|(remote, _)| {
            let last = remote
                .trim_end_matches('/')
                .trim_end_matches(".git")
                .rsplit(['/', ':'])
                .next()?;
            (!last.is_empty()).then(|| last.to_owned())
        });
        format!("git:{}", repository.unwrap_or_else(|| self.name()))
    }
}

/// The address of the remote `origin`, or of the only one, in a git config.
fn origin(config: &str) -> Option<String> {
    let mut remotes: Vec<(String, String)> = Vec::new();
    let mut section = None;
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            let name = line
                .strip_prefix("[remote \"")
                .and_then(|rest| rest.strip_suffix("\"]"));
            section = name.map(str::to_owned);
        } else if let (Some(name), Some((field, value))) = (&section, line.split_once('='))
            && field.trim() == "url"
        {
            remotes.push((name.clone(), value.trim().to_owned()));
        }
    }
    let only = remotes.len() == 1;
    remotes
        .into_iter()
        .find(|(name, _)| only || name == "origin")
        .map(|(_, url)| url)
}

impl Files for Folder {
    fn paths(&self) -> &[String] {
        &self.paths
    }

    fn read(&self, path: &str) -> std::result::Result<String, String> {
        let whole = self.root.join(path);
        let resolved = whole.canonicalize().map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => e.to_string(),
        })?;
        if !resolved.starts_with(&self.root) {
            return Err("it is a link that leads out of the folder, so it is not read".to_owned());
        }
        let size = resolved.metadata().map_err(|e| e.to_string())?.len();
        if size > MOST {
            return Err(format!("it has {size} bytes, and {MOST} are read at most"));
        }
        let bytes = std::fs::read(&resolved).map_err(|e| e.to_string())?;
        String::from_utf8(bytes)
            .map_err(|e| format!("it is no UTF-8 text (from byte {} on)", e.utf8_error().valid_up_to()))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_is_listed_or_read() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret.yaml"), "a: 1").unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/.git")).unwrap();
        std::fs::write(dir.path().join("a/b.yaml"), "a: 1").unwrap();
        std::fs::write(dir.path().join("a/.git/config"), "").unwrap();
        std::fs::write(dir.path().join("latin.yaml"), b"a: \xe9").unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(outside.path(), dir.path().join("out")).unwrap();
            std::os::unix::fs::symlink(dir.path(), dir.path().join("a/circle")).unwrap();
            std::os::unix::fs::symlink("a/b.yaml", dir.path().join("link.yaml")).unwrap();
            std::os::unix::fs::symlink("nowhere", dir.path().join("nothing.yaml")).unwrap();
        }
        let folder = Folder::open(dir.path()).unwrap();
        assert_eq!(folder.paths(), ["a/b.yaml", "latin.yaml", "link.yaml"]);
        assert_eq!(folder.read("link.yaml").unwrap(), "a: 1");
        folder.read("out/secret.yaml").unwrap_err();
        assert!(
            folder
                .read("latin.yaml")
                .unwrap_err()
                .contains("no UTF-8 text (from byte 3 on)")
        );
    }

    #[test]
    fn the_origin_of_a_git_config_is_found() {
        let config = "[core]\n\tbare = false\n[remote \"fork\"]\n\turl = https://x/y\n[remote \"origin\"]\n\turl = git@github.com:acme/shop.git\n\tfetch = +a\n";
        assert_eq!(origin(config).as_deref(), Some("git@github.com:acme/shop.git"));
        assert_eq!(
            origin("[remote \"up\"]\nurl=https://x/y\n").as_deref(),
            Some("https://x/y")
        );
        assert_eq!(origin("[core]\n"), None);
    }
}
