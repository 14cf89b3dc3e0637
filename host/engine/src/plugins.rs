//! Installed components.

use crate::{Engine, EngineError, Problem, Result, Standing};
use seawall_domain::{
    Digest, PluginName,
    bundle::{self, Bundle},
    grant::{Decision, Grant, How, Verdict},
    manifest::{Effect, differences},
    provenance::Provenance,
};
use seawall_runtime::{ComponentFile, Plugin};
use seawall_store::{InstallationRow, PluginRow};
use std::{path::PathBuf, sync::PoisonError};

/// How a component stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PluginStatus {
    /// Nothing was decided: it does not run.
    AwaitingGrant,
    /// It may run.
    Granted,
    /// Its grant was taken back.
    Revoked,
    /// Its grant has ended.
    Expired,
    /// It is no longer installed.
    Removed,
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
    /// Where it came from, who signed it, and whether the policy in force is against it.
    pub standing: Standing,
}

impl Engine {
    /// Installs a component: checks and compiles it, and keeps its bytes, where it came from and its signatures. It does not run
    /// before it is granted. Returns false where this digest was installed already.
    ///
    /// # Errors
    /// Where it is no component, has no manifest, imports what nobody offers, its roles do not fit, or its signatures are about
    /// something else; [`EngineError::Forbidden`] where the policy does not trust it.
    pub async fn install(&self, bytes: Vec<u8>, provenance: Provenance, by: String) -> Result<(PluginView, bool)> {
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
        let signers = self.admit(&bundle.manifest.name, &digest, &provenance).await?;
        let path = self.component(&digest);
        write(&path, &bytes).await?;
        self.inner.store.put_component(&digest, &bytes).await?;
        let size = bytes.len() as u64;
        self.compiled(&digest).await?;
        let installation = InstallationRow {
            digest: digest.clone(),
            by: by.clone(),
            at: self.now(),
            provenance,
            signers,
        };
        let row = PluginRow {
            digest: digest.clone(),
            bundle,
            size,
            installed_at: self.now(),
            imports: world.imports,
            exports: world.exports,
            installed_by: Some(by),
            removed_at: None,
        };
        if !known {
            self.inner.store.put_plugin(&row).await?;
        }
        let is_news = self.record(installation).await?;
        if !known {
            self.pass_on(&row).await?;
        } else if is_news {
            // What it lacked before may be what integrations wait for.
            for row in self.inner.store.integrations().await? {
                self.inner.supervisors.wake(&row.integration.name);
            }
        }
        Ok((self.plugin(digest.as_str()).await?, !known))
    }

    /// Puts a version in force that asks for nothing beyond the one that is, on the same terms. One that asks for more waits
    /// for a person, while the other goes on; so does one that somebody took back or refused, also where it was removed since.
    async fn pass_on(&self, row: &PluginRow) -> Result<()> {
        let decisions = self.inner.store.decisions(Some(&row.digest)).await?;
        if decisions.last().is_some_and(|last| last.verdict == Verdict::Revoked) {
            return Ok(());
        }
        let manifest = &row.bundle.manifest;
        let Some(before) = self.in_force(&manifest.name).await? else {
            return Ok(());
        };
        let old = &before.row.bundle.manifest;
        let (Some(decided), Some(grant)) = (&before.decision, carried(&before, row)) else {
            return Ok(());
        };
        let policy = self.policy().await?;
        if Self::bans_of(&policy).is_err() || !policy.objections(&grant, manifest, self.now()).is_empty() {
            return Ok(());
        }
        let decision = Decision {
            digest: row.digest.clone(),
            verdict: Verdict::Approved,
            grant: Some(grant),
            by: "seawall".into(),
            reason: Some(format!(
                "asks for nothing beyond {} ({}), which is granted",
                old.version,
                before.row.digest.short()
            )),
            at: self.now(),
            rests_on: Some(decided.carries(How::CarriedOver)),
        };
        let view = self.plugin(row.digest.as_str()).await?;
        self.decide(&view, Some(&before), decision).await?;
        self.put_in_force(row).await
    }

    /// What the policy has against a version that asks for nothing beyond the one in force going on with that one's grant.
    ///
    /// # Errors
    /// The database's.
    pub async fn against_carrying(&self, in_force: &PluginView, row: &PluginRow) -> Result<Vec<String>> {
        let Some(grant) = carried(in_force, row) else {
            return Ok(Vec::new());
        };
        let all = self
            .policy()
            .await?
            .objections(&grant, &row.bundle.manifest, self.now());
        Ok(all.into_iter().map(|(_, why)| why).collect())
    }

