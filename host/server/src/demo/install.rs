//! Finding the built plugins, installing them and granting what they ask.

use crate::cli::{
    client::{Body, Client},
    error::{CliError, Result},
    follow::style,
};
use indicatif::{HumanDuration, MultiProgress, ProgressBar};
use seawall_domain::{bundle::Bundle, provenance::Provenance};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Plugins that the demo does not start without.
const NEEDED: [&str; 4] = ["prometheus", "unleash", "openbao", "catalog-files"];

/// A built plugin.
pub(super) struct Component {
    name: String,
    bytes: Vec<u8>,
}

/// All components in `folder`, those that the demo needs among them.
pub(super) fn find(folder: &Path) -> Result<Vec<Component>> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for plugin in fs::read_dir(folder).into_iter().flatten().flatten() {
        let built = fs::read_dir(plugin.path().join("dist")).into_iter().flatten().flatten();
        paths.extend(
            built
                .map(|file| file.path())
                .filter(|path| path.extension().is_some_and(|end| end == "wasm")),
        );
    }
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let bytes = fs::read(&path).map_err(|e| CliError::Failed(format!("{}: {e}", path.display())))?;
        let bundle = Bundle::extract(&bytes).map_err(|e| CliError::Failed(format!("{}: {e}", path.display())))?;
        found.push(Component {
            name: bundle.manifest.name.to_string(),
            bytes,
        });
    }
    let missing: Vec<_> = NEEDED
        .iter()
        .filter(|name| !found.iter().any(|component| component.name == **name))
        .copied()
        .collect();
    if missing.is_empty() {
        return Ok(found);
    }
    Err(CliError::Usage(format!(
        "{}: these plugins are not built yet: {}; build them with `cargo xtask plugins`, or each with `seawall plugin build {}/NAME`",
        folder.display(),
        missing.join(", "),
        folder.display(),
    )))
}

/// Installs all, side by side, and grants what they ask; answers their names.
pub(super) async fn all(client: &Client, components: Vec<Component>, bars: &MultiProgress) -> Result<Vec<String>> {
    let one = |component: Component| async move {
        let Component { name, bytes } = component;
        let started = Instant::now();
        let bar = bars.add(ProgressBar::new_spinner().with_style(style("{spinner} {msg} {elapsed}")));
        let doing = format!("{name}: checking and compiling {} KB", bytes.len() / 1024);
        if bar.is_hidden() {
            eprintln!("{doing}");
        }
        bar.set_message(doing);
        bar.enable_steady_tick(Duration::from_millis(100));
        let plugin = client
            .post(&["plugins"], Body::Plugin(bytes, Provenance::file()))
            .await?;
        let digest = plugin["digest"].as_str().unwrap_or_default().to_owned();
        let grant = json!({
            "private_ranges": ["127.0.0.0/8"], "plaintext_to_loopback": true, "by": "demo",
            "reason": "the demo's own sample platform, on loopback",
        });
        client.put(&["plugins", &digest, "grant"], grant).await?;
        bar.finish_and_clear();
        let version = plugin["version"].as_str().unwrap_or_default();
        let line = format!(
            "{name} {version} is installed and granted ({})",
            HumanDuration(started.elapsed())
        );
        if bar.is_hidden() {
            eprintln!("{line}");
        } else {
            bars.println(line)?;
        }
        Ok::<_, CliError>(name)
    };
    futures::future::try_join_all(components.into_iter().map(one)).await
}
