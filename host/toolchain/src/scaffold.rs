//! New plugins, from the SDKs' templates.

use crate::{
    Lang, Toolchain, embedded,
    error::{At as _, BuildError},
    lang::rust,
};
use seawall_domain::PluginName;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Stands in the templates for the plugin's name.
const NAME: &str = "{{name}}";

impl Toolchain {
    /// Writes a small working plugin: it reads `GET {base_url}/items`, a JSON list of objects with an `id`. Answers
    /// the files, by their path below the folder.
    ///
    /// # Errors
    /// [`BuildError::Invalid`] for a wrong name, [`BuildError::NotEmpty`] where the folder holds something,
    /// [`BuildError::Io`] where it cannot be written.
    pub fn new_plugin(&self, lang: Lang, name: &str, folder: &Path) -> Result<Vec<PathBuf>, BuildError> {
        let name = PluginName::new(name).map_err(|e| BuildError::Invalid(e.to_string()))?;
        fs::create_dir_all(folder).at("make", folder)?;
        if fs::read_dir(folder).at("read", folder)?.next().is_some() {
            return Err(BuildError::NotEmpty(folder.to_owned()));
        }
        let mut written = Vec::new();
        for (path, contents) in embedded::folder(&format!("sdk/{lang}/template")) {
            // `Cargo.toml.tmpl` and the like have another name in the template, so that no tool takes it for a project.
            let path = PathBuf::from(path.strip_suffix(".tmpl").unwrap_or(&path));
            let target = folder.join(&path);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent).at("make", parent)?;
            }
            match std::str::from_utf8(contents) {
                Ok(text) => fs::write(&target, text.replace(NAME, name.as_str())),
                Err(_) => fs::write(&target, contents),
            }
            .at("write", &target)?;
            written.push(path);
        }
        if lang == Lang::Rust {
            written.extend(rust::point_at_sdk(self, folder)?);
        }
        Ok(written)
    }
}
