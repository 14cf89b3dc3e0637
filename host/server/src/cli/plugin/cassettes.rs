//! The files of a plugin's cassettes, and the folders that a config names.

use crate::cli::error::{CliError, Result};
use seawall_domain::{
    cassette::{self, Cassette, ENDING, EXPECTED, FOLDER, Replacements},
    manifest::Manifest,
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The names of a plugin's cassettes, sorted.
///
/// # Errors
/// Where there are none.
pub(super) fn names(dir: &Path) -> Result<Vec<String>> {
    if !dir.is_dir() {
        return Err(CliError::Usage(format!(
            "there is no folder `{}`; name the plugin's folder, in which `plugin.yaml` is",
            dir.display()
        )));
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(dir.join(FOLDER)).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(EXPECTED) || name.starts_with('.') {
            continue;
        }
        names.extend(name.strip_suffix(ENDING).map(str::to_owned));
    }
    names.sort();
    if names.is_empty() {
        return Err(CliError::Usage(format!(
            "{}: there are no cassettes; record one against the real tool: `seawall plugin record {} --config NAME=VALUE`",
            dir.join(FOLDER).display(),
            dir.display()
        )));
    }
    Ok(names)
}

/// Where a cassette is.
pub(super) fn file(dir: &Path, name: &str) -> PathBuf {
    dir.join(FOLDER).join(format!("{name}{ENDING}"))
}

/// Where is what the plugin makes of it.
pub(super) fn expected_file(dir: &Path, name: &str) -> PathBuf {
    dir.join(FOLDER).join(format!("{name}{EXPECTED}"))
}

/// Reads a cassette; also gives its text.
pub(super) fn read(dir: &Path, name: &str) -> Result<(Cassette, String)> {
    let file = file(dir, name);
    let text = fs::read_to_string(&file).map_err(|e| CliError::Usage(format!("{}: {e}", file.display())))?;
    Ok((cassette::parse(&file.display().to_string(), &text)?, text))
}

/// Writes a file beside its place and renames it; whether it was another before.
pub(super) fn write(file: &Path, text: &str) -> Result<bool> {
    if fs::read_to_string(file).is_ok_and(|now| now == text) {
        return Ok(false);
    }
    let wrong = |e: std::io::Error| CliError::Failed(format!("{}: {e}", file.display()));
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(wrong)?;
    }
    let partial = file.with_extension("partial");
    fs::write(&partial, text).map_err(wrong)?;
    fs::rename(&partial, file).map_err(wrong)?;
    Ok(true)
}

/// Makes the directories that a plugin reads absolute: its grant knows no others, and cassettes name them as they lie in the
/// plugin's folder.
pub(super) fn absolute(manifest: &Manifest, config: &mut Value, base: &Path) -> Result {
    for name in folders(manifest) {
        let Some(text) = config[name].as_str().map(str::to_owned) else {
            continue;
        };
        let path = base.join(&text);
        let path = path
            .canonicalize()
            .map_err(|e| CliError::Usage(format!("the config's `{name}`: {}: {e}", path.display())))?;
        config[name] = path.display().to_string().into();
    }
    Ok(())
}

/// Writes such directories as they lie in the plugin's folder.
///
/// # Errors
/// Where one lies elsewhere: a test on another machine would not find it.
pub(super) fn relative(manifest: &Manifest, config: &Value, dir: &Path, replacements: &mut Replacements) -> Result {
    let dir = dir.canonicalize()?;
    for name in folders(manifest) {
        let Some(text) = config[name].as_str() else { continue };
        let Ok(inner) = Path::new(text).strip_prefix(&dir) else {
            return Err(CliError::Usage(format!(
                "the config's `{name}`: expected a directory in the plugin's folder, which goes with the cassette, found {text}; \
                 for example {}/tests/files",
                dir.display()
            )));
        };
        replacements.add(text, &inner.display().to_string());
    }
    Ok(())
}

/// Properties of the config that name a directory.
fn folders(manifest: &Manifest) -> Vec<&str> {
    let rules = manifest.capabilities.files.iter();
    let names = rules.flat_map(|rule| {
        rule.from
            .split('{')
            .skip(1)
            .filter_map(|part| Some(part.split_once('}')?.0))
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_is_told_from_one_without_cassettes() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let why = |dir: &Path| names(dir).map_err(|error| error.to_string());
        assert!(why(folder).is_err_and(|why| why.contains("there are no cassettes")));
        assert!(why(&folder.join("nowhere")).is_err_and(|why| why.starts_with("there is no folder")));
    }
}
