//! An integration made ready: its plugin, its mapping, its door and its bounds. Kept until something about it changes.

use crate::{
    Engine, EngineError, Result,
    checkouts::{Held, Source, Sources},
};
use seawall_domain::{
    Digest, Failure, IntegrationName, egress,
    grant::Grant,
    integration::{Integration, with_defaults},
    limits::Limits,
    manifest::Manifest,
    mapping::Mapping,
};
use seawall_runtime::{
    CallError, LogSink, Plugin, Sandbox, Scope,
    door::{Door, DoorConfig},
};
use seawall_store::{IntegrationRow, PartitionRow};
use serde_json::Value;
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock, Weak},
};
use tokio_util::sync::CancellationToken;

/// See the module.
pub(crate) struct Site {
    pub(crate) row: IntegrationRow,
    pub(crate) plugin: Plugin,
    pub(crate) mapping: Option<Arc<Mapping>>,
    pub(crate) door: Arc<Door>,
    /// What it was granted.
    pub(crate) grant: Grant,
    pub(crate) directories: Vec<(PathBuf, String)>,
    /// What the audit calls the directories: `files[0]`.
    files: Vec<String>,
    /// What it checks out of git; none where it checks out nothing.
    pub(crate) sources: Option<Sources>,
    /// Which of the checkouts that it would read the grant does not allow.
    pub(crate) refused: Vec<String>,
    pub(crate) catalog: bool,
    pub(crate) limits: Limits,
    /// Cancelled when the grant is revoked or has ended.
    pub(crate) revoked: CancellationToken,
    /// The config as plugins get it.
    pub(crate) config: Vec<u8>,
}

impl Site {
    pub(crate) fn integration(&self) -> &Integration {
        &self.row.integration
    }

    /// The place of a partition's selector among those of its kind, and the plugin's own name of it.
    pub(crate) fn slice<'p>(&self, partition: &'p PartitionRow) -> (usize, &'p str) {
        let of = |mapping: &Arc<Mapping>| mapping.partition_of(&partition.kind, &partition.name);
        self.mapping.as_ref().map_or((0, partition.name.as_str()), of)
    }

    /// What the plugin is asked to list.
    pub(crate) fn scope(&self, kind: &str, selector: usize) -> Scope {
        let selectors = self.mapping.as_ref().map(|mapping| mapping.selectors(kind));
        let selector = selectors.and_then(|all| all.get(selector).map(ToString::to_string));
        Scope {
            config: self.config.clone(),
            kind: kind.to_owned(),
            selector: selector.unwrap_or_else(|| "{}".to_owned()).into_bytes(),
        }
    }

    /// A call's failure, with what the plugin was not given: it only sees that a directory is not there.
    pub(crate) fn explain(&self, error: CallError) -> CallError {
        if self.refused.is_empty() {
            return error;
        }
        let with = |said: String| {
            let refused = self.refused.join(", ");
            format!(
                "{said}; the grant does not allow the checkout of {refused}; `seawall grant show {}`",
                self.integration().plugin
            )
        };
        match error {
            CallError::Failure(Failure::InvalidConfig(said)) => CallError::Failure(Failure::InvalidConfig(with(said))),
            CallError::Failure(Failure::NotFound(said)) => CallError::Failure(Failure::NotFound(with(said))),
            CallError::Failure(Failure::Unavailable(said)) => CallError::Failure(Failure::Unavailable(with(said))),
            CallError::Failure(Failure::Failed(said)) => CallError::Failure(Failure::Failed(with(said))),
            other => other,
        }
    }

    /// A sandbox for one call, which reads these checkouts: whoever calls holds them until it has ended.
    pub(crate) fn sandbox(&self, engine: &Engine, held: &Held, log: LogSink, cancel: CancellationToken) -> Sandbox {
        let mut directories = self.directories.clone();
        directories.extend(held.directories());
        for capability in &self.files {
            let recorder = &engine.inner.recorder;
            recorder.used(self.integration().name.as_str(), self.plugin.digest(), capability);
        }
        Sandbox {
            door: Some(self.door.clone()),
            directories,
            catalog: self.catalog.then(|| engine.reader(self)),
            log,
            limits: self.limits,
            cancel,
        }
    }
}

/// What was made ready, by integration.
#[derive(Default)]
pub(crate) struct Sites {
    inner: RwLock<Made>,
}

