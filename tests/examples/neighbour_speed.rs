//! `cargo xtask bench neighbour`: what eight hostile plugins at full strength take from a well-behaved one and from the API.
//!
//! The well-behaved plugin lists the same items again and again, and one connection reads the catalog. Then eight integrations
//! compute for ever, eat memory, flood the log, ask the host without an end, hold handles, recurse, answer too much and send what
//! they may not, each started again as soon as its call was ended, and the same is measured.
//!
//! `neighbour_speed [SECONDS] [ROUNDS]`

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use seawall_tests::{
    Rogue, Seawall, Tool,
    bench::{Goal, Load, Report, load, median, sync},
    component,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const ITEMS: usize = 5_000;
/// By plugin: modes of the probe, acts of the attacker.
const PROBES: [&str; 4] = ["spin", "memory", "log-flood", "huge"];
const ATTACKERS: [&str; 4] = ["host-calls", "resources", "recursion", "random"];

#[tokio::main(worker_threads = 1)]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let seconds: u64 = arguments.next().map_or(Ok(8), |n| n.parse())?;
    let rounds: usize = arguments.next().map_or(Ok(3), |n| n.parse())?;
    let time = Duration::from_secs(seconds);
    let mut report = Report::new("neighbour");
    let tool = Tool::start(100).await;
    tool.fill(ITEMS);
    let (seawall, rogue) = (Seawall::start().await, Rogue::start().await);
    seawall.install(&component("tests/guests/probe")).await;
    seawall.install(&component("tests/guests/attacker")).await;
    integrate(&seawall, "good", "probe", json!({"base_url": tool.address()})).await;
    seawall.settled("good").await;
    let (mut alone, mut beside) = (Figures::default(), Figures::default());
    for round in 0..rounds {
        alone.add(&measure(&seawall, time).await?);
        let ended = CancellationToken::new();
        hostile(&seawall, &tool, &rogue).await;
        let push = keep_going(&seawall, &ended);
        let (found, ()) = tokio::join!(
            async {
                let found = measure(&seawall, time).await;
                ended.cancel();
                found
            },
            push
        );
        beside.add(&found?);
        for name in PROBES.iter().chain(&ATTACKERS) {
            let (status, answer) = seawall
                .send(Method::DELETE, &format!("/api/v1/integrations/bad-{name}"), &json!({}))
                .await;
            ensure!(status.is_success(), "bad-{name} cannot be removed: {answer}");
        }
        report.say(format!("round {}: {alone:?} alone, {beside:?} beside them", round + 1));
    }
    report.compare(
        "neighbour.rate",
        median(beside.rate),
        "items/s",
        median(alone.rate),
        Goal::RatioAtLeast(0.5),
    );
    report.compare(
        "neighbour.p99",
        median(beside.p99),
        "ms",
        median(alone.p99),
        Goal::RatioAtMost(2.0),
    );
    report.compare("neighbour.p50", median(beside.p50), "ms", median(alone.p50), Goal::None);
    report.finish()
}

#[derive(Debug, Default)]
struct Figures {
    rate: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Figures {
    fn add(&mut self, (rate, load): &(f64, Load)) {
        self.rate.push(rate.round());
        self.p50.push(load.p50.as_secs_f64() * 1e3);
        self.p99.push(load.p99.as_secs_f64() * 1e3);
    }
}

async fn integrate(seawall: &Seawall, name: &str, plugin: &str, config: Value) {
    seawall
        .integrate(json!({"name": name, "plugin": plugin, "config": config, "every_seconds": 86_400}))
        .await;
}

async fn hostile(seawall: &Seawall, tool: &Tool, rogue: &Rogue) {
    for mode in PROBES {
        let config = json!({"base_url": tool.address(), "mode": mode});
        integrate(seawall, &format!("bad-{mode}"), "probe", config).await;
    }
    for act in ATTACKERS {
        let config = json!({"tool": rogue.address(), "wire": rogue.address(), "act": act});
        integrate(seawall, &format!("bad-{act}"), "attacker", config).await;
    }
}

/// Starts each of them again, whenever its pass has ended.
async fn keep_going(seawall: &Seawall, ended: &CancellationToken) {
    while !ended.is_cancelled() {
        for name in PROBES.iter().chain(&ATTACKERS) {
            let path = format!("/api/v1/integrations/bad-{name}/sync");
            // Refused while it is being removed, at the end.
            drop(seawall.send(Method::POST, &path, &json!({})).await);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// Items a second of the good one, pass after pass, and how one connection is answered meanwhile.
async fn measure(seawall: &Seawall, time: Duration) -> Result<(f64, Load)> {
    let address = seawall.address().trim_start_matches("http://").to_owned();
    let token = seawall.token().to_owned();
    let paths: Vec<_> = (0..500)
        .map(|n| format!("/api/v1/blueprints/thing/entities/item-{n:05}"))
        .collect();
    let reading = tokio::task::spawn_blocking(move || load(&address, &token, &paths, 1, time));
    let (started, mut items) = (Instant::now(), 0);
    while started.elapsed() < time {
        items += pass(seawall).await?;
    }
    let rate = items as f64 / started.elapsed().as_secs_f64();
    Ok((rate, reading.await??))
}

/// One pass; its items.
async fn pass(seawall: &Seawall) -> Result<u64> {
    let newest = async || {
        let page = seawall.get("/api/v1/passes?integration=good&limit=1").await;
        page["items"][0].clone()
    };
    let before = newest().await["id"].clone();
    sync(seawall, "good").await?;
    let started = Instant::now();
    loop {
        let pass = newest().await;
        if pass["id"] != before && pass["state"] != "running" {
            ensure!(pass["state"] == "succeeded", "{pass}");
            return pass["counts"]["items"].as_u64().context("a count");
        }
        ensure!(
            started.elapsed() < Duration::from_secs(120),
            "the pass does not end: {pass}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
