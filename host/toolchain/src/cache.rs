//! Where unpacked SDKs, installed tools and build folders are kept.

use crate::{
    Progress, embedded,
    error::{At as _, BuildError},
};
use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
};

/// Makes and builds plugins, with everything it needs in one cache folder.
#[derive(Debug, Clone)]
pub struct Toolchain {
    cache: PathBuf,
    sdk: PathBuf,
    wasm_target: PathBuf,
}

impl Toolchain {
    /// Uses `$SEAWALL_CACHE`, or `$XDG_CACHE_HOME/seawall`, or `~/.cache/seawall`. Rust plugins are built in its
    /// folder `target-wasm`, or in `$SEAWALL_WASM_TARGET_DIR`.
    ///
    /// # Errors
    /// [`BuildError::MissingTool`] where none of these is set, [`BuildError::Io`] where the folder cannot be written.
    pub fn from_env() -> Result<Self, BuildError> {
        let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = folder("SEAWALL_CACHE")
            .or_else(|| Some(folder("XDG_CACHE_HOME")?.join("seawall")))
            .or_else(|| Some(folder("HOME")?.join(".cache/seawall")))
            .ok_or_else(|| {
                BuildError::MissingTool(
                    "there is no place for a cache: set SEAWALL_CACHE to a folder, such as /var/cache/seawall"
                        .to_owned(),
                )
            })?;
        let mut tools = Self::in_cache(&cache)?;
        if let Some(target) = folder("SEAWALL_WASM_TARGET_DIR") {
            tools.wasm_target = std::path::absolute(&target).at("find", &target)?;
        }
        Ok(tools)
    }

    /// Uses this cache folder.
    ///
    /// # Errors
    /// [`BuildError::Io`] where it cannot be written.
    pub fn in_cache(cache: &Path) -> Result<Self, BuildError> {
        fs::create_dir_all(cache).at("make", cache)?;
        let cache = fs::canonicalize(cache).at("find", cache)?;
        let sdk = cache.join("sdk").join(embedded::version());
        let tools = Self {
            wasm_target: cache.join("target-wasm"),
            cache,
            sdk,
        };
        tools.once(&tools.sdk.clone(), embedded::unpack)?;
        Ok(tools)
    }

    /// The unpacked SDKs and WIT files: `wit/`, `sdk/rust/`, `sdk/js/`, `sdk/python/`.
    pub fn sdk(&self) -> &Path {
        &self.sdk
    }

    pub(crate) fn cache(&self) -> &Path {
        &self.cache
    }

    /// Where the languages' build programs keep components, by all that one is made of.
    pub(crate) fn components(&self) -> PathBuf {
        self.cache.join("components")
    }

    pub(crate) fn wasm_target_dir(&self) -> &Path {
        &self.wasm_target
    }

    /// Fills a folder of the cache, unless that was done before. A mark is written last, so what was cut off is begun
    /// anew. Processes that want the same folder wait for each other.
    pub(crate) fn once(
        &self,
        folder: &Path,
        fill: impl FnOnce(&Path) -> Result<(), BuildError>,
    ) -> Result<(), BuildError> {
        let mark = folder.join(".complete");
        if mark.exists() {
            return Ok(());
        }
        let _lock = self.lock(folder)?;
        if mark.exists() {
            return Ok(());
        }
        if folder.exists() {
            fs::remove_dir_all(folder).at("remove", folder)?;
        }
        fs::create_dir_all(folder).at("make", folder)?;
        fill(folder)?;
        fs::write(&mark, "").at("write", &mark)
    }

    fn lock(&self, folder: &Path) -> Result<File, BuildError> {
        let name = folder
            .strip_prefix(&self.cache)
            .unwrap_or(folder)
            .to_string_lossy()
            .replace(['/', '\\'], "-");
        let path = self.cache.join(format!("{name}.lock"));
        let file = File::create(&path).at("make", &path)?;
        file.lock().at("lock", &path)?;
        Ok(file)
    }
}

/// Says a line, for places that hold a [`Progress`] they may not need.
pub(crate) fn say(progress: Progress<'_>, line: impl AsRef<str>) {
    progress(line.as_ref());
}
