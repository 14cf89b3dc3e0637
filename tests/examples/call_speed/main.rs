//! `cargo xtask bench call`: what a call of a plugin costs over bare wasmtime's.
//!
//! A component makes 100 items of 1.2 KB and returns them, in Rust, JavaScript and Python. Once it is called as the
//! engine calls it (a place among the calls, a fresh instance, limits, log, door, the page converted), once through
//! generated bindings on an engine with the same pool and nothing else. Batches of both alternate on one thread; the
//! medians of their time on the processor are compared, and those by the clock are printed.
//!
//! `call_speed [BATCHES]`

mod bare;

use anyhow::{Result, ensure};
use seawall_domain::{
    Digest,
    egress::{AddressPolicy, Door as Rules},
    grant::Grant,
    item::Page,
};
use seawall_runtime::{
    Plugin, Runtime, RuntimeConfig, Sandbox, Scope,
    door::{Buckets, Door, DoorConfig, Names},
};
use seawall_tests::{
    bench::{Goal, Report, median, thread_cpu},
    component,
};
use serde_json::json;
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

const ITEMS: usize = 100;
/// A language, and calls in a batch: a batch takes some tens of milliseconds.
const LANGUAGES: [(&str, u32); 3] = [("rust", 100), ("javascript", 20), ("python", 10)];

/// Microseconds a call.
#[derive(Default)]
struct Times {
    cpu: Vec<f64>,
    wall: Vec<f64>,
}

impl Times {
    fn add(&mut self, calls: u32, cpu: Duration, wall: Duration) {
        let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(calls);
        self.cpu.push(each(cpu));
        self.wall.push(each(wall));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let batches: usize = std::env::args().nth(1).map_or(Ok(41), |n| n.parse())?;
    let mut report = Report::new("call");
    let cache = tempfile::tempdir()?;
    let runtime = Runtime::new(RuntimeConfig {
        cache: Some(cache.path().to_owned()),
        ..RuntimeConfig::default()
    })?;
    let bare = plain(bare::Engine::new())?;
    let mut clock = Vec::new();
    for (language, calls) in LANGUAGES {
        let folder = if language == "javascript" { "js" } else { language };
        let bytes = std::fs::read(component(&format!("tests/guests/bench-{folder}")))?;
        report.say(format!(
            "{language}: compiling twice, then {batches} batches of {calls} calls of each"
        ));
        let plugin = runtime.load(&bytes, Digest::of(&bytes))?;
        let sandbox = sandbox(&plugin)?;
        let component = plain(bare.load(&bytes))?;
        let (mut ours, mut theirs) = (Times::default(), Times::default());
        // The first batch warms up.
        for batch in 0..=batches {
            let (start, begun) = (Instant::now(), thread_cpu());
            for _ in 0..calls {
                check(&plugin.pull(&sandbox, scope(), "all", None).await?)?;
            }
            let (cpu, wall) = (thread_cpu() - begun, start.elapsed());
            let (start, begun) = (Instant::now(), thread_cpu());
            for _ in 0..calls {
                let items = plain(component.pull(scope()).await)?;
                ensure!(items == ITEMS, "bare wasmtime gave {items} items");
            }
            let (bare_cpu, bare_wall) = (thread_cpu() - begun, start.elapsed());
            if batch > 0 {
                ours.add(calls, cpu, wall);
                theirs.add(calls, bare_cpu, bare_wall);
            }
        }
        let name = format!("call.{language}");
        report.compare(
            &name,
            median(ours.cpu),
            "µs",
            median(theirs.cpu),
            Goal::RatioAtMost(1.3),
        );
        clock.push((format!("{name}.clock"), median(ours.wall), median(theirs.wall)));
    }
    for (name, ours, theirs) in clock {
        report.compare(name, ours, "µs", theirs, Goal::None);
    }
    report.finish()
}

/// wasmtime's error is of its own type.
fn plain<T>(result: wasmtime::Result<T>) -> Result<T> {
    result.map_err(|error| anyhow::anyhow!("bare wasmtime: {error:#}"))
}

fn scope() -> Scope {
    let config = json!({"base_url": "http://127.0.0.1:1", "make": ITEMS, "prefix": "made"});
    Scope {
        config: config.to_string().into_bytes(),
        kind: "repository".into(),
        selector: b"{}".to_vec(),
    }
}

/// What the engine gives a pass, with a grant of all that the manifest asks.
fn sandbox(plugin: &Plugin) -> Result<Sandbox> {
    let manifest = &plugin.bundle().manifest;
    let grant = Grant::as_asked(plugin.digest().clone(), manifest);
    let rules = Rules::compile(manifest, &grant, &json!({"base_url": "http://127.0.0.1:1"}))?;
    let door = Door::new(DoorConfig {
        integration: "bench".into(),
        plugin: "bench".into(),
        digest: plugin.digest().clone(),
        rules,
        addresses: AddressPolicy {
            private_ranges: Vec::new(),
            never: Vec::new(),
        },
        names: Names::default(),
        plaintext_to_loopback: false,
        expires_at: None,
        credentials: HashMap::new(),
        shared: HashMap::new(),
        buckets: Buckets::default(),
        records: Arc::new(|_| {}),
        now: || 0,
        revoked: CancellationToken::new(),
        ca: None,
    })
    .map_err(anyhow::Error::msg)?;
    Ok(Sandbox {
        door: Some(door),
        ..Sandbox::closed()
    })
}

fn check(page: &Page) -> Result<()> {
    ensure!(
        page.changes.len() == ITEMS,
        "the plugin gave {} items",
        page.changes.len()
    );
    Ok(())
}
