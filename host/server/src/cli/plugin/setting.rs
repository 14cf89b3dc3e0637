//! What `plugin dev` and `plugin record` are given to call a plugin with, and how they load it.

use super::steps;
use crate::cli::{
    args::{self, Pair},
    client::data_folder,
    error::{CliError, Result},
};
use ipnet::IpNet;
use seawall_domain::{
    CredentialName, Digest,
    integration::with_defaults,
    manifest::{self, Manifest},
};
use seawall_engine::{EngineError, PreviewRequest, system_clock};
use seawall_runtime::{Plugin, Runtime, RuntimeConfig};
use serde_json::Value;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// Config, secrets and addresses.
#[derive(Debug, clap::Args)]
pub(super) struct Setting {
    /// The plugin's folder
    #[arg(default_value = ".")]
    pub(super) dir: PathBuf,
    /// A value of the config; repeatable
    #[arg(long = "config", value_name = "NAME=VALUE")]
    config: Vec<Pair>,
    /// The config as a YAML or JSON file
    #[arg(long, value_name = "FILE")]
    config_file: Option<PathBuf>,
    /// One of the manifest's credentials, and the environment variable that holds its secret; repeatable
    #[arg(long = "secret", value_name = "NAME=VARIABLE")]
    secrets: Vec<Pair>,
    /// A private range that may be reached, besides loopback; repeatable
    #[arg(long = "allow-private", value_name = "CIDR", value_parser = args::range)]
    allow_private: Vec<IpNet>,
    #[command(flatten)]
    pub(super) wasi: args::Wasi,
}

impl Setting {
    /// What the command line lacks is said before the build, which may take half a minute. A manifest that cannot be read
    /// is the build's to explain.
    pub(super) fn check_early(&self) -> Result {
        let text = std::fs::read_to_string(self.dir.join(manifest::FILE)).unwrap_or_default();
        if let Ok(manifest) = manifest::parse(manifest::FILE, &text) {
            self.secrets(&manifest)?;
            self.config(&manifest)?;
        }
        Ok(())
    }

    /// The config, without the schema's defaults.
    pub(super) fn config(&self, manifest: &Manifest) -> Result<Value> {
        args::config(self.config_file.as_deref(), &self.config, &manifest.config)
    }

    /// A plugin with this setting.
    pub(super) fn request(&self, plugin: Plugin, config: &Value, kind: Option<String>) -> Result<PreviewRequest> {
        let manifest = plugin.bundle().manifest.clone();
        let mut private_ranges = self.allow_private.clone();
        private_ranges.extend(loopback());
        Ok(PreviewRequest {
            config: with_defaults(&manifest.config, config),
            secrets: self.secrets(&manifest)?,
            private_ranges,
            kind,
            checkouts: None,
            now: system_clock,
            plugin,
        })
    }

    fn secrets(&self, manifest: &Manifest) -> Result<HashMap<CredentialName, String>> {
        let mut secrets = HashMap::new();
        for Pair { name, value: variable } in &self.secrets {
            let known = manifest.credentials.keys().find(|known| known.as_str() == name);
            let Some(known) = known else {
                let all: Vec<_> = manifest.credentials.keys().map(ToString::to_string).collect();
                return Err(CliError::Usage(format!(
                    "--secret {name}: the manifest has no such credential; it has: {}",
                    all.join(", ")
                )));
            };
            let secret = std::env::var(variable).map_err(|_| {
                CliError::Usage(format!(
                    "--secret {name}={variable}: the environment variable {variable} is not set"
                ))
            })?;
            secrets.insert(known.clone(), secret);
        }
        for (name, ask) in &manifest.credentials {
            if ask.required && !secrets.contains_key(name) {
                return Err(CliError::Usage(format!(
                    "the plugin needs the credential `{name}`: --secret {name}=VARIABLE"
                )));
            }
        }
        Ok(secrets)
    }
}

/// A sandbox that keeps compiled code where the server does.
pub(super) fn runtime(wasi: args::Wasi) -> Result<Runtime> {
    let cache = Some(data_folder(None).join("compiled"));
    Runtime::new(RuntimeConfig {
        cache,
        wasi_0_3: wasi.wasi_0_3,
        ..RuntimeConfig::default()
    })
    .map_err(|e| CliError::Failed(e.to_string()))
}

/// Builds the plugin of a folder, or reads the component that is named instead, and compiles it.
pub(super) async fn load(runtime: &Runtime, dir: &Path, component: Option<&Path>) -> Result<Plugin> {
    let bytes = match component {
        Some(file) => super::read(file)?,
        None => {
            let folder = tempfile::tempdir()?;
            let out = folder.path().join("plugin.wasm");
            tokio::task::block_in_place(|| steps::build(dir, false, Some(out.clone())))?;
            std::fs::read(&out)?
        }
    };
    let steps = steps::Steps::start("compiling the component for this machine");
    let runtime = runtime.clone();
    // Off the async threads.
    let loaded = tokio::task::spawn_blocking(move || runtime.load(&bytes, Digest::of(&bytes))).await;
    steps.end();
    loaded
        .map_err(|e| CliError::Failed(e.to_string()))?
        .map_err(|e| CliError::Failed(e.to_string()))
}

fn loopback() -> [IpNet; 2] {
    use std::net::{Ipv4Addr, Ipv6Addr};
    [
        IpNet::V4(ipnet::Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8)),
        IpNet::V6(ipnet::Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128)),
    ]
}

/// What the engine says of fields, said of arguments.
pub(super) fn invalid(error: EngineError) -> CliError {
    match error {
        EngineError::Invalid(problems) => {
            let line = |p: &seawall_engine::Problem| {
                for (part, argument) in [("/config", "--config"), ("/inputs", "--input"), ("/target", "--target")] {
                    match p.pointer.strip_prefix(part) {
                        None => {}
                        Some("") => return format!("{argument}: {}", p.detail),
                        Some(pointer) => {
                            return format!("{argument} {}: {}", pointer.trim_start_matches('/'), p.detail);
                        }
                    }
                }
                p.detail.clone()
            };
            CliError::Usage(problems.iter().map(line).collect::<Vec<_>>().join("\n"))
        }
        error @ EngineError::NotFound { .. } => CliError::Usage(error.to_string()),
        other => CliError::from(other),
    }
}
