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
  seawall plugin diff shelf ./shelf             to what was built in the folder of that name
  seawall plugin diff shelf@1.0.0 shelf@1.1.0
  seawall plugin diff old.wasm new.wasm -o json | jq '.differences[] | select(.effect == \"wider\")'")]
pub(crate) struct Diff {
    /// The component that is in use: what is installed by its name (the version in force), name@version or digest; else a file or a
    /// plugin's folder that was built (`./shelf`, where `shelf` is installed too)
    #[arg(value_name = "FILE|FOLDER|PLUGIN")]
    old: String,
    /// The one that would replace it
    #[arg(value_name = "FILE|FOLDER|PLUGIN")]
    new: String,
}

impl Diff {
    pub(super) async fn run(self, global: &Global) -> Result {
        let old = named(global, &self.old, true).await?;
        let new = named(global, &self.new, false).await?;
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
    /// `installed`, `file` or `folder`.
    from: &'static str,
}

impl Component {
    /// What the server says of one that is installed.
    fn of(named: &str, installed: &Value) -> Result<Self> {
        let unread = |e: &dyn std::fmt::Display| CliError::Failed(format!("the server's answer about `{named}`: {e}"));
        Ok(Self {
            digest: Digest::new(at(installed, "/digest")).map_err(|e| unread(&e))?,
            manifest: serde_json::from_value(installed["manifest"].clone()).map_err(|e| unread(&e))?,
            from: "installed",
        })
    }

    fn about(&self) -> Value {
        let manifest = &self.manifest;
        json!({"name": manifest.name, "version": manifest.version, "digest": self.digest, "from": self.from})
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

/// What a person named: what is installed by that name, where something is; else a file, or what was built in a folder. With a
/// separator or an ending it is a path, and no server is asked. `in_force` says that a name alone is that of the version in force.
async fn named(global: &Global, named: &str, in_force: bool) -> Result<Component> {
    let given = Path::new(named);
    let is_path = named.ends_with(".wasm") || named.starts_with(['.', '/', '~']);
    if !is_path && installed::can_name(named) {
        let asked = async {
            let client = Client::new(global)?;
            match in_force {
                true => in_use(&client, named).await,
                false => Component::of(named, &client.get(&["plugins", named]).await?),
            }
        };
        return match asked.await {
            Err(error) if error.is_not_found() && given.exists() => local(named),
            Err(error) => {
                if given.exists() {
                    eprintln!("note: `{named}` may be what is installed; write `./{named}` for what is in this folder");
                }
                Err(error)
            }
            found => found,
        };
    }
    if given.exists() {
        return local(named);
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

/// A file, or what was built in a folder.
fn local(named: &str) -> Result<Component> {
    let given = Path::new(named);
    let (file, from) = match given.is_dir() {
        true => (built(given)?, "folder"),
        false => (given.to_owned(), "file"),
    };
    let bytes = super::read(&file)?;
    let bundle = Bundle::extract(&bytes).map_err(|e| CliError::Usage(format!("{named}: {e}")))?;
    Ok(Component {
        digest: Digest::of(&bytes),
        manifest: bundle.manifest,
        from,
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
    let (old, new) = (&answer["old"], &answer["new"]);
    let version = |of: &Value| format!("{} {} ({})", at(of, "/name"), at(of, "/version"), at(of, "/from"));
    let mut head = format!("{} → {}", version(old), version(new));
    if old["name"] != new["name"] {
        let names = (at(old, "/name"), at(new, "/name"));
        head = format!(
            "The names differ: `{}` and `{}` are two plugins, and neither takes the other's place.\n{head}",
            names.0, names.1
        );
    }
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
