//! `seawall plugin diff`.

use crate::cli::{
    Global,
    error::{CliError, Result},
    grant::DIFFERENCES,
    output::{at, table},
};
use seawall_domain::{
    Digest,
    bundle::Bundle,
    manifest::{Effect, differences},
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Shows what a version of a plugin asks beyond another, and no longer, without running either. Exit code 1 where it asks for
/// more: for checks before an upgrade
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall plugin diff shelf-1.0.wasm shelf-1.1.wasm
  seawall plugin diff old.wasm new.wasm -o json | jq '.differences[] | select(.effect == \"wider\")'")]
pub(crate) struct Diff {
    /// The component that is in use
    old: PathBuf,
    /// The one that would replace it
    new: PathBuf,
}

impl Diff {
    pub(super) fn run(self, global: &Global) -> Result {
        let (old, new) = (read(&self.old)?, read(&self.new)?);
        let found = differences(&old.bundle.manifest, &new.bundle.manifest);
        let answer = json!({"old": old.about(), "new": new.about(), "differences": found});
        global.output().one(&answer, people)?;
        if found.iter().any(|difference| difference.effect == Effect::Wider) {
            Err(CliError::Unwell)
        } else {
            Ok(())
        }
    }
}

struct Component {
    digest: Digest,
    bundle: Bundle,
}

impl Component {
    fn about(&self) -> Value {
        let manifest = &self.bundle.manifest;
        json!({"name": manifest.name, "version": manifest.version, "digest": self.digest})
    }
}

fn read(file: &Path) -> Result<Component> {
    let bytes = super::read(file)?;
    let bundle = Bundle::extract(&bytes).map_err(|e| CliError::Usage(format!("{}: {e}", file.display())))?;
    Ok(Component {
        digest: Digest::of(&bytes),
        bundle,
    })
}

fn people(answer: &Value) -> String {
    let version = |which: &str| format!("{} {}", at(&answer[which], "/name"), at(&answer[which], "/version"));
    let head = format!("{} → {}", version("old"), version("new"));
    let differences = answer["differences"].as_array().map_or(&[][..], Vec::as_slice);
    if differences.is_empty() {
        let same = answer["old"]["digest"] == answer["new"]["digest"];
        let what = if same {
            "the same component"
        } else {
            "other code, which asks for the same"
        };
        return format!("{head}: {what}");
    }
    format!("{head}\n\n{}", table(differences, DIFFERENCES))
}