    /// The component that integrations of this plugin run, where they pin none: the one that was put in force last. Where its grant
    /// was taken back or has ended, or it was removed, none is: another version, which may do more, is put in force by a person.
    /// Where none ever was, the newest that is granted.
    ///
    /// # Errors
    /// The database's.
    pub async fn in_force(&self, name: &PluginName) -> Result<Option<PluginView>> {
        let chosen = self.chosen(name).await?;
        let mut granted = self.plugins().await?.into_iter();
        Ok(granted.find(|p| {
            p.row.bundle.manifest.name == *name
                && p.status == PluginStatus::Granted
                && chosen.as_deref().is_none_or(|chosen| p.row.digest.as_str() == chosen)
        }))
    }

    /// The digest of the version that was put in force last, however it stands.
    async fn chosen(&self, name: &PluginName) -> Result<Option<String>> {
        let chosen = self.inner.store.setting(&in_force(name)).await?;
        Ok(chosen.and_then(|chosen| chosen.as_str().map(str::to_owned)))
    }

    /// Lets integrations that pin no version go on with this one. Calls in flight end on the version that they began with.
    pub(crate) async fn put_in_force(&self, row: &PluginRow) -> Result<()> {
        let name = &row.bundle.manifest.name;
        let store = &self.inner.store;
        store.put_setting(&in_force(name), &row.digest.as_str().into()).await?;
        for integration in store.integrations().await? {
            let integration = integration.integration;
            if integration.plugin == *name && integration.digest.is_none() {
                self.forget_site_of_others(&integration.name, &row.digest);
                self.inner.supervisors.wake(&integration.name);
            }
        }
        Ok(())
    }

    /// Puts a granted version in force again: the one that is named, or else the one that was granted last before the one that
    /// is in force. On the terms that it has.
    ///
    /// # Errors
    /// Where there is no such version, or it is not granted.
    pub async fn roll_back(
        &self,
        name: &str,
        to: Option<&str>,
        by: String,
        reason: Option<String>,
    ) -> Result<PluginView> {
        let newest = self.plugin(name).await?;
        let name = newest.row.bundle.manifest.name.clone();
        let current = self.in_force(&name).await?;
        let is_current = |p: &PluginView| current.as_ref().is_some_and(|c| c.row.digest == p.row.digest);
        let view = match to {
            Some(reference) => {
                let view = self.plugin(reference).await?;
                if view.row.bundle.manifest.name != name {
                    let found = &view.row.bundle.manifest.name;
                    return Err(EngineError::invalid(
                        "/to",
                        format!("expected a version of `{name}`, found `{found}`"),
                    ));
                }
                view
            }
            None => {
                let mut others: Vec<_> = self.plugins().await?;
                others.retain(|p| {
                    p.row.bundle.manifest.name == name && p.status == PluginStatus::Granted && !is_current(p)
                });
                let last = others.into_iter().max_by_key(|p| p.decision.as_ref().map(|d| d.at));
                last.ok_or_else(|| {
                    EngineError::Conflict(format!(
                        "no other version of `{name}` is granted; `seawall plugin list` shows those that are installed"
                    ))
                })?
            }
        };
        if is_current(&view) {
            let version = &view.row.bundle.manifest.version;
            return Err(EngineError::Conflict(format!("`{name}` {version} is in force already")));
        }
        let grant = view.decision.as_ref().filter(|_| view.status == PluginStatus::Granted);
        let Some((decided, grant)) = grant.and_then(|decision| Some((decision, decision.grant.clone()?))) else {
            let version = &view.row.bundle.manifest.version;
            return Err(EngineError::Conflict(format!(
                "`{name}` {version} is not granted; `seawall grant approve {name}@{version}` grants it and puts it in force"
            )));
        };
        self.permit(&view, &grant, &by).await?;
        let decision = Decision {
            digest: view.row.digest.clone(),
            verdict: Verdict::Approved,
            grant: Some(grant),
            by,
            reason: Some(reason.unwrap_or_else(|| "put in force again".into())),
            at: self.now(),
            rests_on: Some(decided.carries(How::RolledBack)),
        };
        self.decide(&view, current.as_ref(), decision).await?;
        self.put_in_force(&view.row).await?;
        Ok(view)
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
        self.views_of(self.inner.store.plugins().await?).await
    }

    /// Those that were removed, the last removed first.
    ///
    /// # Errors
    /// The database's.
    pub async fn removed_plugins(&self) -> Result<Vec<PluginView>> {
        self.views_of(self.inner.store.removed_plugins().await?).await
    }

