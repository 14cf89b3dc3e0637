//! New plugins, from the SDKs' templates.

use crate::{
    Lang, Toolchain, embedded,
    error::{At as _, BuildError},
    lang::rust,
};
use seawall_domain::{PluginName, manifest};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The manifest's JSON Schema beside it.
const SCHEMA: &str = "plugin.schema.json";

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
        // Editors read it by the first line of plugin.yaml: they complete fields and show mistakes as they are written.
        let schema = folder.join(SCHEMA);
        fs::write(&schema, format!("{:#}\n", manifest::json_schema())).at("write", &schema)?;
        written.push(PathBuf::from(SCHEMA));
        if lang == Lang::Rust {
            rust::point_at_sdk(self, folder)?;
            written.push(PathBuf::from(rust::CONFIG));
        }
        Ok(written)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::{detect, project};

    #[test]
    fn a_new_plugin_is_one_that_can_be_read() {
        let cache = tempfile::tempdir().unwrap();
        let tools = Toolchain::in_cache(cache.path()).unwrap();
        for lang in Lang::ALL {
            let folder = cache.path().join("new").join(lang.as_str());
            let written = tools.new_plugin(lang, "stock-list", &folder).unwrap();
            assert!(written.iter().all(|file| folder.join(file).is_file()), "{written:?}");
            assert_eq!(detect(&folder).unwrap(), lang);
            let read = project::read(&folder).unwrap();
            assert_eq!(read.manifest.name.as_str(), "stock-list");
            assert_eq!((read.blueprints.len(), read.mapping.is_some()), (1, true));
            for file in written {
                assert!(
                    !fs::read_to_string(folder.join(&file)).unwrap().contains(NAME),
                    "{lang}: {}",
                    file.display()
                );
            }
        }
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let cache = tempfile::tempdir().unwrap();
        let tools = Toolchain::in_cache(cache.path()).unwrap();
        let refused = tools.new_plugin(Lang::Rust, "a", cache.path());
        assert!(matches!(refused, Err(BuildError::NotEmpty(_))), "{refused:?}");
        let refused = tools.new_plugin(Lang::Rust, "No Name", &cache.path().join("b"));
        assert!(matches!(refused, Err(BuildError::Invalid(_))), "{refused:?}");
        assert!(!cache.path().join("b").exists());
    }
}
