//! `seawall plugin diff`.

use crate::cli::{
    Global,
    client::Client,
    error::{CliError, Result},
    grant::DIFFERENCES,
    output::{at, table},
};
use seawall_domain::{
    Digest,
    bundle::Bundle,
    manifest::{Effect, Manifest, differences},
};
use seawall_registry::Reference;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Shows what a version of a plugin asks beyond another, and no longer, without running either. Exit code 1 where it asks for
/// more: for checks before an upgrade
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall plugin diff shelf-1.0.wasm shelf-1.1.wasm
  seawall plugin diff shelf shelf-1.1.wasm      from what is installed
  seawall plugin diff shelf@1.0.0 shelf@1.1.0
  seawall plugin diff old.wasm new.wasm -o json | jq '.differences[] | select(.effect == \"wider\")'")]
pub(crate) struct Diff {
    /// The component that is in use: a file, a plugin's folder that was built, or what is installed by its name (the version in
    /// force), name@version or digest
    #[arg(value_name = "FILE|FOLDER|PLUGIN")]
    old: String,
    /// The one that would replace it
    #[arg(value_name = "FILE|FOLDER|PLUGIN")]
    new: String,
}

impl Diff {
    pub(super) async fn run(self, global: &Global) -> Result {
        let (old, new) = (in_use(global, &self.old).await?, read(global, &self.new).await?);
        let found = differences(&old.manifest, &new.manifest);
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
    manifest: Manifest,
}

impl Component {
    fn about(&self) -> Value {
        let manifest = &self.manifest;
        json!({"name": manifest.name, "version": manifest.version, "digest": self.digest})
    }
}

/// The same, but of a name alone the version that is in force, where a newer one waits beside it.
async fn in_use(global: &Global, named: &str) -> Result<Component> {
    if !is_file(named) {
        let newest = Client::new(global)?.get(&["plugins", named]).await?;
        let other = newest["grant"]["upgrade"]["digest"].as_str();
        if let Some(other) = other.filter(|_| newest["name"] == named) {
            return read(global, other).await;
        }
    }
    read(global, named).await
}

fn is_file(named: &str) -> bool {
    Path::new(named).exists() || named.contains('/') || named.ends_with(".wasm")
}

/// A file or what was built in a folder, where there is one, or where the name is that of a file; else what is installed.
async fn read(global: &Global, named: &str) -> Result<Component> {
    let given = Path::new(named);
    let file = &match given.is_dir() {
        true => built(given)?,
        false => given.to_owned(),
    };
    if !file.exists() && !named.ends_with(".wasm") && Reference::parse(named).is_ok() && named.contains('/') {
        return Err(CliError::Usage(format!(
            "`{named}` is no file; a diff takes a component, a plugin's folder that was built, or what is installed (name, \
             name@version or digest). What a registry has is pulled first: `seawall plugin pull {named}`"
        )));
    }
    if is_file(named) {
        let bytes = super::read(file)?;
        let bundle = Bundle::extract(&bytes).map_err(|e| CliError::Usage(format!("{named}: {e}")))?;
        return Ok(Component {
            digest: Digest::of(&bytes),
            manifest: bundle.manifest,
        });
    }
    let installed = Client::new(global)?.get(&["plugins", named]).await?;
    let unread = |e: &dyn std::fmt::Display| CliError::Failed(format!("the server's answer about `{named}`: {e}"));
    Ok(Component {
        digest: Digest::new(at(&installed, "/digest")).map_err(|e| unread(&e))?,
        manifest: serde_json::from_value(installed["manifest"].clone()).map_err(|e| unread(&e))?,
    })
}

/// The one component that `seawall plugin build` has put into a folder's `dist`.
fn built(folder: &Path) -> Result<PathBuf> {
    let dist = folder.join("dist");
    let entries = std::fs::read_dir(&dist).into_iter().flatten().flatten();
    let is_component = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "wasm");
    let mut all: Vec<_> = entries.map(|entry| entry.path()).filter(is_component).collect();
    match (all.pop(), all.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(_), false) => Err(CliError::Usage(format!(
            "{} holds several components; name one of them",
            dist.display()
        ))),
        (None, _) => Err(CliError::Usage(format!(
            "{} holds no component; build it first: `seawall plugin build {}`",
            dist.display(),
            folder.display()
        ))),
    }
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
