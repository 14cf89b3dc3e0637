//! Reads catalog files of a directory: Backstage's entities and Kubernetes' objects.

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

/// Where the manifest has the directory put.
const ROOT: &str = "/checkout";

/// The integration's config, as plugin.yaml describes it. The directory itself is the host's to give.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Config {
    #[serde(default)]
    backstage_files: Vec<String>,
    #[serde(default)]
    kubernetes_files: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
}

impl Ingestor for Plugin {
    /// The directory is one slice.
    fn partitions(_scope: &Scope) -> Result<Vec<String>> {
        Ok(vec![".".into()])
    }

    fn pull(scope: &Scope, _partition: &str, cursor: Option<&str>) -> Result<Page> {
        pull(ROOT, scope.kind(), &scope.config()?, cursor)
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
