//! One page of a plugin, mapped and shown, stored nowhere: what `plugin dev` prints.

use super::page::{mapped, sort};
use crate::{
    Problem, Result,
    checkouts::{Held, Source, Sources},
    engine::Blueprints,
    error::EngineError,
};
use seawall_domain::{
    CredentialName, Entity, Report, blueprint::CompiledBlueprint, bundle::Bundle, checkout::Checkout, egress,
    grant::Grant, integration::with_defaults, item::Next, mapping::Mapping,
};
use seawall_git::Checkouts;
use seawall_runtime::{
    Line, Plugin, Sandbox, Scope,
    door::{Buckets, Door, DoorConfig, Names, Record, RecordSink, Secret, Transport},
};
use serde_json::Value;
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// What sinks collect while the plugin runs.
pub(crate) type Kept<T> = Arc<Mutex<Vec<T>>>;

/// What is to be tried.
pub struct PreviewRequest {
    /// The plugin.
    pub plugin: Plugin,
    /// The integration's config.
    pub config: Value,
    /// Secrets by the manifest's names.
    pub secrets: HashMap<CredentialName, String>,
    /// Private ranges that may be reached.
    pub private_ranges: Vec<ipnet::IpNet>,
    /// Only this kind.
    pub kind: Option<String>,
    /// Where repositories are checked out; none: a plugin that asks for one is refused.
    pub checkouts: Option<Arc<Checkouts>>,
    /// The time.
    pub now: fn() -> i64,
}

/// What came of one kind.
#[derive(Debug, Clone, Default)]
pub struct Preview {
    /// The kind.
    pub kind: String,
    /// Its partitions.
    pub partitions: Vec<String>,
    /// Items of the first page of the first partition, by key.
    pub items: Vec<(String, Value)>,
    /// What they map to.
    pub entities: Vec<Entity>,
    /// What was left out or set aside.
    pub reports: Vec<Report>,
    /// Whether more pages follow.
    pub more: bool,
    /// What the plugin said.
    pub log: Vec<Line>,
    /// Its requests, refused ones too, with the manifest's lines that would allow them.
    pub requests: Vec<Record>,
    /// Why it did not end well.
    pub error: Option<String>,
}

/// Pulls one page of each kind, with all that the manifest asks granted.
///
/// # Errors
/// Where config, mapping or blueprints are wrong.
pub async fn preview(request: &PreviewRequest) -> Result<Vec<Preview>> {
    let bundle = request.plugin.bundle();
    let manifest = &bundle.manifest;
    check(request)?;
    let (mapping, blueprints) = rules(bundle)?;
    let mut out = Vec::new();
    let kinds: Vec<String> = match &mapping {
        Some(mapping) => mapping.kinds().into_iter().map(str::to_owned).collect(),
        None => manifest.kinds.keys().map(ToString::to_string).collect(),
    };
    if let Some(wanted) = &request.kind
        && !kinds.contains(wanted)
    {
        if manifest.kinds.keys().any(|kind| kind.as_str() == wanted) {
            return Err(EngineError::invalid(
                "/kind",
                format!(
                    "the manifest has the kind `{wanted}`, but mapping.yaml maps nothing of it; it maps {}",
                    kinds.join(", ")
                ),
            ));
        }
        return Err(EngineError::not_found_but(
            "kind",
            wanted,
            format!("there are: {}", kinds.join(", ")),
        ));
    }
    for kind in kinds
        .into_iter()
        .filter(|k| request.kind.as_ref().is_none_or(|w| w == k))
    {
        out.push(one(request, mapping.as_ref(), &blueprints, kind).await?);
    }
    Ok(out)
}

/// Whether the config is one that the plugin takes.
pub(crate) fn check(request: &PreviewRequest) -> Result<()> {
    let schema = &request.plugin.bundle().manifest.config;
    seawall_domain::integration::check_config(schema, &request.config).map_err(|wrong| {
        let all = wrong
            .iter()
            .map(|p| Problem::at(format!("/config{}", p.pointer), p.words()));
        EngineError::Invalid(all.collect())
    })
}

pub(crate) fn rules(bundle: &Bundle) -> Result<(Option<Mapping>, Blueprints)> {
    let mapping = bundle
        .mapping
        .as_ref()
        .map(Mapping::compile)
        .transpose()
        .map_err(|errors| {
            EngineError::Invalid(errors.iter().map(|e| Problem::at("/mapping", e.to_string())).collect())
        })?;
    let mut blueprints = Blueprints::new();
    for (i, blueprint) in bundle.blueprints.iter().enumerate() {
        let compiled = CompiledBlueprint::new(blueprint.clone())
            .map_err(|e| EngineError::invalid(format!("/blueprints/{i}"), e.to_string()))?;
        blueprints.insert(blueprint.identifier.clone(), Arc::new(compiled));
    }
    Ok((mapping, blueprints))
}

