//! `seawall plugin build`.

use super::steps;
use crate::cli::{Global, error::Result};
use serde_json::json;
use std::path::PathBuf;

/// Builds a plugin: checks manifest, blueprints and mapping, compiles the source, and puts all of it into one file
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall plugin build
  seawall plugin build plugins/unleash --out unleash.wasm

What a language needs is found on the machine, or installed once into a cache (SEAWALL_CACHE, ~/.cache/seawall).")]
pub(crate) struct Build {
    /// The plugin's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// The file to write [default: dist/NAME.wasm in the plugin's folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Build faster; the code is larger and slower (Rust only)
    #[arg(long)]
    debug: bool,
}

impl Build {
    pub(super) fn run(self, global: &Global) -> Result {
        let built = tokio::task::block_in_place(|| steps::build(&self.dir, !self.debug, self.out))?;
        let manifest = &built.bundle.manifest;
        let answer = json!({
            "name": manifest.name, "version": manifest.version, "path": built.path, "digest": built.digest, "size": built.size,
        });
        global.output().one(&answer, |_| {
            format!("{}\n{} bytes, {}", built.path.display(), built.size, built.digest)
        })
    }
}
