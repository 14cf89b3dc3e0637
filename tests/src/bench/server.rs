//! The server under measurement, with its plugin and its passes.

use crate::{Seawall, component};
use anyhow::{Context, Result, bail};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A pass that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Pass {
    /// Items that it listed.
    pub items: u64,
    /// Of those, new ones.
    pub created: u64,
    /// Of those, unchanged ones.
    pub unchanged: u64,
    /// From its first moment to its last, as the server recorded them.
    pub took: Duration,
}

impl Pass {
    /// Items a second.
    pub fn rate(&self) -> f64 {
        self.items as f64 / self.took.as_secs_f64()
    }
}

/// Installs the Rust guest and points an integration `bench` at a tool; its first pass begins at once.
///
/// # Errors
/// Never today; the kit stops where something is refused.
pub async fn install_bench(seawall: &Seawall, address: &str) -> Result<()> {
    seawall.install(&component("tests/guests/bench-rust")).await;
    let config = json!({"base_url": address});
    seawall
        .integrate(json!({"name": "bench", "plugin": "bench-rust", "config": config, "every_seconds": 86_400}))
        .await;
    Ok(())
}

/// Waits until `integration` has `count` passes and all have ended, and gives the newest.
///
/// # Errors
/// Where that pass failed, or takes more than ten minutes.
pub async fn wait_for_pass(seawall: &Seawall, integration: &str, count: usize) -> Result<Pass> {
    let started = Instant::now();
    loop {
        let passes = seawall.passes(integration).await;
        if let Some(pass) = passes.first()
            && passes.len() >= count
            && pass["state"] != "running"
        {
            return ended(pass);
        }
        if started.elapsed() > Duration::from_secs(600) {
            bail!("the pass does not end: {passes:?}\n{}", seawall.log());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn ended(pass: &Value) -> Result<Pass> {
    if pass["state"] != "succeeded" {
        bail!("the pass did not succeed: {pass}");
    }
    let count = |name: &str| pass["counts"][name].as_u64().unwrap_or_default();
    let at = |name: &str| -> Result<i64> {
        let text = pass[name]
            .as_str()
            .with_context(|| format!("a pass without {name}: {pass}"))?;
        Ok(text.parse::<jiff::Timestamp>()?.as_millisecond())
    };
    Ok(Pass {
        items: count("items"),
        created: count("created"),
        unchanged: count("unchanged"),
        took: Duration::from_millis(u64::try_from(at("endedAt")? - at("startedAt")?)?),
    })
}

/// A `seawall serve` on a data folder that was prepared. Killed when dropped.
pub struct Served {
    process: Child,
    /// `127.0.0.1:PORT`.
    pub address: String,
    /// When it was started.
    pub started: Instant,
}

impl Served {
    /// Starts one; it is not waited for.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(data: &Path) -> Result<Self> {
        let address = format!("127.0.0.1:{}", crate::free_port());
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(data.join("log"))?;
        let mut command = Command::new(crate::seawall_binary());
        command.args(["serve", "--listen", &address, "--data"]).arg(data);
        command.stdout(Stdio::null()).stderr(log);
        let started = Instant::now();
        Ok(Self {
            process: command.spawn()?,
            address,
            started,
        })
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Asks an integration for a pass now.
///
/// # Errors
/// Where the server says no.
pub async fn sync(seawall: &Seawall, integration: &str) -> Result<()> {
    let path = format!("/api/v1/integrations/{integration}/sync");
    let (status, body) = seawall.send(Method::POST, &path, &json!({})).await;
    if !status.is_success() {
        bail!("{path}: {status} {body}");
    }
    Ok(())
}
