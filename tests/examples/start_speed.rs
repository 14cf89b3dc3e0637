//! `cargo xtask bench start`: how soon a server answers, and what it holds, with 20 plugins and a small catalog.
//!
//! Twenty components with different digests (10 in Rust, 5 in JavaScript, 5 in Python) and an integration of each are
//! installed and have synced once, so that their compiled code is in the cache. Then the server is started again and
//! again: `start.time` is from the start of the process to the first list of entities that it answers, and
//! `start.memory` is what is resident three seconds after it has called all twenty and nothing happens any more.
//!
//! `start_speed [STARTS]`

use anyhow::{Result, bail};
use seawall_domain::bundle::Bundle;
use seawall_tests::{
    Seawall,
    bench::{Goal, Memory, Report, Served, get, median, memory, rest, wait_for_pass},
    component,
};
use serde_json::json;
use std::{
    path::Path,
    time::{Duration, Instant},
};

const PLUGINS: [(&str, usize); 3] = [("rust", 10), ("js", 5), ("python", 5)];
/// Items of each integration.
const ITEMS: u64 = 20;

#[tokio::main(worker_threads = 1)]
async fn main() -> Result<()> {
    let starts: usize = std::env::args().nth(1).map_or(Ok(9), |n| n.parse())?;
    let mut report = Report::new("start");
    let mut seawall = Seawall::start().await;
    report.say("installing and compiling 20 plugins, once");
    for (language, count) in PLUGINS {
        let bytes = std::fs::read(component(&format!("tests/guests/bench-{language}")))?;
        for number in 0..count {
            install(&seawall, &bytes, &format!("bench-{language}-{number}")).await?;
        }
    }
    seawall.kill();
    let (mut ready, mut listed, mut loaded, mut held) = (Vec::new(), Vec::new(), Vec::new(), Vec::<Memory>::new());
    for number in 1..=starts {
        let start = start(seawall.data(), seawall.token()).await?;
        report.say(format!(
            "start {number}: ready after {:.3} s, listed after {:.3} s, all plugins called after {:.2} s, {:.0} MB resident \
             ({:.0} MB anonymous, {:.0} MB pages of files)",
            start.ready,
            start.listed,
            start.loaded,
            start.memory.resident as f64 / 1e6,
            start.memory.anonymous as f64 / 1e6,
            start.memory.files as f64 / 1e6
        ));
        ready.push(start.ready);
        listed.push(start.listed);
        loaded.push(start.loaded);
        held.push(start.memory);
    }
    let megabytes = |pick: fn(&Memory) -> u64| median(held.iter().map(|m| pick(m) as f64 / 1e6).collect());
    report.add("start.time", median(listed), "s", Goal::AtMost(0.5));
    report.add("start.memory", megabytes(|m| m.resident), "MB", Goal::AtMost(100.0));
    report.add("start.time.ready", median(ready), "s", Goal::None);
    report.add("start.time.loaded", median(loaded), "s", Goal::None);
    report.add("start.memory.anonymous", megabytes(|m| m.anonymous), "MB", Goal::None);
    report.add("start.memory.files", megabytes(|m| m.files), "MB", Goal::None);
    report.add("start.memory.peak", megabytes(|m| m.peak), "MB", Goal::None);
    report.finish()
}

/// Installs the component under another name and as another component, with an integration that has synced.
async fn install(seawall: &Seawall, bytes: &[u8], name: &str) -> Result<()> {
    let mut bundle = Bundle::extract(bytes)?;
    bundle.manifest.name = name.parse()?;
    let file = seawall.data().join("one.wasm");
    // Equal code is compiled and mapped once: a section of its own makes each another component.
    let mut bytes = bytes.to_vec();
    let length = u8::try_from(name.len())?;
    bytes.extend_from_slice(&[0, length + 1, length]);
    bytes.extend_from_slice(name.as_bytes());
    std::fs::write(&file, bundle.embed(&bytes)?)?;
    seawall.install(&file).await;
    let mut config = json!({"make": ITEMS, "prefix": name});
    if name.contains("rust") {
        config["base_url"] = json!("http://127.0.0.1:1");
    }
    seawall
        .integrate(json!({"name": name, "plugin": name, "config": config, "every_seconds": 86_400}))
        .await;
    wait_for_pass(seawall, name, 1).await?;
    Ok(())
}

/// One start; times in seconds since the process was started.
struct Start {
    ready: f64,
    listed: f64,
    loaded: f64,
    memory: Memory,
}

async fn start(data: &Path, token: &str) -> Result<Start> {
    let served = Served::start(data)?;
    let deadline = served.started + Duration::from_secs(60);
    while get(&served.address, "/readyz", token).is_err() {
        if Instant::now() > deadline {
            bail!("the server does not get ready");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let ready = served.started.elapsed().as_secs_f64();
    get(
        &served.address,
        "/api/v1/blueprints/repository/entities?limit=20",
        token,
    )?;
    let listed = served.started.elapsed().as_secs_f64();
    // At its start the server asks each plugin for its partitions. Half a second without work: it is done; what
    // it needed for that is given back after two seconds more.
    let since = rest(served.pid(), Duration::from_secs(60)).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    Ok(Start {
        ready,
        listed,
        loaded: since.duration_since(served.started).as_secs_f64(),
        memory: memory(served.pid()),
    })
}
