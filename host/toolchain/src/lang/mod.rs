//! The languages in which plugins are written.

pub(crate) mod js;
pub(crate) mod python;
pub(crate) mod rust;

use crate::error::BuildError;
use std::{fmt, path::Path, str::FromStr};

/// A language in which plugins are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lang {
    /// Rust.
    Rust,
    /// JavaScript and TypeScript: one toolchain, one template.
    Js,
    /// Python.
    Python,
}

impl Lang {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rust, Self::Js, Self::Python];

    /// The SDK's folder below `sdk/`, and what the command line calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Js => "js",
            Self::Python => "python",
        }
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Lang {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "rust" | "rs" => Ok(Self::Rust),
            "js" | "javascript" | "ts" | "typescript" => Ok(Self::Js),
            "python" | "py" => Ok(Self::Python),
            other => Err(format!(
                "`{other}` is no known language: expected rust, js, ts or python"
            )),
        }
    }
}

/// The language of a plugin's folder.
///
/// # Errors
/// [`BuildError::UnknownLanguage`] where it holds none of the files that tell.
pub fn detect(folder: &Path) -> Result<Lang, BuildError> {
    let has = |name: &str| folder.join(name).is_file();
    if has("Cargo.toml") {
        Ok(Lang::Rust)
    } else if has("package.json") {
        Ok(Lang::Js)
    } else if has("pyproject.toml") || has("plugin.py") {
        Ok(Lang::Python)
    } else {
        Err(BuildError::UnknownLanguage(folder.to_owned()))
    }
}