#[derive(Default)]
struct Made {
    sites: HashMap<IntegrationName, Arc<Site>>,
    /// All that calls in flight may still be using, those that were forgotten too.
    alive: Vec<Weak<Site>>,
    /// How often something was forgotten: what is made of what was read before may be out of date.
    changes: u64,
}

impl Sites {
    fn changes(&self) -> u64 {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).changes
    }

    fn get(&self, name: &IntegrationName) -> Option<Arc<Site>> {
        self.inner
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .sites
            .get(name)
            .cloned()
    }

    /// Those that were made, with the versions that they run.
    pub(crate) fn versions(&self) -> Vec<(IntegrationName, Integration, Digest)> {
        let made = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let version = |(name, site): (&IntegrationName, &Arc<Site>)| {
            (name.clone(), site.row.integration.clone(), site.plugin.digest().clone())
        };
        made.sites.iter().map(version).collect()
    }

    /// Keeps one, unless something was forgotten since `seen`; whether it was kept.
    fn put(&self, name: &IntegrationName, site: &Arc<Site>, seen: u64) -> bool {
        let mut made = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if made.changes == seen {
            made.sites.insert(name.clone(), site.clone());
            made.alive.retain(|one| one.strong_count() > 0);
            made.alive.push(Arc::downgrade(site));
        }
        made.changes == seen
    }

    fn remove(&self, name: &IntegrationName) {
        let mut made = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        made.changes += 1;
        made.sites.remove(name);
    }

    /// Forgets all of which `which` says so. Calls in flight end as they began.
    pub(crate) fn forget(&self, which: impl Fn(&IntegrationName, &Site) -> bool) {
        let mut made = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        made.changes += 1;
        made.sites.retain(|name, site| !which(name, site));
    }

    /// Ends all of which `which` says so: their calls in flight get no answer through the door any more. Also those that were
    /// forgotten before: a pass that began on a version goes on with it while another is in force.
    pub(crate) fn end(&self, which: impl Fn(&Site) -> bool) {
        let mut made = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        made.changes += 1;
        let ended: Vec<_> = made
            .alive
            .iter()
            .filter_map(Weak::upgrade)
            .filter(|site| which(site))
            .collect();
        for site in &ended {
            site.revoked.cancel();
        }
        made.sites.retain(|_, site| !site.revoked.is_cancelled());
    }
}

impl Engine {
    /// The integration, ready to be called.
    pub(crate) async fn site(&self, name: &IntegrationName) -> Result<Arc<Site>> {
        loop {
            let seen = self.inner.sites.changes();
            if let Some(site) = self.inner.sites.get(name) {
                if site.door.expires_at().is_some_and(|end| end <= self.now()) {
                    site.revoked.cancel();
                }
                if !site.revoked.is_cancelled() {
                    return Ok(site);
                }
            }
            let row = self.integration_row(name).await?;
            if row.removing {
                return Err(EngineError::Conflict(format!("`{name}` is being removed")));
            }
            let site = Arc::new(self.make_site(row).await?);
            if self.inner.sites.put(name, &site, seen) {
                return Ok(site);
            }
        }
    }