    async fn views_of(&self, rows: Vec<PluginRow>) -> Result<Vec<PluginView>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let decisions = self.inner.store.decisions(None).await?;
        let installations = self.installations().await?;
        let trust = self.policy().await?.trust;
        let now = self.now();
        let view = |row: PluginRow| {
            let decision = decisions.iter().rev().find(|d| d.digest == row.digest).cloned();
            PluginView {
                status: match row.removed_at {
                    Some(_) => PluginStatus::Removed,
                    None => status(decision.as_ref(), now),
                },
                decision,
                standing: Standing::of(
                    &trust,
                    &row.bundle.manifest.name,
                    &row.digest,
                    installations.get(&row.digest),
                ),
                row,
            }
        };
        Ok(rows.into_iter().map(view).collect())
    }

    /// The component of a name that is in force; or the pinned one.
    pub(crate) async fn granted(&self, name: &PluginName, pinned: Option<&Digest>) -> Result<PluginView> {
        if pinned.is_none()
            && let Some(view) = self.in_force(name).await?
        {
            return Ok(view);
        }
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
        if pinned.is_some()
            && let Some(granted) = mine.iter().find(|p| p.status == PluginStatus::Granted)
        {
            return Ok(granted.clone());
        }
        let chosen = match pinned {
            Some(pinned) => Some(pinned.to_string()),
            None => self.chosen(name).await?,
        };
        Err(EngineError::Conflict(not_granted(name, &mine, chosen.as_deref())))
    }

    /// The component, ready to be called.
    pub(crate) async fn load(&self, digest: &Digest) -> Result<Plugin> {
        self.admitted(digest).await?;
        self.compiled(digest).await
    }

    /// The component, compiled once.
    async fn compiled(&self, digest: &Digest) -> Result<Plugin> {
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
        if !tokio::fs::try_exists(&path).await.unwrap_or(true)
            && let Some(bytes) = self.inner.store.component(digest).await?
        {
            // Another process installed it, or the folder is a new one.
            write(&path, &bytes).await?;
        }
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

    pub(crate) fn component(&self, digest: &Digest) -> PathBuf {
        self.inner.folder.join(format!("{}.wasm", &digest.as_str()[7..]))
    }
}

/// The grant of the version in force for another one that asks for nothing beyond it.
fn carried(in_force: &PluginView, row: &PluginRow) -> Option<Grant> {
    let (old, new) = (&in_force.row.bundle.manifest, &row.bundle.manifest);
    let is_wider = differences(old, new)
        .iter()
        .any(|difference| difference.effect == Effect::Wider);
    let grant = in_force
        .decision
        .as_ref()
        .and_then(|decision| decision.grant.as_ref())?;
    (!is_wider).then(|| grant.carried_to(row.digest.clone(), new))
}

/// Why no version of a plugin runs, and what to do. `chosen` is the one that is pinned, or that was put in force last.
fn not_granted(name: &PluginName, mine: &[PluginView], chosen: Option<&str>) -> String {
    let view = mine.iter().find(|p| Some(p.row.digest.as_str()) == chosen);
    let ended = view.and_then(|view| match view.status {
        PluginStatus::Expired => Some((view, "has ended")),
        PluginStatus::Revoked => Some((view, "was taken back")),
        _ => None,
    });
    let (what, reference) = match (ended, view, chosen) {
        (Some((view, ended)), ..) => (
            format!("the grant of `{name}` {} {ended}", view.row.bundle.manifest.version),
            format!("{name}@{}", view.row.digest.short()),
        ),
        (None, None, Some(_)) => (
            format!("the version of `{name}` that was in force was removed"),
            name.to_string(),
        ),
        _ => (format!("the plugin `{name}` is not granted"), name.to_string()),
    };
    let another = match mine.iter().any(|p| p.status == PluginStatus::Granted) {
        true => format!(", or put another version that is granted in force with `seawall plugin rollback {name}`"),
        false => String::new(),
    };
    format!("{what}; look with `seawall grant show {reference}`, then `seawall grant approve {reference}`{another}")
}

/// The setting that names the digest in force.
fn in_force(name: &PluginName) -> String {
    format!("in-force:{name}")
}

fn status(decision: Option<&Decision>, now: i64) -> PluginStatus {
    match decision {
        None => PluginStatus::AwaitingGrant,
        Some(Decision {
            verdict: Verdict::Approved,
            grant: Some(grant),
            ..
        }) => match grant.is_active(now) {
            true => PluginStatus::Granted,
            false => PluginStatus::Expired,
        },
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
