//! A folder of definitions as whoever reads it hands it in: this crate opens no files.

use std::collections::BTreeMap;

/// The files of a folder. Paths are relative to it, with `/` between names and without `.` and `..`.
pub trait Files {
    /// All of them, sorted.
    fn paths(&self) -> &[String];

    /// The text of one.
    ///
    /// # Errors
    /// Why it cannot be read, as the end of a sentence about the file.
    fn read(&self, path: &str) -> Result<String, String>;

    /// Whether there is such a file.
    fn has(&self, path: &str) -> bool {
        self.paths().binary_search_by(|known| known.as_str().cmp(path)).is_ok()
    }
}

/// Files in memory.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    paths: Vec<String>,
    texts: BTreeMap<String, String>,
}

impl<P: Into<String>, T: Into<String>> FromIterator<(P, T)> for Texts {
    fn from_iter<I: IntoIterator<Item = (P, T)>>(all: I) -> Self {
        let texts: BTreeMap<String, String> = all.into_iter().map(|(path, text)| (path.into(), text.into())).collect();
        Self {
            paths: texts.keys().cloned().collect(),
            texts,
        }
    }
}

impl Files for Texts {
    fn paths(&self) -> &[String] {
        &self.paths
    }

    fn read(&self, path: &str) -> Result<String, String> {
        let text = self.texts.get(path).cloned();
        text.ok_or_else(|| "there is no such file".to_owned())
    }
}

/// The folder of a path; empty for a file of the outermost folder.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last name of a path.
pub fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Whether a file's name ends so, in any case: `["yaml", "yml"]`.
pub fn has_extension(path: &str, extensions: &[&str]) -> bool {
    let extension = name(path).rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|found| extensions.iter().any(|one| one.eq_ignore_ascii_case(found)))
}

/// A path that is relative to `folder`, as one of the whole; none where it leads out.
pub fn resolve(folder: &str, target: &str) -> Option<String> {
    let mut names: Vec<&str> = folder.split('/').filter(|name| !name.is_empty()).collect();
    for name in target.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()?),
            name => names.push(name),
        }
    }
    Some(names.join("/"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leads_out_is_none() {
        assert_eq!(resolve("a/b", "../c.yaml").as_deref(), Some("a/c.yaml"));
        assert_eq!(resolve("a", "./b//c.yaml").as_deref(), Some("a/b/c.yaml"));
        assert_eq!(resolve("a", "../../c.yaml"), None);
        assert_eq!(resolve("", "../a/../b"), None);
    }

    #[test]
    fn files_are_found_by_their_path() {
        let files: Texts = [("b/c.yaml", "x"), ("a.yml", "y")].into_iter().collect();
        assert_eq!(files.paths(), ["a.yml", "b/c.yaml"]);
        assert!(files.has("a.yml") && !files.has("c.yaml"));
        assert_eq!(files.read("b/c.yaml").unwrap(), "x");
        assert!(has_extension("b/C.YAML", &["yaml"]) && !has_extension("a.b/c", &["b"]));
    }
}
