//! The server under measurement, with its plugin and its passes.

use super::usage::process_cpu;
use crate::{Seawall, component};
use anyhow::{Context, Result, bail};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::TcpStream,
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
    /// Values that did not fit and were left out.
    pub left_out: u64,
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
    install_bench_mapped(seawall, address, None).await
}

/// The same with another mapping than the plugin's own.
///
/// # Errors
/// Never today; the kit stops where something is refused.
pub async fn install_bench_mapped(seawall: &Seawall, address: &str, mapping: Option<Value>) -> Result<()> {
    seawall.install(&component("tests/guests/bench-rust")).await;
    let config = json!({"base_url": address});
    let mut definition = json!({"name": "bench", "plugin": "bench-rust", "config": config, "every_seconds": 86_400});
    if let Some(mapping) = mapping {
        definition["mapping"] = mapping;
    }
    seawall.integrate(definition).await;
    Ok(())
}

/// Waits until `integration` has `count` passes and all have ended, and gives the newest.
///
/// # Errors
/// Where that pass failed, or stands still for ten minutes.
pub async fn wait_for_pass(seawall: &Seawall, integration: &str, count: usize) -> Result<Pass> {
    follow_pass(seawall, integration, count, |_| ()).await
}

/// The same; `seen` hears again and again how many items the newest pass has listed so far.
///
/// # Errors
/// As [`wait_for_pass`].
pub async fn follow_pass(
    seawall: &Seawall,
    integration: &str,
    count: usize,
    mut seen: impl FnMut(u64),
) -> Result<Pass> {
    let (mut before, mut moved) = (None, Instant::now());
    loop {
        let passes = seawall.passes(integration).await;
        let newest = passes.first().filter(|_| passes.len() >= count);
        if let Some(pass) = newest {
            if pass["state"] != "running" {
                return ended(pass);
            }
            seen(pass["counts"]["items"].as_u64().unwrap_or_default());
        }
        let now = newest.map(|pass| pass["counts"].clone());
        if now != before {
            (before, moved) = (now, Instant::now());
        }
        if moved.elapsed() > Duration::from_secs(600) {
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
        left_out: count("leftOut"),
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
        Self::start_with(data, &[])
    }

    /// The same with further arguments of `serve`.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start_with(data: &Path, arguments: &[String]) -> Result<Self> {
        let address = format!("127.0.0.1:{}", crate::free_port());
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(data.join("log"))?;
        let mut command = Command::new(crate::seawall_binary());
        command.args(["serve", "--listen", &address, "--data"]).arg(data);
        command.args(arguments).stdout(Stdio::null()).stderr(log);
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

/// One `GET` over a connection of its own, answered with 200; gives the answer with its head. Blocks.
///
/// # Errors
/// Where there is no answer, or another one.
pub fn get(address: &str, path: &str, token: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.lines().next().context("no answer")?;
    if !status.starts_with("HTTP/1.1 200") {
        bail!("{path}: {status}");
    }
    Ok(answer)
}

/// Waits until a process has been on no processor for half a second, for `most` at the longest; gives when that began.
///
/// # Errors
/// Where it does not come to rest.
pub async fn rest(pid: u32, most: Duration) -> Result<Instant> {
    let started = Instant::now();
    let (mut worked, mut since) = (process_cpu(pid), started);
    while since.elapsed() < Duration::from_millis(500) {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let now = process_cpu(pid);
        if now > worked + Duration::from_millis(10) {
            (worked, since) = (now, Instant::now());
        }
        if started.elapsed() > most {
            bail!("the server does not come to rest");
        }
    }
    Ok(since)
}

/// Bytes of a PostgreSQL database with its indexes, as `psql` hears; none where there is no `psql`.
pub fn on_server(url: &str) -> Option<u64> {
    let ask = "SELECT pg_database_size(current_database())";
    let answer = Command::new("psql").args([url, "-AtXc", ask]).output().ok()?;
    String::from_utf8_lossy(&answer.stdout).trim().parse().ok()
}

/// Bytes of a SQLite database that nobody uses, once its log was written back.
///
/// # Errors
/// Where it cannot be opened.
pub fn on_disk(path: &Path) -> Result<u64> {
    let database = rusqlite::Connection::open(path)?;
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(std::fs::metadata(path)?.len())
}