async fn one(
    request: &PreviewRequest,
    mapping: Option<&Mapping>,
    blueprints: &Blueprints,
    kind: String,
) -> Result<Preview> {
    let (log, records) = (Kept::<Line>::default(), Kept::<Record>::default());
    // Held until the plugin has read them.
    let (sandbox, _held) = match sandbox(request, Transport::Live, &log, &records).await {
        Ok(made) => made,
        // What was in the way of a checkout is said as what was in the way of a pull.
        Err(EngineError::Plugin(error)) => {
            return Ok(Preview {
                kind,
                error: Some(error.to_string()),
                requests: taken(&records),
                ..Preview::default()
            });
        }
        Err(error) => return Err(error),
    };
    let selector = mapping
        .and_then(|m| m.selectors(&kind).first().map(ToString::to_string))
        .unwrap_or_else(|| "{}".to_owned());
    let scope = Scope {
        config: with_defaults(&request.plugin.bundle().manifest.config, &request.config)
            .to_string()
            .into_bytes(),
        kind: kind.clone(),
        selector: selector.into_bytes(),
    };
    let mut preview = Preview {
        kind: kind.clone(),
        ..Preview::default()
    };
    let pulled = async {
        preview.partitions = request.plugin.partitions(&sandbox, scope.clone()).await?;
        let Some(first) = preview.partitions.first() else {
            return Ok(None);
        };
        request.plugin.pull(&sandbox, scope, first, None).await.map(Some)
    };
    match pulled.await {
        Ok(None) => {}
        Ok(Some(page)) => {
            preview.more = matches!(page.next, Next::More(_));
            // Refused here as a pass would refuse it.
            let upserts = match sort(page.changes, &kind) {
                Ok(sorted) => sorted.upserts,
                Err(error) => {
                    preview.error = Some(error.to_string());
                    Vec::new()
                }
            };
            for (key, value) in upserts {
                preview
                    .items
                    .push((key.clone(), serde_json::from_slice(&value).unwrap_or(Value::Null)));
                let Some(mapping) = mapping else { continue };
                // A preview is of one selector, the first.
                match mapped(mapping, (&kind, 0), &key, &value, blueprints, false, None) {
                    Ok(mapped) => {
                        preview.entities.extend(mapped.entities);
                        preview.reports.extend(mapped.reports);
                    }
                    Err(error) => preview.error = Some(error.to_string()),
                }
            }
        }
        Err(error) => preview.error = Some(error.to_string()),
    }
    preview.log = taken(&log);
    preview.requests = taken(&records);
    Ok(preview)
}

fn taken<T>(kept: &Kept<T>) -> Vec<T> {
    std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A sandbox with all that the manifest asks granted, and the checkouts that it reads.
pub(crate) async fn sandbox(
    request: &PreviewRequest,
    transport: Transport,
    log: &Kept<Line>,
    records: &Kept<Record>,
) -> Result<(Sandbox, Held)> {
    let manifest = &request.plugin.bundle().manifest;
    let mut grant = Grant::as_asked(request.plugin.digest().clone(), manifest);
    grant.private_ranges.clone_from(&request.private_ranges);
    grant.plaintext_to_loopback = true;
    grant.any_host = true;
    let rules = egress::Door::compile(manifest, &grant, &request.config)
        .map_err(|e| EngineError::invalid("/config", e.to_string()))?;
    let credentials: HashMap<_, _> = manifest
        .credentials
        .iter()
        .filter_map(|(name, ask)| {
            let secret = request.secrets.get(name)?;
            Some((name.clone(), Secret::new(ask.attach.clone(), secret.clone())))
        })
        .collect();
    let (line_sink, record_sink) = (log.clone(), records.clone());
    let records_of: RecordSink = Arc::new(move |r| record_sink.lock().unwrap_or_else(PoisonError::into_inner).push(r));
    let config_of = |rules| DoorConfig {
        integration: "dev".into(),
        plugin: request.plugin.bundle().manifest.name.to_string(),
        digest: request.plugin.digest().clone(),
        rules,
        addresses: egress::AddressPolicy {
            private_ranges: request.private_ranges.clone(),
            never: Vec::new(),
        },
        names: Names::default(),
        plaintext_to_loopback: true,
        expires_at: None,
        credentials: credentials.clone(),
        shared: HashMap::new(),
        buckets: Buckets::default(),
        records: records_of.clone(),
        now: request.now,
        revoked: CancellationToken::new(),
        ca: None,
    };
    let open =
        |rules, transport| Door::over(config_of(rules), transport).map_err(|why| EngineError::invalid("/ca", why));
    let limits = manifest.limits.unwrap_or_default();
    let asked = grant.checkouts(manifest, &request.config);
    let asked = asked.map_err(|e| EngineError::invalid("/config", e.to_string()))?;
    let held = match (asked.first(), &request.checkouts) {
        (None, _) => Held::default(),
        (Some(first), None) => return Err(EngineError::invalid("/config", no_checkout(&first.url))),
        (Some(_), Some(checkouts)) => {
            let rules = egress::Door::of_checkouts(manifest, &grant, &request.config);
            let door = open(
                rules.map_err(|e| EngineError::invalid("/config", e.to_string()))?,
                Transport::Live,
            )?;
            let source = |checkout: Checkout| Source {
                credential: checkout
                    .credential
                    .clone()
                    .filter(|name| request.secrets.contains_key(name)),
                checkout,
            };
            let sources = Sources::new(door, asked.into_iter().map(source).collect());
            sources.update(checkouts, &limits).await?
        }
    };
    let door = open(rules, transport)?;
    let mut directories: Vec<_> = grant
        .directories(manifest, &request.config)
        .map_err(|e| EngineError::invalid("/config", e.to_string()))?
        .into_iter()
        .map(|d| (PathBuf::from(d.from), d.at))
        .collect();
    directories.extend(held.directories());
    let sandbox = Sandbox {
        door: Some(door),
        directories,
        catalog: None,
        log: Arc::new(move |line| line_sink.lock().unwrap_or_else(PoisonError::into_inner).push(line)),
        limits,
        cancel: CancellationToken::new(),
    };
    Ok((sandbox, held))
}

/// Why nothing is recorded and replayed of a plugin that reads a repository.
fn no_checkout(url: &str) -> String {
    format!(
        "with this config the plugin reads the git repository {url}, and a cassette holds what a plugin asks and hears and no \
         repository; record it with a config that names none, such as a directory in the plugin's folder; `seawall plugin dev` \
         shows what it makes of a repository"
    )
}