    async fn make_site(&self, row: IntegrationRow) -> Result<Site> {
        let integration = &row.integration;
        let view = self.granted(&integration.plugin, integration.digest.as_ref()).await?;
        let grant = view
            .decision
            .and_then(|d| d.grant)
            .ok_or_else(|| EngineError::Internal("a granted plugin has no grant".into()))?;
        let manifest = &view.row.bundle.manifest;
        let plugin = self.load(&view.row.digest).await?;
        let mapping = integration.mapping.as_ref().or(view.row.bundle.mapping.as_ref());
        let mapping = mapping.map(Mapping::compile).transpose().map_err(|errors| {
            EngineError::Invalid(
                errors
                    .iter()
                    .map(|e| crate::Problem::at("/mapping", e.to_string()))
                    .collect(),
            )
        })?;
        let config = with_defaults(&manifest.config, &integration.config);
        let policy = self.policy().await?;
        let invalid = |why: String| EngineError::invalid("/config", why);
        let checkouts = grant.checkouts(manifest, &config).map_err(|e| invalid(e.to_string()))?;
        let refused = grant.refused_checkouts(manifest, &config).into_iter();
        let refused = refused
            .map(|(rule, url)| format!("{url} (capabilities.git[{rule}])"))
            .collect();
        let rules = egress::Door::compile(manifest, &grant, &config);
        let rules = rules
            .map_err(|e| invalid(e.to_string()))?
            .under(Self::bans_of(&policy)?);
        let fetches = egress::Door::of_checkouts(manifest, &grant, &config);
        let fetches = fetches
            .map_err(|e| invalid(e.to_string()))?
            .under(Self::bans_of(&policy)?);
        for rules in [&rules, &fetches] {
            if let Some((to, host)) = rules.banned_by_config() {
                return Err(invalid(format!(
                    "`{to}` leads to `{host}`, which the policy never allows; `seawall policy show`"
                )));
            }
        }
        let limits = policy.within(integration.limits.or(manifest.limits).unwrap_or_default());
        let mut credentials = HashMap::new();
        for (name, ask) in &manifest.credentials {
            match integration.credentials.get(name) {
                Some(used) if grant.credentials.contains(name) => {
                    credentials.insert(name.clone(), self.secret(used, &ask.attach).await?);
                }
                Some(_) => {}
                None if ask.required => {
                    return Err(EngineError::invalid(
                        format!("/credentials/{name}"),
                        format!(
                            "the plugin needs the credential `{name}`; name one of yours: `credentials: {{{name}: my-credential}}`"
                        ),
                    ));
                }
                None => {}
            }
        }
        let revoked = CancellationToken::new();
        let config_of = |rules: egress::Door| DoorConfig {
            integration: integration.name.to_string(),
            plugin: format!("{}@{}", integration.plugin, view.row.digest.short()),
            digest: view.row.digest.clone(),
            rules,
            addresses: egress::AddressPolicy {
                private_ranges: grant.private_ranges.clone(),
                never: policy.never.private_ranges.clone(),
            },
            names: self.inner.names.clone(),
            plaintext_to_loopback: grant.plaintext_to_loopback,
            expires_at: grant.expires_at,
            credentials: credentials.clone(),
            shared: integration.credentials.clone().into_iter().collect(),
            buckets: self.inner.buckets.clone(),
            records: self.inner.recorder.sink(),
            now: self.inner.clock,
            revoked: revoked.clone(),
            ca: integration.ca.clone(),
        };
        let open = |rules| Door::new(config_of(rules)).map_err(|why| EngineError::invalid("/ca", why));
        let door = open(rules)?;
        let sources = checkouts.into_iter().map(|checkout| Source {
            credential: checkout
                .credential
                .as_ref()
                .and_then(|name| integration.credentials.get(name))
                .cloned(),
            checkout,
        });
        let sources: Vec<_> = sources.collect();
        let sources = match sources.is_empty() {
            true => None,
            false => Some(Sources::new(open(fetches)?, sources)),
        };
        let given = directories(&grant, manifest, &config)?;
        Ok(Site {
            sources,
            refused,
            files: given.iter().map(|(rule, ..)| format!("files[{rule}]")).collect(),
            directories: given.into_iter().map(|(_, from, at)| (from, at)).collect(),
            catalog: manifest.capabilities.catalog && grant.capabilities.catalog,
            grant,
            limits,
            config: serde_json::to_vec(&config).map_err(|e| EngineError::Internal(e.to_string()))?,
            mapping: mapping.map(Arc::new),
            plugin,
            door,
            revoked,
            row,
        })
    }

    /// Forgets it for good: its calls in flight get no answer through the door any more.
    pub(crate) fn end_site(&self, name: &IntegrationName) {
        self.inner.sites.end(|site| site.integration().name == *name);
    }

    /// Forgets what was made ready for an integration with another version of its plugin; calls in flight end as they began.
    pub(crate) fn forget_site_of_others(&self, name: &IntegrationName, digest: &Digest) {
        let is_other = |name_of: &IntegrationName, site: &Site| name_of == name && site.plugin.digest() != digest;
        self.inner.sites.forget(|name_of, site| is_other(name_of, site));
    }

    /// Forgets what was made ready for an integration; calls in flight end as they began.
    pub(crate) fn forget_site(&self, name: &IntegrationName) {
        self.inner.sites.remove(name);
    }
}

/// The directories that were asked for and granted; each must be there.
fn directories(grant: &Grant, manifest: &Manifest, config: &Value) -> Result<Vec<(usize, PathBuf, String)>> {
    let given = grant
        .directories(manifest, config)
        .map_err(|e| EngineError::invalid("/config", e.to_string()))?;
    let mut out = Vec::new();
    for directory in given {
        let path = PathBuf::from(&directory.from);
        if !path.is_dir() {
            let detail = format!("`{}` is no directory that this host can read", directory.from);
            return Err(EngineError::invalid("/config", detail));
        }
        out.push((directory.rule, path, directory.at));
    }
    Ok(out)
}
