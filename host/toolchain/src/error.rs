//! Why a plugin could not be made or built, in words for its author.

use std::{io, path::PathBuf};

/// Why a plugin could not be made or built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Files of the plugin are wrong; each line names a file, a place in it, what was expected and an example.
    #[error("{0}")]
    Invalid(String),
    /// The folder is no plugin in a known language.
    #[error(
        "{}: no plugin in a known language: expected Cargo.toml (Rust), package.json (JavaScript, TypeScript) or \
         pyproject.toml or plugin.py (Python); `seawall plugin new --lang rust NAME` makes one",
        .0.display()
    )]
    UnknownLanguage(PathBuf),
    /// A new plugin would overwrite something.
    #[error("{}: the folder is not empty; name another, or empty it", .0.display())]
    NotEmpty(PathBuf),
    /// The component is not what the manifest says.
    #[error("{file}: {reason}", file = .file.display())]
    Component {
        /// The manifest or the component.
        file: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// A tool of the language is absent or too old; the text says what to install.
    #[error("{0}")]
    MissingTool(String),
    /// A tool ended with an error.
    #[error("{what} failed ({status})\n{tail}")]
    Tool {
        /// What was being done.
        what: String,
        /// How it ended.
        status: String,
        /// Its last lines.
        tail: String,
    },
    /// A file could not be read or written.
    #[error("cannot {doing} {}: {source}", .path.display())]
    Io {
        /// What was being done, such as `read`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Adds the file's name to an I/O error.
pub(crate) trait At<T> {
    /// What was being done to which file.
    fn at(self, doing: &'static str, path: impl Into<PathBuf>) -> Result<T, BuildError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, doing: &'static str, path: impl Into<PathBuf>) -> Result<T, BuildError> {
        self.map_err(|source| BuildError::Io {
            doing,
            path: path.into(),
            source,
        })
    }
}
