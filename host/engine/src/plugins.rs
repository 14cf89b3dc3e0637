//! Installed components.

use crate::{Engine, EngineError, Problem, Result};
use seawall_domain::{
    Digest, PluginName,
    bundle::{self, Bundle},
    grant::{Decision, Verdict},
};
use seawall_runtime::{ComponentFile, Plugin};
use seawall_store::PluginRow;
use std::{path::PathBuf, sync::PoisonError};

/// How a component stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PluginStatus {
    /// Nothing was decided: it does not run.
    AwaitingGrant,
    /// It may run.
    Granted,
    /// Its grant was taken back, or has ended.
    Revoked,
}

/// A component with how it stands.
#[derive(Debug, Clone)]
pub struct PluginView {
    /// What is installed.
    pub row: PluginRow,
    /// How it stands.
    pub status: PluginStatus,
    /// The decision in force.
    pub decision: Option<Decision>,
}

impl Engine {
    /// Installs a component: checks and compiles it, and keeps its bytes. It does not run before it is granted.
    /// Returns false where this digest was installed already.
    ///
    /// # Errors
    /// Where it is no component, has no manifest, imports what nobody offers, or its roles do not fit.
    pub async fn install(&self, bytes: Vec<u8>) -> Result<(PluginView, bool)> {
        let digest = Digest::of(&bytes);
        let known = self
            .inner
            .store
            .plugins()
            .await?
            .into_iter()
            .any(|p| p.digest == digest);
        let world = bundle::world(&bytes).map_err(|e| EngineError::invalid("", e.to_string()))?;
        let bundle = Bundle::extract(&bytes).map_err(|e| EngineError::invalid("", e.to_string()))?;
        self.check_bundle(&bundle)?;
        let path = self.component(&digest);
        write(&path, &bytes).await?;
        let size = bytes.len() as u64;
        self.load(&digest).await?;
        let row = PluginRow {
            digest: digest.clone(),
            bundle,
            size,
            installed_at: self.now(),
            imports: world.imports,
            exports: world.exports,
        };
        if !known {
            self.inner.store.put_plugin(&row).await?;
        }
        Ok((self.plugin(digest.as_str()).await?, !known))
    }

    fn check_bundle(&self, bundle: &Bundle) -> Result<()> {
        let mut problems = Vec::new();
        if let Some(mapping) = &bundle.mapping
            && let Err(errors) = seawall_domain::mapping::Mapping::compile(mapping)
        {
            problems.extend(errors.iter().map(|e| Problem::at("/mapping", e.to_string())));
        }
        for (i, blueprint) in bundle.blueprints.iter().enumerate() {
            if let Err(e) = seawall_domain::blueprint::CompiledBlueprint::new(blueprint.clone()) {
                problems.push(Problem::at(format!("/blueprints/{i}"), e.to_string()));
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(EngineError::Invalid(problems))
        }
    }

    /// All installed components, newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn plugins(&self) -> Result<Vec<PluginView>> {
        let decisions = self.inner.store.decisions(None).await?;
        let now = self.now();
        let view = |row: PluginRow| {
            let decision = decisions.iter().rev().find(|d| d.digest == row.digest).cloned();
            PluginView {
                status: status(decision.as_ref(), now),
                decision,
                row,
            }
        };
        Ok(self.inner.store.plugins().await?.into_iter().map(view).collect())
    }

    /// One component: by digest, by `name@version`, or the newest of a name.
    ///
    /// # Errors
    /// Where nothing is so named.
    pub async fn plugin(&self, reference: &str) -> Result<PluginView> {
        let all = self.plugins().await?;
        let names: Vec<String> = all.iter().map(|p| p.row.bundle.manifest.name.to_string()).collect();
        all.into_iter().find(|p| matches(p, reference)).ok_or_else(|| {
            match seawall_domain::text::nearest(reference, names.iter().map(String::as_str)) {
                Some(near) => EngineError::not_found_but("plugin", reference, format!("did you mean `{near}`?")),
                None => EngineError::not_found_but(
                    "plugin",
                    reference,
                    "install it with `seawall plugin install FILE.wasm`",
                ),
            }
        })
    }

    /// The newest granted component of a name; or the pinned one.
    pub(crate) async fn granted(&self, name: &PluginName, pinned: Option<&Digest>) -> Result<PluginView> {
        let all = self.plugins().await?;
        let mine: Vec<_> = all
            .into_iter()
            .filter(|p| p.row.bundle.manifest.name == *name && pinned.is_none_or(|d| p.row.digest == *d))
            .collect();
        if mine.is_empty() {
            let what = pinned.map_or_else(|| name.to_string(), |d| format!("{name}@{d}"));
            return Err(EngineError::not_found_but(
                "plugin",
                what,
                "install it with `seawall plugin install FILE.wasm`",
            ));
        }
        mine.into_iter().find(|p| p.status == PluginStatus::Granted).ok_or_else(|| {
            EngineError::Conflict(format!(
                "the plugin `{name}` is not granted; look with `seawall grant show {name}`, then `seawall grant approve {name}`"
            ))
        })
    }

    /// The component, loaded once.
    pub(crate) async fn load(&self, digest: &Digest) -> Result<Plugin> {
        if let Some(plugin) = self
            .inner
            .plugins
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(digest)
        {
            return Ok(plugin.clone());
        }
        let path = self.component(digest);
        let runtime = self.inner.runtime.clone();
        let expected = digest.clone();
        // Compiling takes seconds: a thread of its own.
        let load = move || {
            let bytes = ComponentFile::open(&path).map_err(|source| EngineError::File {
                path: path.display().to_string(),
                source,
            })?;
            let found = Digest::of(&bytes);
            if found != expected {
                return Err(EngineError::Conflict(format!(
                    "{} was changed since it was installed: its digest is {found}; install the plugin again",
                    path.display()
                )));
            }
            runtime
                .load(&bytes, found)
                .map_err(|e| EngineError::invalid("", e.to_string()))
        };
        let plugin = tokio::task::spawn_blocking(load).await??;
        self.inner
            .plugins
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(digest.clone(), plugin.clone());
        Ok(plugin)
    }

    fn component(&self, digest: &Digest) -> PathBuf {
        self.inner.folder.join(format!("{}.wasm", &digest.as_str()[7..]))
    }
}

fn matches(plugin: &PluginView, reference: &str) -> bool {
    let manifest = &plugin.row.bundle.manifest;
    reference == manifest.name.as_str()
        || reference == plugin.row.digest.as_str()
        || reference.split_once('@').is_some_and(|(name, version)| {
            name == manifest.name.as_str()
                && (version == manifest.version.to_string() || version == plugin.row.digest.as_str())
        })
}

fn status(decision: Option<&Decision>, now: i64) -> PluginStatus {
    match decision {
        None => PluginStatus::AwaitingGrant,
        Some(Decision {
            verdict: Verdict::Approved,
            grant: Some(grant),
            ..
        }) if grant.is_active(now) => PluginStatus::Granted,
        Some(_) => PluginStatus::Revoked,
    }
}

async fn write(path: &std::path::Path, bytes: &[u8]) -> Result<()> {
    let file = |source| EngineError::File {
        path: path.display().to_string(),
        source,
    };
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder).await.map_err(file)?;
    }
    // Written beside and renamed, so that a crash leaves no half of a component under its name.
    let partial = path.with_extension("partial");
    tokio::fs::write(&partial, bytes).await.map_err(file)?;
    tokio::fs::rename(&partial, path).await.map_err(file)
}
