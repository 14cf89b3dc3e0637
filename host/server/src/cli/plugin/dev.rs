//! `seawall plugin dev`.

use super::{report, steps, watch::Snapshot};
use crate::cli::{
    Global,
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
use seawall_engine::{EngineError, Preview, PreviewRequest, preview, system_clock};
use seawall_runtime::{Plugin, Runtime, RuntimeConfig};
use std::{collections::HashMap, path::PathBuf};
use tokio_util::sync::CancellationToken;

/// Builds a plugin, pulls one page of each kind from the real tool, and shows items, mapped entities, what mapping and
/// schema did not let through, log lines, and each refused request with the manifest's lines that would allow it; again
/// on every save. Nothing is stored, and no server is needed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall plugin dev inventory --config base_url=http://127.0.0.1:8080
  seawall plugin dev plugins/unleash --config-file dev.yaml --secret token=UNLEASH_TOKEN --kind feature-flag
  seawall plugin dev inventory --config base_url=http://10.2.3.4 --allow-private 10.2.0.0/16 --once

All that the manifest asks for is taken as granted. Loopback may be reached; other private addresses need --allow-private.
Ctrl-C ends it. With --once the exit code is 1 where a kind could not be pulled.")]
pub(crate) struct Dev {
    /// The plugin's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
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
    /// Only this kind
    #[arg(long)]
    kind: Option<String>,
    /// Pull once and end
    #[arg(long)]
    once: bool,
}

/// What a program ends with that was interrupted, as shells have it.
const INTERRUPTED: i32 = 130;

enum Ended {
    Done,
    /// By Ctrl-C.
    Stopped,
}

impl Dev {
    pub(super) async fn run(self, global: &Global) -> Result {
        let cache = Some(data_folder(None).join("compiled"));
        let runtime = Runtime::new(RuntimeConfig {
            cache,
            ..RuntimeConfig::default()
        })
        .map_err(|e| CliError::Failed(e.to_string()))?;
        let stop = CancellationToken::new();
        tokio::spawn({
            let stop = stop.clone();
            async move { tokio::signal::ctrl_c().await.map(|()| stop.cancel()) }
        });
        let ended = tokio::select! {
            ended = self.turns(global, &runtime, &stop) => ended?,
            () = stop.cancelled() => Ended::Stopped,
        };
        match ended {
            Ended::Done => Ok(()),
            // Not by returning: that would wait for a component that is being compiled.
            Ended::Stopped => std::process::exit(if self.once { INTERRUPTED } else { 0 }),
        }
    }

    async fn turns(&self, global: &Global, runtime: &Runtime, stop: &CancellationToken) -> Result<Ended> {
        let mut files = Snapshot::of(&self.dir);
        loop {
            let outcome = self.turn(global, runtime).await;
            // The terminal has told the build's programs too, so what they say of their end is of no interest.
            if stop.is_cancelled() {
                return Ok(Ended::Stopped);
            }
            if self.once {
                return outcome.map(|()| Ended::Done);
            }
            if let Err(error) = outcome {
                error.print();
            }
            eprintln!("\nwaiting for a save in {} (Ctrl-C ends)", self.dir.display());
            let (path, now) = files.changed(&self.dir).await;
            eprintln!("{} was saved", path.display());
            files = now;
        }
    }

    async fn turn(&self, global: &Global, runtime: &Runtime) -> Result {
        self.check_early()?;
        let folder = tempfile::tempdir()?;
        let out = folder.path().join("plugin.wasm");
        tokio::task::block_in_place(|| steps::build(&self.dir, false, Some(out.clone())))?;
        let plugin = load(runtime, std::fs::read(&out)?).await?;
        let manifest = plugin.bundle().manifest.clone();
        let config = args::config(self.config_file.as_deref(), &self.config, &manifest.config)?;
        let mut private_ranges = self.allow_private.clone();
        private_ranges.extend(loopback());
        let request = PreviewRequest {
            config: with_defaults(&manifest.config, &config),
            secrets: self.secrets(&manifest)?,
            private_ranges,
            kind: self.kind.clone(),
            now: system_clock,
            plugin,
        };
        let previews = preview(&request).await.map_err(invalid)?;
        show(global, &previews)?;
        if previews.iter().any(|p| p.error.is_some()) {
            Err(CliError::Unwell)
        } else {
            Ok(())
        }
    }

    /// What the command line lacks is said before the build, which may take half a minute. A manifest that cannot be read
    /// is the build's to explain.
    fn check_early(&self) -> Result {
        let text = std::fs::read_to_string(self.dir.join(manifest::FILE)).unwrap_or_default();
        if let Ok(manifest) = manifest::parse(manifest::FILE, &text) {
            self.secrets(&manifest)?;
            args::config(self.config_file.as_deref(), &self.config, &manifest.config)?;
        }
        Ok(())
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

/// Compiles a component off the async threads.
async fn load(runtime: &Runtime, bytes: Vec<u8>) -> Result<Plugin> {
    let steps = steps::Steps::start("compiling the component for this machine");
    let runtime = runtime.clone();
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

fn invalid(error: EngineError) -> CliError {
    match error {
        EngineError::Invalid(problems) => {
            let line = |p: &seawall_engine::Problem| match p.pointer.strip_prefix("/config") {
                None => p.detail.clone(),
                Some("") => format!("--config: {}", p.detail),
                Some(pointer) => format!("--config {}: {}", pointer.trim_start_matches('/'), p.detail),
            };
            CliError::Usage(problems.iter().map(line).collect::<Vec<_>>().join("\n"))
        }
        other => CliError::from(other),
    }
}

fn show(global: &Global, previews: &[Preview]) -> Result {
    if !global.output().is_table() {
        return global.output().data(&report::data(previews));
    }
    if previews.is_empty() {
        eprintln!("the plugin lists no kinds: there is nothing to pull");
    }
    for preview in previews {
        global.output().text(&format!("{}\n", report::text(preview)))?;
    }
    Ok(())
}
