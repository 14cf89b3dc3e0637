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
    installed,
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
        let old = match Named::read(&self.old)? {
            Named::File(component) => *component,
            Named::Installed(name) => in_use(&Client::new(global)?, name).await?,
        };
        let new = match Named::read(&self.new)? {
            Named::File(component) => *component,
            Named::Installed(name) => Component::of(name, &Client::new(global)?.get(&["plugins", name]).await?)?,
        };
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
    /// What the server says of one that is installed.
    fn of(named: &str, installed: &Value) -> Result<Self> {
        let unread = |e: &dyn std::fmt::Display| CliError::Failed(format!("the server's answer about `{named}`: {e}"));
        Ok(Self {
            digest: Digest::new(at(installed, "/digest")).map_err(|e| unread(&e))?,
            manifest: serde_json::from_value(installed["manifest"].clone()).map_err(|e| unread(&e))?,
        })
    }

    fn about(&self) -> Value {
        let manifest = &self.manifest;
        json!({"name": manifest.name, "version": manifest.version, "digest": self.digest})
    }
}

/// What is installed of a name: the version in force, where a newer one waits beside it; or what a reference says.
async fn in_use(client: &Client, named: &str) -> Result<Component> {
    let newest = client.get(&["plugins", named]).await?;
    let other = newest["grant"]["upgrade"]["digest"].as_str();
    match other.filter(|_| newest["name"] == named) {
        Some(other) => Component::of(other, &client.get(&["plugins", other]).await?),
        None => Component::of(named, &newest),
    }
}

/// What a person named: a component that was read, or what the server knows by this name.
enum Named<'a> {
    File(Box<Component>),
    Installed(&'a str),
}

impl<'a> Named<'a> {
    /// A file or what was built in a folder, where there is one, or where the name can be that of nothing else.
    fn read(named: &'a str) -> Result<Self> {
        let given = Path::new(named);
        if given.is_dir() {
            return Self::file(named, &built(given)?);
        }
        if given.exists() {
            return Self::file(named, given);
        }
        let is_path = named.ends_with(".wasm") || named.starts_with(['.', '/', '~']);
        if !is_path && installed::can_name(named) {
            return Ok(Self::Installed(named));
        }
        let none = format!("there is no file `{named}`");
        let reference = (named.contains('/') && !is_path).then(|| Reference::parse(named));
        Err(CliError::Usage(match reference {
            Some(Ok(_)) => format!("{none}; what a registry has is pulled first: `seawall plugin pull {named}`"),
            Some(Err(why)) => format!("{none}, and {why}"),
            None => format!(
                "{none}; expected a component (a file NAME.wasm), a plugin's folder that was built, or what is installed, by {}",
                installed::FORMS
            ),
        }))
    }

    fn file(named: &str, file: &Path) -> Result<Self> {
        let bytes = super::read(file)?;
        let bundle = Bundle::extract(&bytes).map_err(|e| CliError::Usage(format!("{named}: {e}")))?;
        Ok(Self::File(Box::new(Component {
            digest: Digest::of(&bytes),
            manifest: bundle.manifest,
        })))
    }
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
