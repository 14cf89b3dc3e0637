//! `seawall plugin new`.

use crate::cli::{Global, error::Result};
use seawall_toolchain::{Lang, Toolchain};
use serde_json::json;
use std::path::PathBuf;

/// Starts a plugin from a template: a small one that works, and lists the items of `GET {base_url}/items`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall plugin new --lang rust inventory
  seawall plugin new --lang ts inventory --dir plugins/inventory
  seawall plugin new --lang python inventory")]
pub(crate) struct New {
    /// Its name: lower-case letters, digits and dashes
    name: String,
    /// The language: rust, js, ts or python
    #[arg(long, value_name = "LANG")]
    lang: Lang,
    /// Where to write it [default: a folder of its name here]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl New {
    pub(super) fn run(self, global: &Global) -> Result {
        let folder = self.dir.unwrap_or_else(|| PathBuf::from(&self.name));
        let files = Toolchain::from_env()?.new_plugin(self.lang, &self.name, &folder)?;
        if !global.output().is_table() {
            return global.output().data(&json!({"folder": folder, "files": files}));
        }
        let folder = folder.display();
        let files: Vec<_> = files
            .iter()
            .map(|file| format!("  {folder}/{}", file.display()))
            .collect();
        global.output().text(&format!(
            "{}\n\nTry it on a tool, again on every save:\n  seawall plugin dev {folder} --config base_url=http://127.0.0.1:8080\n\
             Keep the tool's answers, and test with them, offline:\n  seawall plugin record {folder} --config base_url=http://127.0.0.1:8080\n  seawall plugin test {folder}\n\
             Put it to work:\n  seawall plugin install {folder} --approve --private 127.0.0.0/8 --config base_url=http://127.0.0.1:8080",
            files.join("\n")
        ))
    }
}
