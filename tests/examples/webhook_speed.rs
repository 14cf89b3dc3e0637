//! `cargo xtask bench webhook`: how many deliveries a second are taken in a burst, and given to the plugin after it.
//!
//! A burst of signed deliveries of 1.2 KB comes over 32 connections that stay open, each waiting for its answer, which comes
//! once the delivery is stored. The load comes from one thread of this process, which needs a good part of one processor: see
//! the server's own time a delivery too. That nothing is lost where the server is killed within a burst is a test of its own.
//!
//! `webhook_speed [DELIVERIES] [ROUNDS]`

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use seawall_tests::{
    Seawall,
    bench::{Goal, Load, Report, deliver, item, median, process_cpu},
    component,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 32;
const SECRET: &str = "benchmark";
const HEADERS: &str = "Authorization: Bearer benchmark\r\nContent-Type: application/json\r\n";

#[tokio::main(worker_threads = 1)]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let burst: usize = arguments.next().map_or(Ok(20_000), |n| n.parse())?;
    let rounds: usize = arguments.next().map_or(Ok(3), |n| n.parse())?;
    let mut report = Report::new("webhook");
    let (mut rates, mut p99, mut cpu, mut given) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let seawall = prepared().await?;
        let bodies: Vec<_> = (0..burst).map(|n| body(round * burst + n)).collect();
        let pid = seawall.pid().context("the server runs")?;
        let (before, started) = (process_cpu(pid), Instant::now());
        let taken = send(&seawall, bodies).await?;
        let spent = process_cpu(pid) - before;
        ensure!(taken.answers == burst as u64, "{} of {burst} were taken", taken.answers);
        all_given(&seawall).await?;
        given.push(burst as f64 / started.elapsed().as_secs_f64());
        let there = count(&seawall).await?;
        ensure!(there == burst as u64, "{there} of {burst} are in the catalog");
        rates.push(taken.rate);
        p99.push(taken.p99.as_secs_f64() * 1e3);
        cpu.push(spent.as_secs_f64() * 1e6 / burst as f64);
        report.say(format!("round {}: {:.0}/s", round + 1, taken.rate));
    }
    report.add("webhook.intake", median(rates), "/s", Goal::AtLeast(5_000.0));
    report.add("webhook.intake.p99", median(p99), "ms", Goal::None);
    report.add("webhook.intake.cpu", median(cpu), "µs", Goal::None);
    report.add("webhook.given", median(given), "/s", Goal::None);
    report.finish()
}

/// A server whose integration takes deliveries under a token.
async fn prepared() -> Result<Seawall> {
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/bench-rust")).await;
    let secret = json!({"source": "sealed", "secret": SECRET});
    seawall.send(Method::PUT, "/api/v1/credentials/hook", &secret).await;
    let integration = json!({
        "name": "bench", "plugin": "bench-rust", "every_seconds": 86_400,
        // It lists one item, made by itself.
        "config": {"base_url": "http://127.0.0.1:9", "make": 1},
        "webhook": {"scheme": "token", "secret": "hook", "id_header": "X-Id"},
    });
    seawall.integrate(integration).await;
    seawall.settled("bench").await;
    Ok(seawall)
}

fn body(n: usize) -> String {
    let mut body: Value = item(n as u64, 0);
    body["full_name"] = format!("acme/delivered-{n:07}").into();
    body.to_string()
}

async fn send(seawall: &Seawall, bodies: Vec<String>) -> Result<Load> {
    let address = seawall.address().trim_start_matches("http://").to_owned();
    tokio::task::spawn_blocking(move || deliver(&address, "/hooks/bench", HEADERS, &bodies, CONNECTIONS)).await?
}

async fn all_given(seawall: &Seawall) -> Result<()> {
    let started = Instant::now();
    loop {
        let waiting = seawall.get("/api/v1/deliveries?state=waiting&limit=1").await;
        if waiting["items"] == json!([]) {
            return Ok(());
        }
        ensure!(
            started.elapsed() < Duration::from_secs(300),
            "deliveries wait still: {waiting}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Delivered entities.
async fn count(seawall: &Seawall) -> Result<u64> {
    let counted = seawall.get("/api/v1/blueprints/repository/count").await;
    let all = counted["count"]
        .as_u64()
        .with_context(|| format!("a count: {counted}"))?;
    Ok(all - 1)
}
