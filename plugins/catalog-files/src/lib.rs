//! Reads catalog files of a git repository or a directory: Backstage's entities and Kubernetes' objects.

mod backstage;
mod documents;
mod glob;
mod kubernetes;
mod pages;
mod reference;
mod walk;

use glob::Patterns;
use seawall_sdk::prelude::*;

struct Plugin;

/// Where the manifest has a repository's newest commit put.
const REPOSITORY: &str = "/repository";
/// Where it has the directory put.
const DIRECTORY: &str = "/checkout";

/// The integration's config, as plugin.yaml describes it. Repository and directory themselves are the host's to give.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Config {
    repository: Option<String>,
    #[serde(default)]
    backstage_files: Vec<String>,
    #[serde(default)]
    kubernetes_files: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
}

impl Ingestor for Plugin {
    /// All files are one slice.
    fn partitions(_scope: &Scope) -> Result<Vec<String>> {
        Ok(vec![".".into()])
    }

    fn pull(scope: &Scope, _partition: &str, cursor: Option<&str>) -> Result<Page> {
        let config: Config = scope.config()?;
        pull(config.root(), scope.kind(), &config, cursor)
    }
}

impl Config {
    fn root(&self) -> &'static str {
        match self.repository {
            Some(_) => REPOSITORY,
            None => DIRECTORY,
        }
    }
}

fn pull(root: &str, kind: &str, config: &Config, cursor: Option<&str>) -> Result<Page> {
    let exclude = Patterns::new(&config.exclude);
    let mut walk = walk::files(root)?;
    walk.files.retain(|file| !exclude.matches(file));
    match kind {
        "backstage-entity" => {
            let named = Patterns::new(&config.backstage_files);
            let files = backstage::select(root, &walk.files, &named, &exclude);
            pages::page(root, kind, &files, walk.problems, cursor, backstage::items)
        }
        "kubernetes-object" => {
            let named = Patterns::new(&config.kubernetes_files);
            let files = kubernetes::select(&walk.files, &named);
            pages::page(root, kind, &files, walk.problems, cursor, kubernetes::items)
        }
        other => Err(Failure::NotFound(format!("kind {other}"))),
    }
}

seawall_sdk::plugin!(Plugin: ingestor);

#[cfg(test)]
mod tests;
